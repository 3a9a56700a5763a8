"""Angles over time with exact first and second derivatives.

A `Track` is a sum of terms. A term is zero before its start and constant after its end, so a movement that is
appended later never changes what was sampled before it: a virtual person stays causal, however they are sampled.
Everything is twice differentiable by formula; nothing is differenced numerically.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from sensorsoma.messages import Floats


class Motion(NamedTuple):
    """A quantity with its first and second time derivative; each `(n,)`, or `(1,)` while nothing moves."""

    value: Floats
    rate: Floats
    accel: Floats

    @property
    def is_static(self) -> bool:
        """True when value is one constant and both derivatives are zero."""
        return len(self.value) == 1


def constant(value: float) -> Motion:
    """A motion that stands still at `value`."""
    return Motion(np.array([value]), _ZERO, _ZERO)


_ZERO = np.zeros(1)


def mix(*parts: tuple[float, Motion]) -> Motion:
    """The weighted sum of motions.

    >>> mix((2.0, constant(1.0)), (-1.0, constant(0.5))).value
    array([1.5])
    """
    moving = [(weight, motion) for weight, motion in parts if not motion.is_static]
    offset = sum(weight * float(motion.value[0]) for weight, motion in parts if motion.is_static)
    if not moving:
        return constant(offset)
    weight, motion = moving[0]
    value, rate, accel = weight * motion.value + offset, weight * motion.rate, weight * motion.accel
    for weight, motion in moving[1:]:
        value, rate, accel = value + weight * motion.value, rate + weight * motion.rate, accel + weight * motion.accel
    return Motion(value, rate, accel)


class Term(Protocol):
    """One contribution to a track."""

    @property
    def start_s(self) -> float:
        """Zero before."""

    @property
    def end_s(self) -> float:
        """Constant `amount` from here on."""

    @property
    def amount(self) -> float:
        """What remains after the end."""

    def evaluate(self, t_s: Floats) -> Motion:
        """Value and derivatives at times within the term."""


@dataclass(frozen=True, slots=True)
class MinJerk:
    """A smooth step: the minimum-jerk course of unforced human movement (Flash & Hogan 1985)."""

    start_s: float
    duration_s: float
    amount: float

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s

    def evaluate(self, t_s: Floats) -> Motion:
        x = (t_s - self.start_s) / self.duration_s
        d, a = self.duration_s, self.amount
        xx = x * x
        return Motion(
            a * xx * x * (10 - 15 * x + 6 * xx),
            a / d * 30 * xx * (1 - x) ** 2,
            a / d**2 * 60 * x * (1 - 3 * x + 2 * xx),
        )


@dataclass(frozen=True, slots=True)
class Creep:
    """A slow exponential approach with a soft beginning: tissue giving way under its own weight."""

    start_s: float
    amount: float
    tau_s: float
    onset_s: float = 0.7
    """Time constant of the beginning; must differ from `tau_s`."""

    @property
    def end_s(self) -> float:
        return self.start_s + 25 * max(self.tau_s, self.onset_s)

    def evaluate(self, t_s: Floats) -> Motion:
        t, a, tau, q = t_s - self.start_s, self.amount, self.tau_s, self.onset_s
        slow, fast = np.exp(-t / tau), np.exp(-t / q)
        k = 1 / (tau - q)
        return Motion(a * (1 - k * (tau * slow - q * fast)), a * k * (slow - fast), a * k * (fast / q - slow / tau))


@dataclass(frozen=True, slots=True, eq=False)
class Burst:
    """A sum of sinusoids that fades in and out; leaves nothing behind.

    Phases refer to absolute time, so bursts whose fades overlap exactly join into one unbroken oscillation.
    """

    start_s: float
    end_s: float
    freqs_hz: Floats
    peaks: Floats
    phases_rad: Floats
    fade_in_s: float = 0.3
    fade_out_s: float = 0.3

    @property
    def amount(self) -> float:
        return 0.0

    def evaluate(self, t_s: Floats) -> Motion:
        w = 2 * np.pi * self.freqs_hz
        phase = np.multiply.outer(t_s, w) + self.phases_rad
        sine, cosine = np.sin(phase), np.cos(phase)
        v, d, dd = sine @ self.peaks, cosine @ (self.peaks * w), -(sine @ (self.peaks * w * w))
        e, ed, edd = _envelope(self, t_s)
        return Motion(e * v, ed * v + e * d, edd * v + 2 * ed * d + e * dd)


def _envelope(term: Burst | Sway, t_s: Floats) -> Motion:
    up = _ramp((t_s - term.start_s) / term.fade_in_s, term.fade_in_s)
    down = _ramp((t_s - (term.end_s - term.fade_out_s)) / term.fade_out_s, term.fade_out_s)
    return Motion(up.value - down.value, up.rate - down.rate, up.accel - down.accel)


@dataclass(frozen=True, slots=True, eq=False)
class Rhythm:
    """An oscillation kept by hand: its pace and its size wander. Phases refer to absolute time."""

    freq_hz: float
    peak: float
    wander_hz: Floats
    """`(k,)` how fast they wander, well below the rhythm itself."""
    pace_share: Floats
    """`(k,)` by which share of the pace."""
    size_share: Floats
    """`(k,)` by which share of the size."""
    phases_rad: Floats

    def phase_rad(self, t_s: Floats) -> Motion:
        """Phase of the oscillation with both derivatives, each `(n,)`."""
        w, w0 = 2 * np.pi * self.wander_hz, 2 * np.pi * self.freq_hz
        at = np.multiply.outer(t_s, w) + self.phases_rad
        depth = w0 * self.pace_share
        return Motion(
            w0 * t_s + np.sin(at) @ (depth / w), w0 + np.cos(at) @ depth, -(np.sin(at) @ (depth * w))
        )  # fmt: skip

    def size(self, t_s: Floats) -> Motion:
        """Size of the oscillation with both derivatives."""
        w = 2 * np.pi * self.wander_hz
        at = np.multiply.outer(t_s, w) + 1.7 * self.phases_rad
        depth = self.peak * self.size_share
        return Motion(self.peak + np.sin(at) @ depth, np.cos(at) @ (depth * w), -(np.sin(at) @ (depth * w * w)))


@dataclass(frozen=True, slots=True, eq=False)
class Sway:
    """A `Rhythm` that fades in and out; like bursts, sways whose fades overlap exactly join into one."""

    start_s: float
    end_s: float
    rhythm: Rhythm
    fade_in_s: float = 0.3
    fade_out_s: float = 0.3

    @property
    def amount(self) -> float:
        return 0.0

    def evaluate(self, t_s: Floats) -> Motion:
        phase, size = self.rhythm.phase_rad(t_s), self.rhythm.size(t_s)
        sine, cosine = np.sin(phase.value), np.cos(phase.value)
        v = size.value * sine
        d = size.rate * sine + size.value * phase.rate * cosine
        dd = (size.accel - size.value * phase.rate**2) * sine
        dd += (2 * size.rate * phase.rate + size.value * phase.accel) * cosine
        e, ed, edd = _envelope(self, t_s)
        return Motion(e * v, ed * v + e * d, edd * v + 2 * ed * d + e * dd)


def _ramp(x: Floats, duration_s: float) -> Motion:
    """Minimum-jerk 0 to 1 over x in 0-1, with derivatives per second."""
    x = np.clip(x, 0.0, 1.0)
    xx = x * x
    return Motion(
        xx * x * (10 - 15 * x + 6 * xx), 30 * xx * (1 - x) ** 2 / duration_s,
        60 * x * (1 - 3 * x + 2 * xx) / duration_s**2,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kick:
    """A damped oscillation after a jolt: soft tissue that swings out."""

    start_s: float
    peak: float
    freq_hz: float
    tau_s: float

    @property
    def end_s(self) -> float:
        return self.start_s + 30 * self.tau_s

    @property
    def amount(self) -> float:
        return 0.0

    def evaluate(self, t_s: Floats) -> Motion:
        t = t_s - self.start_s
        x = t / self.tau_s
        decay = self.peak * np.exp(2 - x) / 4
        e, ed, edd = x * x * decay, (2 * x - x * x) * decay / self.tau_s, (2 - 4 * x + x * x) * decay / self.tau_s**2
        w = 2 * np.pi * self.freq_hz
        s, c = np.sin(w * t), np.cos(w * t)
        return Motion(e * s, ed * s + e * w * c, edd * s + 2 * ed * w * c - e * w * w * s)


def _start(term: Term) -> float:
    return term.start_s


@dataclass(slots=True)
class Track:
    """A sum of terms over a starting value."""

    initial: float = 0.0
    _terms: list[Term] = field(default_factory=list)
    _base: float = 0.0
    """Sum of the terms that were over before `_base_s`."""
    _base_s: float = -np.inf
    _open: list[Term] = field(default_factory=list)
    """Terms that were not over at `_base_s`, by start."""

    def add(self, term: Term) -> None:
        """Append a term; terms may overlap and come in any order."""
        insort(self._terms, term, key=_start)
        if term.end_s <= self._base_s:
            self._base += term.amount
        else:
            insort(self._open, term, key=_start)

    @property
    def settled(self) -> float:
        """The value when everything that has been appended is over."""
        return self.initial + sum(term.amount for term in self._terms)

    def at(self, t_s: float) -> float:
        """The value at one moment."""
        return float(self.evaluate(np.array([t_s])).value[0])

    def evaluate(self, t_s: Floats) -> Motion:
        """Value and derivatives at increasing times `t_s`, shape `(n,)`."""
        if len(t_s) == 0:
            return constant(self.initial)
        first, last = float(t_s[0]), float(t_s[-1])
        self._close_before(first)
        live: list[Term] = []
        base = self.initial + self._base
        for term in self._open:
            if term.start_s > last:
                break
            if term.end_s <= first:
                base += term.amount
            else:
                live.append(term)
        if not live:
            return constant(base)
        value, rate, accel = np.full(len(t_s), base), np.zeros(len(t_s)), np.zeros(len(t_s))
        for term in live:
            begin = 0 if term.start_s < first else int(np.searchsorted(t_s, term.start_s))
            end = len(t_s) if term.end_s > last else int(np.searchsorted(t_s, term.end_s))
            if end > begin:
                part = term.evaluate(t_s[begin:end])
                value[begin:end] += part.value
                rate[begin:end] += part.rate
                accel[begin:end] += part.accel
            value[end:] += term.amount
        return Motion(value, rate, accel)

    def _close_before(self, t_s: float, margin_s: float = 5.0) -> None:
        """Fold long finished terms into the base; a step back in time unfolds them again."""
        if t_s < self._base_s:
            self._open, self._base, self._base_s = list(self._terms), 0.0, -np.inf
        elif self._open and t_s - self._base_s > 2 * margin_s:
            limit = t_s - margin_s
            self._base += sum(term.amount for term in self._open if term.end_s <= limit)
            self._open = [term for term in self._open if term.end_s > limit]
            self._base_s = limit
