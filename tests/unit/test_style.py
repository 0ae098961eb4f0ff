"""Styles: what is measured of a text, how samples become a profile, and where a draft differs from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.style import Sample, Style, described, gaps, measured, profile

CHATTY = """🚀 We've shipped it!

You won't believe how fast it's now. It took us 3 days. Nobody asked for it, and we did it anyway.

✅ No more waiting
✅ No more lost drafts

What would you build with it?

#buildinpublic #python"""
STIFF = """The committee examined the proposal at its meeting of the second quarter and considered the objections.

The assumptions that underlie the calculation were found to be sound, with the exception of transport. \
The members therefore approved the budget for the coming year under the conditions that the board had proposed."""
KOREAN = "우리는 매일 빵을 굽습니다. 남은 빵은 얼려 둡니다. 여러분은 어떻게 하시나요?"


def test_the_measures_of_a_chatty_post() -> None:
    style = measured(CHATTY, "en")
    assert (style.texts, style.hashtags, style.lower_hashtags) == (1, 2, 1)
    assert (style.openings, style.closing_questions) == ({"short": 1.0}, 1)
    assert style.favourite_emoji[0] == "✅"
    assert style.lists == pytest.approx(2 / 5, abs=0.01)
    assert style.contractions > 5
    assert style.plural > 0
    assert style.reader > 0
    assert style.exclamations > 0
    assert style.formality < 0.3


def test_the_measures_of_a_stiff_text() -> None:
    style = measured(STIFF, "en")
    assert 15 <= style.sentence_words <= 20
    assert (style.emoji, style.exclamations, style.contractions, style.lists, style.hashtags) == (0, 0, 0, 0, 0)
    assert style.paragraph_sentences == pytest.approx(1.5)
    assert style.openings == {"statement": 1.0}
    assert style.formality == 1.0


def test_korean_speech_levels_are_told_apart() -> None:
    assert measured(KOREAN, "ko").polite == 1
    assert measured("나는 빵을 굽는다. 남은 것은 얼린다.", "ko").polite == 0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Who counts the loaves?", "question"),
        ("In 2024 the shop threw thirty loaves away.", "figure"),
        ("Your bakery wastes bread every single evening of the year.", "reader"),
        ("Bread is simple.", "short"),
        ("The bakery in our street has changed the way it bakes its bread.", "statement"),
    ],
)
def test_openings_have_kinds(text: str, kind: str) -> None:
    assert measured(f"{text} It does so every day.", "en").openings == {kind: 1.0}


def test_marks_are_not_words_and_lines_of_marks_no_paragraphs() -> None:
    style = measured("# A heading\n\n- One thing.\n- Another thing.\n\n```\ncode here\n```\n\n#tag #other", "en")
    assert (style.words, style.lists, style.hashtags) == (4, 1, 2)


@given(st.text(max_size=300), st.sampled_from(["en", "ko", "und", ""]))
def test_any_text_has_measures_within_their_bounds(text: str, language: str) -> None:
    style = measured(text, language)
    assert 0 <= style.formality <= 1
    for share in (style.exclamations, style.questions, style.polite, style.lists or 0, style.lower_hashtags or 0):
        assert 0 <= share <= 1
    assert described(style)
    gaps(style, measured(CHATTY, "en"))


def test_a_text_has_no_gap_to_itself_and_large_ones_to_its_opposite() -> None:
    chatty, stiff = measured(CHATTY, "en"), measured(STIFF, "en")
    assert gaps(chatty, chatty) == gaps(stiff, stiff) == ()
    found = {gap.measure: gap for gap in gaps(chatty, stiff)}
    assert {"sentence_words", "emoji", "contractions", "hashtags"} <= set(found)
    assert "longer sentences" in found["sentence_words"].advice
    assert all(0 < gap.size <= 1 for gap in found.values())


def test_words_are_compared_within_a_language_only() -> None:
    assert {gap.measure for gap in gaps(measured(KOREAN, "ko"), measured(STIFF, "en"))} <= {
        "closing_questions",
        "paragraph_sentences",
    }


def test_a_profile_is_the_mean_of_its_samples_by_their_words() -> None:
    chatty, stiff = measured(CHATTY, "en"), measured(STIFF, "en")
    both = profile([Sample("", chatty), Sample("", stiff)])
    assert both is not None
    assert both.texts == 2
    assert both.words == chatty.words + stiff.words
    assert chatty.sentence_words < both.sentence_words < stiff.sentence_words
    assert both.openings == {"short": 0.5, "statement": 0.5}
    assert profile([Sample("", stiff), Sample("", chatty)]) == both


def samples() -> list[Sample]:
    return [Sample("x", measured(CHATTY, "en")), Sample("", measured(STIFF, "en")), Sample("", measured(KOREAN, "ko"))]


def test_samples_for_the_platform_count_alone() -> None:
    assert profile(samples(), "x") == measured(CHATTY, "en")


def test_samples_for_no_platform_count_without_their_form() -> None:
    found = profile(samples(), "linkedin", "en")
    assert found is not None
    assert found.sentence_words == measured(STIFF, "en").sentence_words
    assert (found.lists, found.hashtags, found.paragraph_sentences, found.closing_questions) == (None,) * 4


def test_the_language_asked_for_counts_where_there_are_samples_in_it() -> None:
    found: list[Style | None] = [profile(samples(), "blog", language) for language in ("ko", "de")]
    assert [style.language for style in found if style] == ["ko", "en"]


def test_without_words_there_is_no_profile() -> None:
    assert profile([]) is None
    assert profile([Sample("x", measured("🚀🚀", "en"))], "x") is None


def test_a_style_is_described_in_sentences() -> None:
    assert "Sentences have 17 words on average and are of much the same length." in described(measured(STIFF, "en"))
    chatty = described(measured(CHATTY, "en"))
    assert "A text has about 2 hashtags in small letters." in chatty
    assert "Emoji are used, most of all ✅ 🚀." in chatty
