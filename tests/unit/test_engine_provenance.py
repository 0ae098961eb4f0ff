"""Provenance tells what is from the source from what is not."""

from __future__ import annotations

from services.generation.engines import provenance

TEXT = "# Tea\n\nTea keeps for **two years** in a\nclosed tin. Light spoils it within weeks.\n"


def origins(content: str, text: str = TEXT, title: str = "") -> list[str]:
    return [origin for _, origin in provenance(content, text, title)]


def test_sentences_labels_and_hashtags_are_told_apart() -> None:
    draft = "Tea keeps for two years in a closed tin.\n\nKey takeaways:\n• Light spoils it within weeks.\n\n"
    draft += "What would you add?\n\n#Tea #ClosedTin"
    assert origins(draft) == ["source", "template", "source", "template", "hashtag", "hashtag"]


def test_an_invented_sentence_is_missing_wherever_it_stands() -> None:
    assert origins("Tea cures everything.") == ["missing"]
    assert origins("Light spoils it within weeks. Tea cures everything.") == ["source", "missing"]
    assert origins("- Tea cures everything.") == ["missing"]


def test_a_changed_word_or_half_a_word_is_missing() -> None:
    assert origins("Light spoils it within days.") == ["missing"]
    assert origins("ight spoils it within weeks.") == ["missing"]


def test_a_shortened_sentence_ends_with_an_ellipsis() -> None:
    assert origins("Tea keeps for two years…") == ["source"]
    assert origins("Tea cures for two years…") == ["missing"]


def test_a_hashtag_made_of_other_words_is_missing() -> None:
    assert origins("#Coffee") == ["missing"]


def test_a_title_is_the_one_given() -> None:
    assert origins("# On tea", title="On tea") == ["title"]
    assert origins("# On coffee", title="On tea") == ["missing"]
