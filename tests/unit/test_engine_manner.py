"""Tones and styles: each shows in the draft, and none of them adds a word that is not the source's or a template's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from contracts.events.workflow import Tone
from services.evaluation.judges import Submission
from services.evaluation.judges.offline import OfflineJudge
from services.generation.engines import Request, Source, Written, provenance
from services.generation.engines.forms import FORMS
from services.generation.engines.offline import OfflineEngine
from services.generation.engines.templates import templates
from services.generation.engines.tones import recognised, tones
from shared.platforms import longest, measure
from shared.style import Sample, Style, gaps, measured, profile

SAMPLES = Path(__file__).parents[1] / "samples"
TEXTS = {name: (SAMPLES / f"{name}.md").read_text("utf-8") for name in ("article", "second", "korean")}
ENGINE, JUDGE = OfflineEngine(), OfflineJudge()
CHATTY = """🚀 Nobody reads long posts.

We wrote one anyway. It took us two days. Then we cut it.

We cut it again. You know the rest. Less is more.

#writing #short #posts #work"""
LISTS = """Three figures tell you what to bake tomorrow in your shop.

- Count what is baked in the morning, what is sold by noon and what is left at closing time.
- Bake the average of the last four sales on the same weekday, and a little less of it.
- Freeze what is left on the same evening, while it is good, and warm it up on the next day.

Which of them do you write down at your place?"""


def write(platform: str, text: str, **more: object) -> Written:
    return ENGINE.compose(Request(platform, Source("", text), **more))  # type: ignore[arg-type]


def style_of(*texts: str, platform: str = "linkedin", language: str = "en") -> Style:
    found = profile([Sample(platform, measured(text, language)) for text in texts], platform, language)
    assert found is not None
    return found


def assert_faithful(platform: str, written: Written, text: str) -> None:
    assert [piece for piece, origin in provenance(written.content, text, written.title) if origin == "missing"] == []
    limit = FORMS[platform].max_length
    assert limit is None or longest(FORMS[platform], written.content) <= limit


def test_a_workflow_offers_the_tones_that_there_are() -> None:
    assert set(get_args(Tone)) == set(tones())


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_tone_that_has_a_label_and_an_end_has_its_own_words(language: str) -> None:
    texts = templates(language)
    for name, tone in tones().items():
        if name != "professional":
            assert set(texts.endings(name)) - set(texts.questions)
            assert texts.closings_of(name) != texts.closings
            assert not tone.label or texts.labels(name) != texts.takeaways


@pytest.mark.parametrize(
    ("wanted", "tone"),
    [
        ("Casual", "casual"),
        ("informal, but to the point", "casual"),
        ("Plain and warm; short sentences.", "friendly"),
        ("격식 있는 말투", "formal"),
        ("tell it as a story", "storytelling"),
        ("fancy", "professional"),
        ("", "professional"),
    ],
)
def test_a_tone_is_known_by_its_words(wanted: str, tone: str) -> None:
    assert recognised(wanted) == tone


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("platform", FORMS)
@pytest.mark.parametrize("tone", get_args(Tone))
def test_every_tone_is_faithful_and_within_limits_everywhere(tone: str, platform: str, name: str) -> None:
    assert_faithful(platform, write(platform, TEXTS[name], tone=tone), TEXTS[name])


@pytest.mark.parametrize("name", ["article", "second"])
@pytest.mark.parametrize("platform", ["linkedin", "instagram", "email"])
def test_no_two_tones_give_the_same_post(platform: str, name: str) -> None:
    posts = {tone: write(platform, TEXTS[name], tone=tone).content for tone in tones()}
    assert len(set(posts.values())) == len(posts)


def test_tones_differ_in_structure() -> None:
    posts = {tone: write("linkedin", TEXTS["article"], tone=tone).content for tone in tones()}
    assert "\n• " in posts["professional"]
    assert "\n→ " in posts["casual"]
    assert "\n1. " in posts["formal"]
    assert "?" not in posts["formal"]
    assert "\n✓ " in posts["enthusiastic"]
    for tone in ("friendly", "direct", "storytelling"):
        assert not any(mark in posts[tone] for mark in ("• ", "→ ", "\n1. ", "✓ "))
    assert len(posts["direct"]) < 0.6 * len(posts["professional"])
    story = [TEXTS["article"].find(s) for s in posts["storytelling"].split("\n\n")[1:-2]]
    assert story == sorted(story)


