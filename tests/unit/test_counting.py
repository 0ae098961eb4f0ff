"""Live counters: lengths, what they break, and threads."""

from __future__ import annotations

import time

import pytest

from shared.counting import Count, count
from shared.platforms import PLATFORMS, measure


def on(platform: str, text: str) -> Count:
    return count(PLATFORMS[platform], text)


def codes(found: Count) -> list[str]:
    return [each.code for each in found.breaks]


def test_x_counts_weights_and_links() -> None:
    found = on("x", " 한국 👨‍👩‍👧‍👦 https://example.com/a/very/long/path #bread #baking ")
    assert (found.length, found.counting) == (4 + 1 + 2 + 1 + 23 + 1 + 6 + 1 + 7, "weighted")
    assert (found.limit, found.remaining, found.hashtags) == (280, 280 - found.length, 2)
    assert (found.breaks, found.thread, found.fits) == ([], [], True)


def test_what_one_post_does_not_hold_is_shown_as_a_thread() -> None:
    text = "Bread rises because yeast breathes. " * 20 + "#bread #baking"
    found = on("x", text)
    assert found.fits
    assert codes(found) == ["thread"]
    assert found.breaks[0].detail == f"It goes out as a thread of {len(found.thread)} posts."
    assert all(part.length == measure("x", part.text) <= 280 for part in found.thread)
    assert " ".join(part.text for part in found.thread) == text.strip()


def test_a_numbered_thread_is_shown_as_it_is_numbered() -> None:
    found = on("x", "1/2 Bread rises. #bread #baking\n\n2/2 " + "Yeast breathes. " * 16)
    assert [part.text[:4] for part in found.thread] == ["1/2 ", "2/2 "]
    assert (found.fits, codes(found)) == (True, ["thread"])


def test_bluesky_makes_threads_too() -> None:
    found = on("bluesky", "Bread rises because yeast breathes. " * 10 + "#bread")
    assert (found.fits, codes(found), len(found.thread)) == (True, ["thread"], 2)


def test_of_a_long_thread_the_first_posts_are_shown() -> None:
    found = on("x", "Bread rises because yeast breathes. " * 400)
    assert (len(found.thread), found.fits) == (25, True)
    assert found.breaks[0].detail == "It goes out as a thread of more than 25 posts."


def test_a_thread_that_nobody_may_post_does_not_fit() -> None:
    found = on("x", "Bread rises because yeast breathes. " * 1000)
    assert not found.fits
    assert found.breaks[0].code == "too_long"


@pytest.mark.parametrize(("length", "fits"), [(3000, True), (3001, False)])
def test_linkedin_takes_so_many_characters_and_not_one_more(length: int, fits: bool) -> None:
    found = on("linkedin", "#a #b #c " + "x" * (length - 9))
    assert (found.length, found.fits, found.thread) == (length, fits, [])
    assert codes(found) == ([] if fits else ["too_long"])


def test_blog_wants_words_but_takes_what_it_gets() -> None:
    assert codes(on("blog", "Bread – rises.")) == ["too_few_words"]
    assert on("blog", "Bread – rises.").words == 2
    long = on("blog", "bread " * 2001)
    assert (codes(long), long.fits, long.remaining) == (["too_many_words"], True, None)


@pytest.mark.parametrize("text", ["", "  \n "])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_nothing_is_no_post(platform: str, text: str) -> None:
    found = on(platform, text)
    assert (found.length, found.fits) == (0, False)
    assert "empty" in codes(found)


def test_hashtags_are_words_and_not_parts_of_links() -> None:
    assert on("x", "#1 C# https://example.com/#part a#b #빵 ＃bread").hashtags == 2
    assert "many_hashtags" in codes(on("x", "#a #b #c #d"))


@pytest.mark.parametrize("unit", ["😀", "#", "(", "a.", "http://", "한국 👍🏽 word.com ", "e\u0301"])
def test_hostile_text_is_counted_in_a_moment(unit: str) -> None:
    text = (unit * 50_000)[:50_000]
    began = time.process_time()
    on("x", text)
    assert time.process_time() - began < 5  # it was over a minute when each letter was weighed with all before it
