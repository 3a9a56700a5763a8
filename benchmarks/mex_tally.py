"""Counts against counts by eye: the sums that every method is judged by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mex_files import MexFile, matches


@dataclass(frozen=True)
class Counted:
    """What a method says of one file."""

    count: int | None
    """None: it abstains."""
    tops_s: tuple[float, ...] = ()
    """Of knee rolls in both directions."""


@dataclass
class Tally:
    """What one movement came to."""

    n: int = 0
    counted: int = 0
    exact: int = 0
    within_one: int = 0
    matched: int = 0
    found: int = 0
    true: int = 0
    false: int = 0
    """Counts on resting legs."""
    wrong: list[str] = field(default_factory=list)
    """Files that were counted otherwise than by eye."""

    def add(self, file: MexFile, said: Counted) -> None:
        """One more file."""
        self.n += 1
        if said.count is None:
            return
        self.counted += 1
        self.exact += file.low <= said.count <= file.high
        self.within_one += file.low - 1 <= said.count <= file.high + 1
        if not file.low <= said.count <= file.high:
            self.wrong.append(f"{file.name}: {said.count} for {file.low}-{file.high}")
        if file.is_resting:
            self.false += said.count
        elif file.exercise != "pelvic_rock":
            self.matched += matches(said.tops_s, file.tops_s)
            self.found += len(said.tops_s)
            self.true += len(file.tops_s)

    @property
    def f1(self) -> float | None:
        """Of the times of tops; None where there are none by eye."""
        return 2 * self.matched / (self.found + self.true) if self.true else None

    def words(self) -> str:
        """One line."""
        text = f"exact {self.exact} of {self.n}, within one {self.within_one} of {self.counted} counted"
        if self.counted < self.n:
            text += f", abstains {self.n - self.counted}"
        return text if self.f1 is None else f"{text}, F1 of times {self.f1:.3f}"

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {**self.__dict__, "f1": self.f1}


def tally(pairs: Iterable[tuple[MexFile, Counted]]) -> Tally:
    """The sums over files."""
    total = Tally()
    for file, said in pairs:
        total.add(file, said)
    return total


def merit(files: Sequence[MexFile], said: Sequence[Counted]) -> tuple[float, float]:
    """What tuning looks for: right counts first, then times; a wrong count is worse than none."""
    moving = tally((f, s) for f, s in zip(files, said, strict=True) if not f.is_resting)
    resting = tally((f, s) for f, s in zip(files, said, strict=True) if f.is_resting)
    if moving.true:
        return float(moving.exact + resting.exact), moving.f1 or 0.0
    return float(2 * moving.within_one - moving.counted), float(moving.exact)
