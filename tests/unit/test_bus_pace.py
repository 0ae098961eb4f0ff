"""Fetches are brief while a story is being told, and long when nothing is or much comes at once."""

from __future__ import annotations

from shared.bus.pace import MANY, STORY, Pace


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_fetch_is_brief_for_a_moment_after_a_message() -> None:
    clock = Clock()
    pace = Pace(5, 20, clock)
    assert pace.milliseconds == 20
    pace.note(3)
    assert pace.milliseconds == 5
    clock.now += STORY
    assert pace.milliseconds == 20


def test_what_comes_in_plenty_keeps_fetches_long() -> None:
    pace = Pace(5, 20, Clock())
    pace.note(MANY)
    assert pace.milliseconds == 20
    pace.note(2)
    assert pace.milliseconds == 5


def test_no_fetch_is_longer_than_the_longest() -> None:
    pace = Pace(50, 10, Clock())
    pace.note(1)
    assert pace.milliseconds == 10
