"""Limits, lengths as the platforms count them, and threads."""

from __future__ import annotations

import re
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.platforms import PLATFORMS, configured, limit, longest, measure, split_thread
from shared.threads import number, numbered, unnumbered
from shared.weighted_text import url_spans

WORDS = st.lists(st.text(alphabet="abcdeé漢字😀.!?", min_size=1, max_size=12), min_size=1, max_size=80)
# Text that hits what is counted specially: links, emoji sequences, combining marks, wide letters, breaks.
ODD_TEXT = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "example.com",
                "https://example.com/a(b)c?x=1",
                "👨‍👩‍👧‍👦",
                "👍🏽",
                "🇫🇷",
                "1️⃣",
                "e\u0301",
                "한국",
                "…",
                "—",
                "\n",
                " ",
                ". ",
            ]
        ),
        st.text(max_size=10),
    ),
    max_size=60,
).map("".join)


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("", 0),
        ("a" * 280, 280),
        ("e\u0301", 1),
        ("漢字", 4),
        ("“quoted” – dash…", 15 + 2),
        ("\u10ff\u1100", 1 + 2),
        ("\u2000\u200d\u200e", 1 + 1 + 2),
        ("\u2010\u201f\u2020", 1 + 1 + 2),
        ("\u2032\u2037\u2038", 1 + 1 + 2),
        ("😀", 2),
        ("👨‍👩‍👧‍👦", 2),
        ("👍🏽", 2),
        ("🇫🇷", 2),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", 2),
        ("1️⃣", 2),
        ("©", 1),
        ("©️", 2),
        ("https://example.com", 23),
        ("https://example.com/" + "a" * 300, 23),
        ("http://x.co", 23),
        ("See https://example.com/a_(b)?q=1#c, or not.", 4 + 23 + len(", or not.")),
        ("(https://example.com/a)", 25),
        ("example.com", 23),
        ("see example.co.uk/path. End", 4 + 23 + len(". End")),
        ("日本example.com", 4 + 23),
        ("https://例え.jp/a", 23),
        ("someone@example.com", len("someone@example.com")),
        ("http://localhost:8080/a", len("http://localhost:8080/a")),
        ("v1.2.3 and e.g. this", len("v1.2.3 and e.g. this")),
        ("https://t.co/abc123", 23),
    ],
)
def test_x_weighs_text_as_its_configuration_says(text: str, weight: int) -> None:
    assert measure("x", text) == weight


@given(st.text(alphabet=st.characters(max_codepoint=0x10FF, exclude_characters=".")))
def test_text_without_links_in_the_narrow_ranges_weighs_its_length(text: str) -> None:
    if not re.search(r"[\u00a9\u00ae]|[0-9#*]\u20e3", text):
        assert measure("x", text) == len(normalize("NFC", text))


@given(ODD_TEXT)
def test_weight_does_not_depend_on_the_normal_form(text: str) -> None:
    assert measure("x", normalize("NFD", text)) == measure("x", text)


@given(ODD_TEXT)
def test_links_stand_in_order_and_apart(text: str) -> None:
    edges = [edge for span in url_spans(text) for edge in span]
    assert edges == sorted(set(edges))


def test_hostile_text_is_weighed_in_time_that_grows_with_its_length() -> None:
    assert measure("x", "漢" * 50_000 + ".x") == 100_002
    assert measure("x", "https://example.com/" + "(a" * 20_000) > 20_000
    assert measure("x", "-" * 100_000 + ".com") == 100_004


def test_linkedin_and_the_blog_count_characters() -> None:
    assert measure("linkedin", "漢😀 https://example.com") == 22
    assert (limit("linkedin"), limit("x"), limit("blog")) == (3000, 280, None)


def test_an_unknown_platform_has_no_length() -> None:
    with pytest.raises(KeyError):
        measure("myspace", "text")


def test_settings_override_limits_and_leave_the_defaults_alone() -> None:
    changed = configured({"x.max_length": 25_000, "blog.min_words": 300, "linkedin.max_hashtags": 4})
    assert changed["x"].max_length == 25_000
    assert changed["blog"].min_words == 300
    assert changed["linkedin"].hashtags == (3, 4)
    assert PLATFORMS["x"].max_length == 280
    assert configured({}) == dict(PLATFORMS)


