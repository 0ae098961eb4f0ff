"""What the offline judge promises: it tells good drafts from bad ones, says why, and what to change."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.evaluation.judges import CRITERIA, WEIGHTS, Submission, Verdict, build, overall
from services.evaluation.judges.offline import OfflineJudge
from services.generation.engines import Request, Source
from services.generation.engines.offline import OfflineEngine
from shared.threads import number

SAMPLES = Path(__file__).parents[1] / "samples"
JUDGE, ENGINE = OfflineJudge(), OfflineEngine()
GOOD = """In 2024 your local bakery threw away 30 loaves a day. Today it throws away four.

Key takeaways:
• Count what is baked, sold and left for six weeks.
• Bake a third of the dough at one o'clock, when you know what the afternoon needs.
• Freeze loaves on the evening they were baked, while they are still good.

The bakery now saves about 2,000 euros a month.

What has your experience been?

#Bakery #Bread #FoodWaste"""
SPOILT = {
    "over the limit": (GOOD + "\n\nThe bread is baked at five and sold at seven." * 70, "platform_appropriateness"),
    "shouting": (GOOD.upper().replace(".", "!!!"), "style_consistency"),
    "no hashtags": (GOOD.split("\n\n#")[0], "platform_appropriateness"),
    "too many hashtags": (GOOD + " " + " ".join(f"#Tag{c}" for c in "ABCDEFGH"), "platform_appropriateness"),
    "no question": (GOOD.replace("\n\nWhat has your experience been?", ""), "engagement"),
    "ungrammatical": (
        GOOD.replace("throws away four", "throw away an four loafs")
        .replace("they were baked", "they was baken")
        .replace("still good", "still a good the the"),
        "grammar",
    ),
    "one block": (" ".join(GOOD.replace("• ", "").split()), "platform_appropriateness"),
    "long sentences": (
        GOOD.replace(
            ". Today",
            ", which is a number that nobody in the street would have believed if it had not been written down"
            " every evening by the people who swept the floor, and today",
        ),
        "clarity",
    ),
    "heavy words": (
        GOOD.replace(
            "Count what is baked, sold and left for six weeks.",
            "Organisational utilisation of quantification methodologies facilitates sustainable optimisation.",
        ).replace("Freeze loaves", "Operationalise refrigeration of intermediate manufacturing commodities"),
        "clarity",
    ),
    "chat words": (
        GOOD.replace("Count what", "omg u gotta count what").replace("Freeze", "btw freeze"),
        "style_consistency",
    ),
}


def judge(content: str, platform: str = "linkedin", **more: str) -> Verdict:
    return JUDGE.rate(Submission(platform, content, **more))


@pytest.mark.parametrize(("spoilt", "criterion"), SPOILT.values(), ids=SPOILT.keys())
def test_a_spoilt_draft_scores_below_the_good_one_where_it_is_spoilt(spoilt: str, criterion: str) -> None:
    good, bad = judge(GOOD), judge(spoilt)
    assert bad.criteria_scores[criterion] <= good.criteria_scores[criterion] - 8
    assert bad.score < good.score


@pytest.mark.parametrize("fault", ["over the limit", "shouting", "ungrammatical"])
def test_a_gross_fault_costs_clearly(fault: str) -> None:
    assert judge(SPOILT[fault][0]).score <= judge(GOOD).score - 7


def test_a_thread_is_judged_by_its_longest_post_and_not_for_its_numbers() -> None:
    opening = "30 loaves were thrown away each day in our street. Today it is four.\n\n#Bakery #FoodWaste"
    posts = [opening, "Count what is left for six weeks, and bake five percent less. " * 3, "What would you count?"]
    thread = judge(number(posts), "x")
    assert (thread.measures["platform_appropriateness"]["posts"], thread.measures["clarity"]) == (
        3,
        judge("\n\n".join(posts), "x").measures["clarity"],
    )
    assert thread.criteria_scores["platform_appropriateness"] >= 90
    broken = judge(number([opening, "Count what is left. " * 20]), "x")
    assert broken.criteria_scores["platform_appropriateness"] <= 40
    assert "over the limit of 280" in broken.feedback


def test_over_the_limit_caps_the_platform_criterion_at_40() -> None:
    verdict = judge("Tea keeps for two years in a tin. " * 12 + "#Tea #Tin", "x")
    assert verdict.criteria_scores["platform_appropriateness"] <= 40
    assert "over the limit of 280" in verdict.feedback


def test_x_counts_weighted() -> None:
    assert judge("가" * 141 + " #가 #나", "x").criteria_scores["platform_appropriateness"] <= 40
    assert judge("가" * 120 + " #가 #나", "x").criteria_scores["platform_appropriateness"] > 40


def test_a_blog_post_without_headings_or_words_scores_below_the_article() -> None:
    article = (SAMPLES / "article.md").read_text("utf-8")
    bare = "\n\n".join(line for line in article.splitlines() if not line.startswith("#"))
    whole, flat, short = judge(article, "blog"), judge(bare, "blog"), judge(article[:900], "blog")
    name = "platform_appropriateness"
    assert flat.criteria_scores[name] < whole.criteria_scores[name]
    assert short.criteria_scores[name] < whole.criteria_scores[name]
    assert "add headings" in flat.feedback
    assert "too short" in short.feedback