@pytest.mark.parametrize("platform", FORMS)
@pytest.mark.parametrize("sample", [CHATTY, LISTS], ids=["chatty", "lists"])
def test_a_style_keeps_every_draft_faithful(sample: str, platform: str) -> None:
    style = style_of(sample, platform=platform)
    previous, feedback = None, None
    for iteration in (1, 2, 3):
        written = write(
            platform, TEXTS["article"], style=style, iteration=iteration, previous=previous, feedback=feedback
        )
        assert_faithful(platform, written, TEXTS["article"])
        assert written.content != previous
        previous, feedback = written.content, "Another opening, please."


def test_a_post_takes_up_emoji_hashtags_and_paragraphs_of_its_author() -> None:
    plain = write("linkedin", TEXTS["article"])
    post = write("linkedin", TEXTS["article"], style=style_of(CHATTY))
    assert post.content.startswith("🚀 ")
    assert "• " not in post.content
    assert len(post.hashtags) == 4
    assert all(tag == tag.lower() for tag in post.hashtags)
    assert "?" not in post.content
    mean = measured(plain.content, "en").sentence_words
    assert measured(post.content, "en").sentence_words < 0.8 * mean


def test_an_author_of_lists_who_asks_gets_a_list_and_a_question() -> None:
    post = write("linkedin", TEXTS["article"], tone="direct", style=style_of(LISTS))
    assert post.content.count("\n• ") >= 2
    assert "?" in post.content


def test_paragraphs_of_an_article_get_as_short_as_the_authors() -> None:
    plain, own = (write("blog", TEXTS["article"], style=style) for style in (None, style_of(CHATTY, platform="blog")))
    assert most_sentences(own.content) < most_sentences(plain.content)


def most_sentences(article: str) -> int:
    """Of its longest paragraph."""
    return max(len(re.findall(r"[.?!](?:\s|$)", paragraph)) for paragraph in article.split("\n\n"))


@pytest.mark.parametrize("name", ["article", "second"])
@pytest.mark.parametrize("platform", ["linkedin", "x", "blog"])
@pytest.mark.parametrize("sample", [CHATTY, LISTS], ids=["chatty", "lists"])
def test_a_draft_in_style_is_nearer_to_it_for_the_judge_too(sample: str, platform: str, name: str) -> None:
    style = style_of(sample, platform=platform)
    drafts = [write(platform, TEXTS[name], style=each).content for each in (None, style)]
    far, near = (sum(gap.size for gap in gaps(measured(draft, "en"), style)) for draft in drafts)
    # An article keeps its paragraphs, and a list in the author's way may be what the tone has anyway.
    assert near < far if sample is CHATTY and platform != "blog" else near <= far
    scores = [
        JUDGE.rate(Submission(platform, draft, language="en", style=style)).criteria_scores["style_consistency"]
        for draft in drafts
    ]
    assert scores[1] >= scores[0]


def test_the_judge_names_what_is_unlike_the_samples() -> None:
    post = write("linkedin", TEXTS["article"]).content
    verdict = JUDGE.rate(Submission("linkedin", post, language="en", style=style_of(CHATTY)))
    measures = verdict.measures["style_consistency"]
    assert measures["samples"] == 1
    assert {"sentence_words", "emoji", "lists"} <= set(measures["unlike_samples"])
    assert "as your samples do" in verdict.feedback
    assert "samples" not in JUDGE.rate(Submission("linkedin", post, language="en")).measures["style_consistency"]


def test_a_style_in_another_language_changes_no_choice_of_words() -> None:
    style = style_of(CHATTY, platform="linkedin")
    assert write("linkedin", TEXTS["korean"], style=style).hashtags
    assert_faithful("linkedin", write("linkedin", TEXTS["korean"], style=style), TEXTS["korean"])


def test_a_caption_opens_before_the_fold_and_ends_with_five_to_ten_hashtags() -> None:
    written = write("instagram", TEXTS["article"])
    lines = written.content.split("\n")
    assert len(lines[0]) <= 125
    assert 5 <= len(lines[-1].split()) == len(written.hashtags) <= 10
    assert measure("linkedin", written.content) <= 2200


def test_a_newsletter_has_a_subject_and_a_preheader_of_its_own() -> None:
    written = write("email", TEXTS["article"])
    assert written.title == "Keeping a small bakery's bread fresh without waste"
    assert 20 <= len(written.preheader) <= 90
    assert written.preheader.removesuffix("…") in " ".join(TEXTS["article"].split())
    assert not written.content.startswith(written.preheader)
