"""What became of a text, in words and in lines."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generation.domain.difference import Difference, Unit, difference

TEXT = st.lists(st.sampled_from(["a", "b", "bread", " ", "\n", "漢", "字", "한국", "."]), max_size=40).map("".join)


def told(found: Difference) -> list[tuple[str, str]]:
    return [(piece.kind, piece.text) for piece in found.pieces]


def test_words_that_came_and_went() -> None:
    found = difference("Bread rises very slowly.", "Bread nearly always rises slowly.", "words")
    assert told(found) == [
        ("equal", "Bread"),
        ("insert", " nearly always"),
        ("equal", " rises"),
        ("delete", " very"),
        ("equal", " slowly."),
    ]
    assert (found.inserted, found.deleted, found.similarity) == (2, 1, round(6 / 9, 4))


def test_lines_are_compared_whole() -> None:
    found = difference("one\ntwo\nthree\n", "one\n2\nthree\n", "lines")
    assert told(found) == [("equal", "one\n"), ("delete", "two\n"), ("insert", "2\n"), ("equal", "three\n")]


def test_letters_without_spaces_are_words() -> None:
    assert told(difference("漢字だ", "漢文だ", "words")) == [
        ("equal", "漢"), ("delete", "字"), ("insert", "文"), ("equal", "だ")
    ]  # fmt: skip


def test_of_a_long_text_a_few_changes_are_a_few() -> None:
    words = [f"word{n % 700}" for n in range(9000)]
    changed = ["X" if n % 900 == 0 else word for n, word in enumerate(words)]
    found = difference(" ".join(words), " ".join(changed), "words")
    assert (found.inserted, found.deleted) == (10, 10)


@given(TEXT, TEXT, st.sampled_from(["words", "lines"]))
def test_both_texts_can_be_read_from_the_pieces(before: str, after: str, unit: Unit) -> None:
    found = difference(before, after, unit)
    assert "".join(piece.text for piece in found.pieces if piece.kind != "insert") == before
    assert "".join(piece.text for piece in found.pieces if piece.kind != "delete") == after
    assert 0 <= found.similarity <= 1
    if before == after:
        assert (found.inserted, found.deleted, found.similarity) == (0, 0, 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a " * 25_000, "a " * 24_000),
        ("\n" * 50_000, "\n" * 49_000),
        ("a b " * 12_500, "b a " * 12_500),
        ("", "a" * 50_000),
    ],
)
@pytest.mark.parametrize("unit", ["words", "lines"])
def test_texts_that_repeat_themselves_are_compared_in_a_moment(before: str, after: str, unit: Unit) -> None:
    began = time.process_time()
    difference(before, after, unit)
    assert time.process_time() - began < 5
