"""Which weights of the criteria a workflow takes, and which it refuses, saying why."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from services.evaluation.judges import CRITERIA, overall
from services.workflow.schemas import CriteriaWeights


@pytest.mark.parametrize(
    "weights",
    [{"clarity": 1}, {"clarity": 0.5, "grammar": 0.5}, {"clarity": 0.33, "grammar": 0.33, "engagement": 0.33}],
)
def test_weights_that_come_to_one_are_taken_and_fit_the_judge(weights: dict[str, float]) -> None:
    taken = CriteriaWeights.model_validate(weights).model_dump()
    assert tuple(taken) == CRITERIA
    assert taken == dict.fromkeys(CRITERIA, 0.0) | weights
    assert overall(dict.fromkeys(CRITERIA, 80), taken) == 80


@pytest.mark.parametrize(
    ("weights", "saying"),
    [
        ({}, "come to 0 together"),
        ({"clarity": 0.5}, "come to 0.5 together; make them come to 1"),
        ({"clarity": 1, "grammar": 1}, "come to 2 together"),
        ({"clarity": 2, "grammar": -1}, "less than or equal to 1"),
        ({"clarity": 1.5, "grammar": -0.5}, "greater than or equal to 0"),
        ({"clarity": float("nan")}, "finite"),
        ({"clarity": "much"}, "valid number"),
        ({"clarity": None, "grammar": 1}, "valid number"),
        ({"clarity": 0.5, "humour": 0.5}, "Extra inputs"),
        ([1, 2], "valid dictionary"),
    ],
)
def test_others_are_refused(weights: Any, saying: str) -> None:
    with pytest.raises(ValidationError, match=saying):
        CriteriaWeights.model_validate(weights)
