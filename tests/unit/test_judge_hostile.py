"""The offline judge before drafts that are none: a verdict in bounded time, and no praise for nothing."""

from __future__ import annotations

import time

import pytest

from services.evaluation.judges import CRITERIA, Submission, Verdict
from services.evaluation.judges.offline import WARM_UP, OfflineJudge

JUDGE = OfflineJudge()
JUDGE.rate(Submission("blog", WARM_UP))
ZALGO = (
    "".join(letter + "\u0336\u0321\u0489\u0301\u0335\u0362\u031b" for letter in "The ferry leaves when it is full. ")
    * 8
)
# Ten times what any of these takes on a slow machine, and a tenth of what the worst took unbounded.
CPU_SECONDS = 5.0
NOTHING = {
    "empty": "",
    "white space": " \n\t\u2028 ",
    "emoji": "🎉" * 20_000,
    "families": "👩\u200d👩\u200d👧\u200d👦 " * 5_000,
    "dots": ". " * 50_000,
    "quotation marks": '"' * 50_000,
    "hashtags": "#tag " * 20_000,
    "links": "https://example.org/a " * 5_000,
}
LITTLE = {
    "an endless word": "a" * 270,
    "endless words": f"{'a' * 100} {'b' * 100}",
    "one letter": "a",
    "one word": "Bread",
    "two words": "Bread rises.",
    "한국어": "빵",
}
HUGE = {
    "one word of 1 MB": "a" * 1_000_000,
    "a word without end, in parts": "_a" * 100_000,
    "words, 1 MB": "word " * 200_000,
    "a word a line": "word\n" * 100_000,
    "shouting": "SHOUT! " * 50_000,
    "a rule broken ten thousand times": "very unique " * 10_000,
    "twice": "the the " * 20_000,
    "abbreviations": "e.g. " * 20_000,
    "brackets": "[" * 5_000,
    "stars": "**" * 50_000,
    "ticks": "".join("`" * number + "a" for number in range(150)),
    "quotations in quotations": "> " * 1_000 + "deep",
    "lists in lists": "".join("  " * depth + "- a\n" for depth in range(100)),
    "a table": "|a" * 10_000 + "\n" + "|-" * 10_000 + "\n" + "|b" * 10_000,
    "code": "```python\n" + 'x = f(y[3], "a")\n' * 2_000 + "```",
    "an open fence": "```\n" + "foo bar\n" * 3_000,
    "NUL": "a\x00b " * 2_000,
    "odd ends of lines": "one\u2028two\x0bthree\r\nfour\x85five\r" * 500,
    "Arabic": "تغادر العبارة عندما تمتلئ، وينتظر الركاب وقتا أقل من ذي قبل. " * 20,
    "reversed": "\u202eThe ferry leaves when it is full.\u202c " * 20,
    "Korean without spaces": "배는가득차면떠나고승객은예전보다덜기다린다" * 300,
    "Chinese": "面包发酵得很慢。" * 2_000,
    "Thai": "เรือออกเมื่อเต็ม" * 2_000,
    "zalgo": ZALGO * 20,
}


def judged(content: str, *platforms: str) -> list[Verdict]:
    verdicts = []
    for platform in platforms or ("blog", "x"):
        began = time.thread_time()
        verdict = JUDGE.rate(Submission(platform, content))
        assert time.thread_time() - began < CPU_SECONDS
        assert tuple(verdict.criteria_scores) == CRITERIA
        assert all(0 <= score <= 100 for score in (verdict.score, *verdict.criteria_scores.values()))
        assert 0 < len(verdict.feedback) < 5_000
        assert len(repr(verdict.measures)) < 20_000
        verdicts.append(verdict)
    return verdicts


@pytest.mark.parametrize("content", NOTHING.values(), ids=NOTHING.keys())
def test_nothing_to_read_scores_nothing(content: str) -> None:
    assert {verdict.score for verdict in judged(content)} == {0}


@pytest.mark.parametrize("content", LITTLE.values(), ids=LITTLE.keys())
def test_a_word_or_two_are_no_post_however_faultless(content: str) -> None:
    assert max(verdict.score for verdict in judged(content)) <= 25


@pytest.mark.parametrize("content", HUGE.values(), ids=HUGE.keys())
def test_whatever_it_is_it_is_judged_in_bounded_time_and_not_good_enough(content: str) -> None:
    assert max(verdict.score for verdict in judged(content)) < 65


def test_what_lies_beyond_the_part_that_is_read_is_measured() -> None:
    measures = JUDGE.rate(Submission("blog", "It rises. " * 10_000)).measures["platform_appropriateness"]
    assert (measures["length"], measures["words"]) == (99_999, 20_000)
    over = JUDGE.rate(Submission("x", "가" * 50_000)).measures["platform_appropriateness"]
    assert over["length"] == 2 * 30_000 + 20_000


def test_marks_stacked_on_letters_are_not_clear() -> None:
    plain = "The ferry leaves when it is full. " * 8
    (zalgo,), (clear,) = judged(ZALGO, "x"), judged(plain, "x")
    assert zalgo.criteria_scores["clarity"] <= clear.criteria_scores["clarity"] - 60
    assert "take the stacked marks off the letters in line 1" in zalgo.feedback
