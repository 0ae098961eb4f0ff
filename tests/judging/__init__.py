"""Drafts with the grade a reader gave them, and how far a judge orders them as the reader does."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final

from services.evaluation.judges import Submission

_FOLDER: Final = Path(__file__).parent
_SAMPLES: Final = _FOLDER.parent / "samples"


@dataclass(frozen=True, slots=True)
class Graded:
    """`grade`: 3 a post to sign, 2 one to work on, 1 one to throw away. `kind` is the file it stands in."""

    kind: str
    name: str
    grade: int
    submission: Submission


@dataclass(frozen=True, slots=True)
class Agreement:
    """Over the pairs of different grades on one platform and in one language. A tie of scores is no agreement."""

    pairs: int
    concordant: int
    discordant: tuple[str, ...]

    @property
    def share(self) -> float:
        """0 to 1: pairs that the judge orders as the reader does."""
        return self.concordant / self.pairs

    @property
    def tau(self) -> float:
        """Kendall's tau over these pairs, -1 to 1."""
        return (self.concordant - len(self.discordant)) / self.pairs


def drafts() -> Iterator[Graded]:
    """The committed set. A file's name is the platform, unless the draft names its own."""
    for file in sorted(_FOLDER.glob("*.toml")):
        content = tomllib.loads(file.read_text("utf-8"))
        for draft in content["drafts"]:
            text = (_SAMPLES / f"{draft['sample']}.md").read_text("utf-8") if "sample" in draft else draft["text"]
            submission = Submission(
                draft.get("platform", file.stem), text.strip(), language=content.get("language", "")
            )
            yield Graded(file.stem, draft["name"], draft["grade"], submission)


def agreement(graded: Iterable[Graded], score: Callable[[Submission], int]) -> Agreement:
    """How far `score` orders the drafts as their grades do. Raises ZeroDivisionError when no pair differs in grade."""
    scored = [(draft, score(draft.submission)) for draft in graded]
    pairs, concordant, discordant = 0, 0, []
    for (one, of_one), (other, of_other) in combinations(scored, 2):
        apart = (one.grade - other.grade) * (one.kind == other.kind)
        # Blogs and Ghost's articles are one form; in Korean a post for X is not held against one for LinkedIn.
        if not apart or (one.kind == "korean" and one.submission.platform != other.submission.platform):
            continue
        pairs += 1
        if (of_one - of_other) * apart > 0:
            concordant += 1
        else:
            discordant.append(
                f"{one.kind}: {one.name} ({one.grade}: {of_one}), {other.name} ({other.grade}: {of_other})"
            )
    return Agreement(pairs, concordant, tuple(discordant))


def jargon(words: int) -> str:
    """About so many words, in paragraphs; five of fourteen stand in no dictionary. The same at each call."""
    draw = random.Random(7)
    unknown = ("".join(draw.choice("bdfgklmnprst") + draw.choice("aeiou") for _ in range(4)) for _ in range(words))
    sentence = "The {} restarts the {} when {} and {} wait for the {} again."
    sentences = [sentence.format(*(next(unknown) for _ in range(5))) for _ in range(words // 13)]
    return "\n\n".join(" ".join(sentences[first : first + 4]) for first in range(0, len(sentences), 4))
