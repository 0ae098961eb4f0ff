"""Cutting text into sentences and sentences to a length."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generation.engines.sentences import shorten, split, squeeze


@pytest.mark.parametrize(
    ("text", "language", "count"),
    [
        ("Dr. Lind paid 3.50 euros, e.g. for bread. She smiled.", "en", 2),
        ('"Is it fresh?" she asked. It was!', "en", 2),
        ("커피는 3.5잔이 적당합니다. 많이 마시면 잠이 안 옵니다!", "ko", 2),
        ("Das kostet ca. 5 Euro. Gut.", "de", 2),
        ("no end at all", "en", 1),
        ("", "en", 0),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, language: str, count: int) -> None:
    assert len(split(text, language)) == count


@given(st.text(max_size=300), st.sampled_from(["en", "ko", "de", "und"]))
def test_every_sentence_is_a_piece_of_the_text_in_order(text: str, language: str) -> None:
    whole, at = squeeze(text), 0
    for sentence in split(text, language):
        at = whole.index(sentence, at) + len(sentence)


@given(st.text(min_size=1, max_size=200).map(squeeze).filter(bool), st.integers(2, 60))
def test_a_shortened_text_fits_and_begins_as_the_text_does(text: str, most: int) -> None:
    kept = shorten(text, lambda t: len(t) <= most)
    assert len(kept) <= most
    assert kept == text or text.startswith(kept.removesuffix("…"))


def test_a_cut_falls_at_a_clause_or_a_word() -> None:
    text = "The bread is baked at five, cooled at seven, and sold until the evening comes"
    assert shorten(text, lambda t: len(t) <= 50) == "The bread is baked at five, cooled at seven…"
    assert shorten("one two three four", lambda t: len(t) <= 10) == "one two…"
