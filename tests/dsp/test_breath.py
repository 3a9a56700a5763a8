"""Breath from directions of gravity: turns, rate, inhale share, which way is in, and when it cannot be told."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from sensorsoma.dsp.bins import Bins
from sensorsoma.dsp.breath import BREATH_RATE_HZ, BreathParams
from sensorsoma.dsp.breath_figures import TRUNK, BreathFigures, seen_breath
from sensorsoma.dsp.breath_live import BreathFinder, BreathTurn
from sensorsoma.dsp.breath_phase import lag_of, was_exhaling
from sensorsoma.messages import Floats
from sensorsoma.units import DEG

PARAMS = BreathParams()
STEP_S = 1.0 / BREATH_RATE_HZ


def smooth(x: Floats) -> Floats:
    """0 to 1 without a jerk."""
    x = np.clip(x, 0.0, 1.0)
    return np.asarray(x**3 * (10 - 15 * x + 6 * x * x))


def belly(t_s: Floats, period_s: float = 8.0, share: float = 0.4, depth_deg: float = 1.0, pause: float = 0.1) -> Floats:
    """Tilt in degrees: inhales begin at whole periods, the exhale ends with a pause."""
    phase = (t_s % period_s) / period_s
    out = (phase - share) / ((1.0 - share) * (1.0 - pause))
    return np.asarray(depth_deg * (smooth(phase / share) - smooth(out)))


def up_of(tilt_deg: Floats, roll_deg: Floats | float = 0.0, noise_deg: float = 0.02, seed: int = 1) -> Floats:
    """`(n, 3)` up in a sensor on the belly, y to the head, z out of the body; tilt lifts the head end."""
    noise = np.random.default_rng(seed).normal(0, noise_deg * DEG, (len(tilt_deg), 2))
    y = np.sin((np.asarray(tilt_deg) + 12.0) * DEG) + noise[:, 0]
    x = np.sin(np.broadcast_to(np.asarray(roll_deg) * DEG, y.shape)) + noise[:, 1]
    return np.stack([x, y, np.sqrt(1.0 - x * x - y * y)], axis=1)


def times(seconds: float) -> Floats:
    """Cells of 80 ms."""
    return np.arange(0.0, seconds, STEP_S)


def seen(t_s: Floats, up: Floats) -> BreathFigures | None:
    """Figures as of a trunk."""
    return seen_breath(t_s, up, TRUNK, PARAMS)


@pytest.mark.parametrize("period_s", [3.4, 6.0, 10.0, 15.0])
@pytest.mark.parametrize(("share", "pause"), [(0.3, 0.05), (0.35, 0.25), (0.45, 0.1), (0.48, 0.1)])
def test_rate_share_and_depth_of_a_calm_breath(period_s: float, share: float, pause: float) -> None:
    """From four to eighteen a minute, with and without a pause, and with slow drift on top."""
    t_s = times(90.0)
    found = seen(t_s, up_of(belly(t_s, period_s, share, 1.2, pause) + 0.02 * t_s))
    assert found is not None
    assert found.rate_per_min == pytest.approx(60.0 / period_s, abs=0.3)
    assert found.inhale_share == pytest.approx(share, abs=0.06)
    assert found.amplitude_deg == pytest.approx(1.2, abs=0.15)
    assert not found.is_other_way


def test_depth_that_fades_has_a_trend() -> None:
    """From two degrees to one within two minutes; every breath is still counted."""
    t_s = times(120.0)
    found = seen(t_s, up_of(belly(t_s) * (2.0 - t_s / 120.0)))
    assert found is not None
    assert found.n_breaths >= 13
    assert found.trend_deg_per_min == pytest.approx(-0.5, abs=0.06)


def test_a_phone_the_other_way_round_is_noticed_by_the_long_exhale() -> None:
    """The mark says that a breath is two thirds inhale, so the mark is wrong."""
    t_s = times(80.0)
    up = up_of(belly(t_s, 8.0, 0.33)) * np.array([-1.0, -1.0, 1.0])
    found = seen(t_s, up)
    assert found is not None
    assert found.is_other_way
    assert found.inhale_share == pytest.approx(0.33, abs=0.05)


def test_a_phone_across_tells_the_rate_and_no_doubtful_share() -> None:
    """Without a mark only a clearly shorter phase is the inhale."""
    t_s = times(80.0)
    even = seen(t_s, up_of(belly(t_s, 8.0, 0.48, pause=0.0))[:, [1, 0, 2]])
    assert even is not None
    assert even.rate_per_min == pytest.approx(7.5, abs=0.2)
    assert even.inhale_share is None
    short = seen(t_s, up_of(belly(t_s, 8.0, 0.3))[:, [1, 0, 2]])
    assert short is not None
    assert short.inhale_share == pytest.approx(0.3, abs=0.05)


def test_a_change_of_pose_costs_only_its_own_time() -> None:
    """Thirty degrees within two seconds, then the breath goes on: the rate is right and no breath is invented."""
    t_s = times(96.0)
    up = up_of(belly(t_s), 30.0 * smooth((t_s - 47.0) / 2.0))
    found = seen(t_s, up)
    assert found is not None
    assert found.rate_per_min == pytest.approx(7.5, abs=0.3)
    assert found.seen_share < 1.0
    assert not any(breath.inhale_s < 47.5 < breath.end_s for breath in found.breaths)


@pytest.mark.parametrize("kind", ["still", "noise", "moving freely", "two breaths", "rocking"])
def test_what_is_no_breathing_is_not_told(kind: str) -> None:
    """Stillness, noise, aimless movement, less than three breaths, and swings deeper than any breath."""
    t_s = times(20.0 if kind == "two breaths" else 60.0)
    rng = np.random.default_rng(5)
    tilt: Floats = {
        "still": np.zeros(len(t_s)),
        "noise": rng.normal(0, 0.1, len(t_s)),
        "moving freely": sum(
            rng.uniform(-8, 8) * smooth((t_s - start_s) / rng.uniform(0.6, 3.0))
            for start_s in np.cumsum(rng.uniform(0.5, 4.0, 25))
        ),
        "two breaths": belly(t_s, 9.0),
        "rocking": belly(t_s, 6.0, 0.5, 8.0),
    }[kind]
    assert seen(t_s, up_of(tilt)) is None


def live(t_s: Floats, up: Floats, cuts: Sequence[int] = ()) -> list[BreathTurn]:
    """Turns as they were told, fed in pieces."""
    finder, turns = BreathFinder(), []
    for begin, end in zip([0, *cuts], [*cuts, len(t_s)], strict=True):
        turns += list(finder.feed(Bins(t_s[begin:end], up[begin:end])))
    return turns


def test_turns_are_told_as_they_happen_whatever_the_cut() -> None:
    """Every inhale from the third breath on, within a third of a second, known two seconds later at most."""
    t_s = times(100.0)
    up = up_of(belly(t_s))
    turns = live(t_s, up)
    assert turns == live(t_s, up, [1, 7, 8, 300, 301, 777])
    inhales = [turn for turn in turns if turn.is_upward and turn.t_s > 20.0]
    assert [turn.t_s for turn in inhales] == pytest.approx(
        [24.0, 32.0, 40.0, 48.0, 56.0, 64.0, 72.0, 80.0, 88.0, 96.0], abs=0.35
    )
    assert max(turn.known_s - turn.t_s for turn in inhales) < 2.0
    assert all(before.is_upward != after.is_upward for before, after in pairwise(turns))


def test_nothing_is_told_while_the_body_moves_and_then_it_goes_on() -> None:
    """Ten seconds of rolling about: no turn inside, and breath is told again within a breath and a half."""
    t_s = times(100.0)
    roll = np.where((t_s > 40) & (t_s < 50), 12.0 * np.sin(2 * np.pi * 0.5 * (t_s - 40)), 0.0)
    known = np.array([turn.known_s for turn in live(t_s, up_of(belly(t_s), roll))])
    assert not ((known > 41.0) & (known < 50.0)).any()
    assert ((known > 50.0) & (known < 64.0)).any()
    assert (known < 40.0).sum() >= 5


def test_a_breath_that_turns_suddenly_shallow_is_told_again() -> None:
    """From 2.5 degrees to 0.4: less is asked of a turn when none came, so that breath is told within 25 s."""
    t_s = times(120.0)
    turns = live(t_s, up_of(belly(t_s) * np.where(t_s < 64.0, 2.5, 0.4)))
    assert len([turn for turn in turns if 89.0 < turn.t_s < 118.0]) >= 6


def test_missing_samples_begin_anew() -> None:
    """A hole of five seconds in which the belly turned unseen gives no turn inside it."""
    t_s = times(90.0)
    keep = (t_s < 44.0) | (t_s > 49.0)
    turns = live(t_s[keep], up_of(belly(t_s))[keep])
    assert not [turn for turn in turns if 44.3 < turn.t_s < 49.0]
    assert [turn for turn in turns if turn.t_s > 55.0]


@pytest.mark.parametrize(("at_s", "expected"), [(51.5, True), (53.0, True), (49.5, False), (50.5, False), (48.1, None)])
def test_a_fall_that_begins_on_the_exhale(at_s: float, expected: bool | None) -> None:
    """Exhales begin at 51.2: with its turn or in it is true, in the inhale false, with the turn to it not told."""
    t_s = times(60.0)
    rolls = 4.0 * smooth((t_s - at_s) / 2.5)
    up = up_of(belly(t_s), rolls)
    assert was_exhaling(t_s, up, at_s, TRUNK, PARAMS) is expected


def test_a_fall_that_shakes_the_pelvis_hides_the_turn_at_its_beginning() -> None:
    """A strap that rolls by 6 degrees and breathes by 0.2 does not tell whether the exhale had just begun."""
    t_s = times(60.0)
    up = up_of(belly(t_s, depth_deg=0.2), 6.0 * smooth((t_s - 51.4) / 2.5))
    assert was_exhaling(t_s, up, 51.4, TRUNK, PARAMS) is None
    assert was_exhaling(t_s, up_of(np.zeros(len(t_s))), 51.4, TRUNK, PARAMS) is None


def test_lag_of_movements_behind_the_inhale() -> None:
    """Known before the set, and no movement leaks into the breath: then the lag is told, else it is not."""
    t_s = times(120.0)
    starts_s = [56.5 + 8.0 * k for k in range(7)]
    found = lag_of(t_s, up_of(belly(t_s)), starts_s, TRUNK, PARAMS)
    assert found is not None
    assert found.median_s == pytest.approx(0.5, abs=0.3)
    assert found.n_movements == 7
    leaks = sum(3.0 * (smooth((t_s - s) / 2.0) - smooth((t_s - s - 2.5) / 2.0)) for s in starts_s)
    assert lag_of(t_s, up_of(belly(t_s) + np.asarray(leaks)), starts_s, TRUNK, PARAMS) is None


def test_an_inhale_that_may_be_the_exhale_of_a_turned_phone_is_not_told() -> None:
    """By the mark 0.57 of the breath: either that, or 0.43 the other way round. The rate is told, the share is not."""
    t_s = times(80.0)
    found = seen(t_s, up_of(belly(t_s, 8.0, 0.57, pause=0.0)))
    assert found is not None
    assert found.rate_per_min == pytest.approx(7.5, abs=0.2)
    assert found.inhale_share is None
