"""Every finding of the offline judge names its place: it quotes the sentence, or says which line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from services.evaluation.judges import Submission, Verdict
from services.evaluation.judges.draft import read
from services.evaluation.judges.offline import OfflineJudge
from shared.style import Sample, measured, profile
from tests.judging import drafts, jargon

JUDGE = OfflineJudge()
_QUOTE = re.compile("“(.+?)”(?!”)")
_LINE = re.compile(r"\blines? (\d+)(?: to (\d+))?")
LOUD = "Wow! 🎉 It's here! 🎉 We're so happy! 🎉 Are you? 🎉 You'll love it! 🎉 #Wow"
STIFF = "The committee does not meet in August. It is of the opinion that it will not be missed by those concerned."
STYLES = [profile([Sample("", measured(text, "en"))], "", "en") for text in (LOUD, STIFF)]
PLATFORMS = ("linkedin", "x", "bluesky", "blog", "ghost")


def submissions() -> Iterator[Submission]:
    """The graded drafts as they are, elsewhere, in another tone, in somebody's style, and some that hold little."""
    for number, draft in enumerate(drafts()):
        given = draft.submission
        yield given
        yield replace(given, platform=PLATFORMS[number % len(PLATFORMS)], tone=("casual", "formal")[number % 2])
        yield replace(given, style=STYLES[number % 2])
    for platform in PLATFORMS:
        yield Submission(platform, jargon(400))
        yield Submission(platform, f"\n\n{LOUD.replace('.', '!')}\n\n{STIFF.upper()}\n", style=STYLES[1], tone="formal")
        yield Submission(platform, "🎉")
        yield Submission(platform, "# Only a heading")


def findings(verdict: Verdict) -> list[dict[str, Any]]:
    return [
        finding
        for measures in verdict.measures.values()
        if isinstance(measures, dict)
        for finding in measures.get("findings", ())
    ]


def bare(text: str) -> str:
    """Letters alone: quotes are without Markdown's marks, links and hashtags."""
    return "".join(filter(str.isalnum, text)).casefold()


def test_every_finding_quotes_a_piece_of_the_draft_or_names_a_line_of_it() -> None:
    seen = set()
    for submission in submissions():
        lines = submission.content.split("\n")
        read_as = bare(" ".join(read(submission).paragraphs))
        for finding in findings(JUDGE.rate(submission)):
            advice = finding["advice"]
            quotes = [bare(quote) for quote in _QUOTE.findall(advice) if len(quote) > 1]
            named = [int(number) for pair in _LINE.findall(advice) for number in pair if number]
            assert any(quote and quote in read_as for quote in quotes) or named, (advice, submission.content)
            assert all(1 <= number <= len(lines) for number in [*named, finding["line"]]), (advice, submission.content)
            seen.add(re.sub(r"[“\d].*", "", advice))
    assert len(seen) > 30, "the drafts do not show most of what the judge can find"


@pytest.mark.parametrize(
    ("platform", "content", "line"),
    [
        ("x", "Tea keeps.\n\n" + "It keeps for two years in a tin. " * 9 + "\n\n#Tea #Tin", 3),
        ("x", "\n\n" + "가" * 141, 3),
        ("x", "\n1/3 Tea keeps.\n\n2/3 " + "It keeps for two years. " * 20 + "\n\n3/3 #Tea #Tin", 4),
        ("bluesky", "\n".join(["Tea keeps for two years in a tin of its own, dry."] * 8), 7),
    ],
)
def test_the_line_is_named_in_which_a_post_gets_too_long(platform: str, content: str, line: int) -> None:
    over = JUDGE.rate(Submission(platform, content)).measures["platform_appropriateness"]["findings"]
    assert [f["line"] for f in over if "over the limit" in f["advice"]] == [line]
    assert any(f"in line {line} it is over" in f["advice"] for f in over)


def test_a_blog_names_the_line_on_which_the_paragraph_begins() -> None:
    long = "It rises because the yeast in it eats the sugar " + "and the starch " * 12 + "of the flour."
    content = f"# Bread\n\nIt rises.\n\n## Why\n\n{long}\n"
    clarity = JUDGE.rate(Submission("blog", content, language="en")).measures["clarity"]["findings"]
    assert [finding["line"] for finding in clarity if "shorten the long" in finding["advice"]] == [7]
