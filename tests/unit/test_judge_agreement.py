"""The judge orders drafts of several platforms, in English and Korean, as a reader does."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import pytest

from services.evaluation.judges import Submission
from services.evaluation.judges.draft import read
from services.evaluation.judges.offline import OfflineJudge
from shared.platforms import limit, measure
from tests.judging import Graded, agreement, drafts, jargon

GRADED = list(drafts())
# What a person signs is passed on, what nobody would sign goes back: the default threshold of a workflow.
GOOD_ENOUGH = 70


@pytest.fixture(scope="module")
def scores() -> dict[str, dict[str, int]]:
    judge = OfflineJudge()
    return {
        draft.submission.content: {**(verdict := judge.rate(draft.submission)).criteria_scores, "score": verdict.score}
        for draft in GRADED
    }


def test_the_set_is_broad() -> None:
    assert len(GRADED) >= 40
    assert {draft.submission.platform for draft in GRADED} >= {"linkedin", "x", "blog", "ghost", "bluesky"}
    assert sum(draft.kind == "korean" for draft in GRADED) >= 10
    assert min(Counter(draft.grade for draft in GRADED).values()) >= 10


def test_nine_pairs_of_ten_are_ordered_as_the_reader_does(scores: dict[str, dict[str, int]]) -> None:
    found = agreement(GRADED, lambda submission: scores[submission.content]["score"])
    assert found.pairs >= 100
    assert found.share >= 0.9, found.discordant


def test_a_judge_that_says_the_same_of_everything_agrees_with_nobody() -> None:
    assert agreement(GRADED, lambda _: 90).share == 0


@pytest.mark.parametrize("draft", [d for d in GRADED if d.grade != 2], ids=lambda d: f"{d.kind}: {d.name}")
def test_only_what_a_person_would_sign_is_good_enough(draft: Graded, scores: dict[str, dict[str, int]]) -> None:
    assert (scores[draft.submission.content]["score"] >= GOOD_ENOUGH) == (draft.grade == 3)


def test_whatever_is_over_a_limit_is_capped(scores: dict[str, dict[str, int]]) -> None:
    over = [
        draft.submission
        for draft in GRADED
        if (most := limit(draft.submission.platform)) is not None
        and measure(draft.submission.platform, draft.submission.content) > most
    ]
    assert {submission.platform for submission in over} >= {"x", "bluesky"}
    assert all(scores[submission.content]["platform_appropriateness"] <= 40 for submission in over)


def test_grammar_is_read_in_a_bounded_part_from_beginning_to_end() -> None:
    text = jargon(2000) + "\n\nNothing of this was was meant."
    measures = OfflineJudge().rate(Submission("blog", text, language="en")).measures["grammar"]
    assert 120 <= measures["words_checked"] <= 150
    assert measures["grammar_faults"]["Spelling"] == 4
    short = OfflineJudge().rate(Submission("x", "They has definately waited for us in the kitchen.", language="en"))
    assert short.measures["grammar"]["words_checked"] == 9
    assert short.measures["grammar"]["grammar_faults"]["Spelling"] == 1


@pytest.mark.parametrize("word", ["colour", "color", "organise", "organize", "theatre", "kitchen", "rehearse"])
def test_a_word_spelt_right_in_britain_or_america_is_no_fault(word: str) -> None:
    verdict = OfflineJudge().rate(
        Submission("x", f"They would like to know of {word} and of much else.", language="en")
    )
    assert verdict.measures["grammar"]["grammar_faults"] == {}


@pytest.mark.parametrize("word", ["definately", "recieve", "seperate", "kitchin", "lemadudi"])
def test_a_word_in_no_dictionary_is_one(word: str) -> None:
    verdict = OfflineJudge().rate(
        Submission("x", f"They would like to know of {word} and of much else.", language="en")
    )
    assert verdict.measures["grammar"]["grammar_faults"]["Spelling"] == 1
    assert f"“{word}”" in verdict.measures["grammar"]["findings"][0]["advice"]


def test_the_part_that_is_read_spreads_over_the_whole_draft() -> None:
    sentences = [f"Sentence number {number} has seven words here." for number in range(200)]
    sample = read(Submission("blog", "\n\n".join(sentences), language="en")).sample(150)
    found = [int(number) for number in re.findall(r"number (\d+)", sample)]
    assert len(sample.split()) == 150
    assert (found[0], len(found)) == (0, 22)
    assert {later - earlier for earlier, later in pairwise(found)} == {9, 10}
    assert found[-1] > 190