@pytest.mark.parametrize(
    "override",
    [
        {"x.colour": 1},
        {"myspace.max_length": 1},
        {"x": 1},
        {"x.max_length": -1},
        {"x.min_hashtags": 9},
        {"blog.min_words": 9000},
    ],
)
def test_settings_that_make_no_sense_are_refused(override: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        configured(override)


@given(WORDS, st.integers(23, 300))
def test_a_thread_keeps_every_word_in_order_and_every_post_within_the_limit(words: list[str], most: int) -> None:
    text = " ".join(words)
    posts = split_thread(text, most)
    assert all(post == post.strip() and 0 < measure("x", post) <= most for post in posts)
    assert "".join("".join(posts).split()) == "".join(normalize("NFC", text).split())


@given(ODD_TEXT, st.integers(23, 120))
def test_a_thread_of_odd_text_loses_nothing(text: str, most: int) -> None:
    posts = split_thread(text, most)
    assert all(0 < measure("x", post) <= most for post in posts)
    assert "".join("".join(posts).split()) == "".join(normalize("NFC", text).split())


@given(ODD_TEXT)
def test_a_text_that_fits_is_one_post(text: str) -> None:
    if text.strip():
        assert split_thread(text, max(23, measure("x", text))) == [normalize("NFC", text).strip()]


def test_a_thread_is_cut_between_sentences() -> None:
    text = "Dr. Who paid 3.50 for it. The U.S. price was higher! Was it worth it? Nobody knows."
    assert split_thread(text, 54) == [
        "Dr. Who paid 3.50 for it. The U.S. price was higher!",
        "Was it worth it? Nobody knows.",
    ]


def test_a_chinese_thread_is_cut_after_the_full_stop() -> None:
    assert split_thread("今天天气很好。我们去公园。", 24) == ["今天天气很好。", "我们去公园。"]


def test_a_long_sentence_is_cut_between_words_and_a_long_word_between_graphemes() -> None:
    assert split_thread("one two three four five six", 23) == ["one two three four five", "six"]
    assert split_thread("👨‍👩‍👧‍👦" * 20, 30) == ["👨‍👩‍👧‍👦" * 15, "👨‍👩‍👧‍👦" * 5]


def test_a_long_link_stays_whole() -> None:
    link = "https://example.com/" + "a" * 200
    assert split_thread(f"Read this first: {link} and then the rest of it.", 30)[1] == f"{link} and"


def test_a_limit_below_a_link_is_refused() -> None:
    with pytest.raises(ValueError, match="holds no link"):
        split_thread("text", 22)


def test_an_empty_text_has_no_posts() -> None:
    assert split_thread(" \n ", 280) == []


@given(st.lists(st.text("ab c.é\n", min_size=1, max_size=60).map(str.strip).filter(bool), min_size=2, max_size=12))
def test_a_numbered_thread_is_cut_where_its_writer_cut_it(said: list[str]) -> None:
    text = number(said)
    posts = split_thread(text, 280)
    assert posts == [f"{at}/{len(said)} {normalize('NFC', post)}" for at, post in enumerate(said, start=1)]
    assert longest("x", text) == max(measure("x", post) for post in posts)
    assert "".join(unnumbered(text).split()) == "".join("".join(said).split())


@pytest.mark.parametrize(
    "text",
    [
        "1/2 cup of flour, and half as much water.",
        "1/3 One.\n\n2/3 Two.",
        "1/2 One.\n\n3/2 Two.",
        "1/2 One.\n2/2 Two.",
        "Before.\n\n1/2 One.\n\n2/2 Two.",
        "1/2\n\n2/2 Two.",
    ],
)
def test_what_is_not_counted_to_its_end_is_no_thread(text: str) -> None:
    assert numbered(text) == []
    assert unnumbered(text) == text
    assert split_thread(text, 280) == [text]


def test_a_numbered_post_that_is_too_long_is_cut_on_and_hashtags_stay_with_the_last() -> None:
    text = number(["One. " * 3, "Two. " * 12]) + "\n\n#bread"
    posts = split_thread(text, 40)
    assert posts[0] == "1/2 One. One. One."
    assert posts[1].startswith("2/2 Two.")
    assert posts[-1].endswith("#bread")
    assert all(measure("x", post) <= 40 for post in posts)


def test_a_platform_without_threads_sees_one_text() -> None:
    text = number(["One.", "Two."])
    assert longest("linkedin", text) == len(text)