def test_feedback_quotes_the_place() -> None:
    long = SPOILT["long sentences"][0]
    assert "shorten the long sentence “In 2024 your local bakery" in judge(long).feedback
    assert (
        "correct “the the”"
        in judge(GOOD.replace("the dough", "the the dough")).measures["grammar"]["findings"][0]["advice"]
    )


def test_every_score_is_explained_by_its_findings() -> None:
    verdict = judge(SPOILT["no question"][0])
    for name in CRITERIA:
        lost = sum(finding["points"] for finding in verdict.measures[name]["findings"])
        assert verdict.criteria_scores[name] == pytest.approx(max(0, 90 - lost), abs=0.6)


def test_a_casual_tone_is_held_against_a_stiff_text_and_the_other_way_round() -> None:
    stiff = "The bakery reduces its waste considerably by means of careful counting. It is a method that works."
    loose = "You've gotta count what's left, u know! It's fun! Really! Try it!"
    name = "style_consistency"
    assert judge(stiff, tone="casual").criteria_scores[name] < judge(stiff).criteria_scores[name]
    assert judge(loose).criteria_scores[name] < judge(loose, tone="casual").criteria_scores[name]


def test_korean_is_judged_and_its_grammar_left_neutral() -> None:
    draft = ENGINE.compose(Request("linkedin", Source("", (SAMPLES / "korean.md").read_text("utf-8"))))
    verdict = judge(draft.content)
    assert verdict.measures["language"] == "ko"
    assert "not checked" in verdict.measures["grammar"]["grammar"]
    bare = judge(draft.content.split("\n\n#")[0].replace("?", "."))
    assert bare.score < verdict.score


@pytest.mark.parametrize("sample", ["article", "second", "korean"])
@pytest.mark.parametrize("platform", ["linkedin", "x", "blog"])
def test_a_first_draft_is_decent_and_acting_on_feedback_does_not_make_it_worse(sample: str, platform: str) -> None:
    source = Source("", (SAMPLES / f"{sample}.md").read_text("utf-8"))
    first = ENGINE.compose(Request(platform, source))
    before = judge(first.content, platform)
    again = ENGINE.compose(Request(platform, source, 2, before.feedback, first.content))
    after = judge(again.content, platform)
    assert 65 <= before.score <= 88
    assert after.score >= before.score - 2


def test_most_weak_first_drafts_rise_by_their_feedback() -> None:
    gains = []
    for sample in ("article", "second"):
        source = Source("", (SAMPLES / f"{sample}.md").read_text("utf-8"))
        for platform in ("linkedin", "x"):
            first = ENGINE.compose(Request(platform, source))
            before = judge(first.content, platform)
            again = ENGINE.compose(Request(platform, source, 2, before.feedback, first.content))
            gains.append(judge(again.content, platform).score - before.score)
    assert sum(gain > 0 for gain in gains) >= 3


@given(
    st.text(max_size=300),
    st.sampled_from(["linkedin", "x", "blog"]),
    st.sampled_from(["professional", "casual", "formal"]),
)
@settings(max_examples=120, deadline=None)
def test_any_text_gets_a_verdict_and_the_same_one_twice(text: str, platform: str, tone: str) -> None:
    verdict = judge(text, platform, tone=tone)
    assert tuple(verdict.criteria_scores) == CRITERIA
    assert all(0 <= score <= 100 for score in (verdict.score, *verdict.criteria_scores.values()))
    assert verdict.feedback
    assert judge(text, platform, tone=tone) == verdict


def test_nothing_to_read_scores_nothing() -> None:
    assert judge("  \n").score == 0


def test_the_weights_of_a_workflow_go_before_the_judges_own() -> None:
    weights = {name: float(name == "clarity") for name in CRITERIA}
    spoilt = SPOILT["no question"][0]
    verdict = JUDGE.rate(Submission("linkedin", spoilt, weights=weights))
    assert verdict.criteria_scores == judge(spoilt).criteria_scores
    assert (verdict.score, verdict.weights) == (verdict.criteria_scores["clarity"], weights)
    # Nobody is sent to mend what does not count.
    assert "Engagement" in judge(spoilt).feedback
    assert "Engagement" not in verdict.feedback
    assert judge(spoilt).weights == WEIGHTS


def test_weights_decide_how_much_a_criterion_counts() -> None:
    only_grammar = {name: float(name == "grammar") for name in CRITERIA}
    verdict = OfflineJudge(only_grammar).rate(Submission("linkedin", GOOD))
    assert verdict.score == verdict.criteria_scores["grammar"]
    with pytest.raises(ValueError, match="Weights"):
        overall(dict.fromkeys(CRITERIA, 50), {"grammar": 1.0})


async def test_the_instant_judge_says_90() -> None:
    verdict = await build("instant").judge(Submission("x", "Anything"))
    assert verdict.score == 90
    assert set(verdict.criteria_scores.values()) == {90}
