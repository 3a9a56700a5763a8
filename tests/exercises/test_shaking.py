"""Shaking within a stretch: greeted once, dated, named; knocks, coughs and resting legs are none."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.exercises.base import Stretch
from sensorsoma.exercises.shaking import Shaking, tremor_json
from sensorsoma.messages import Floats, OrientedBlock, TremorBegan
from sensorsoma.recording.imports import read_imported

RATE_HZ = 104.0


def swinging(seconds: float, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    """Times, accelerometer and gyroscope of a leg that swings slowly, noise of a consumer sensor on top."""
    rng = np.random.default_rng(seed)
    t_s = np.arange(0, seconds, 1 / RATE_HZ)
    angle = np.deg2rad(25) * (1 - np.cos(2 * np.pi * 0.25 * t_s))
    acc = 9.81 * np.stack([np.zeros_like(t_s), np.sin(angle), np.cos(angle)], axis=1)
    gyr = np.stack([np.gradient(angle, t_s), np.zeros_like(t_s), np.zeros_like(t_s)], axis=1)
    return t_s, acc + 0.011 * rng.normal(size=acc.shape), gyr + 0.002 * rng.normal(size=gyr.shape)


def add_shaking(t_s: Floats, acc: Floats, gyr: Floats, freq_hz: float, from_s: float, to_s: float) -> None:
    """Rotation to and fro by 0.06 degrees, a third of a metre from the hip, in place."""
    inside, w = (t_s >= from_s) & (t_s < to_s), 2 * np.pi * freq_hz
    gyr[inside, 0] += np.deg2rad(0.06) * w * np.cos(w * t_s[inside])
    acc[inside, 1] -= 0.33 * np.deg2rad(0.06) * w**2 * np.sin(w * t_s[inside])


def fed(
    t_s: Floats, acc: Floats, gyr: Floats | None, cuts: Iterable[int] = (), rate_hz: float = RATE_HZ
) -> tuple[Shaking, list[TremorBegan]]:
    """The watcher after all samples, and what it announced."""
    room = Shaking(Stretch("clamshell", "right", "right-thigh", float(t_s[0])))
    said: list[TremorBegan] = []
    bounds = [0, *sorted(cuts), len(t_s)]
    for first, last in pairwise(bounds):
        part = slice(first, last)
        up = np.tile([0.0, 0.0, 1.0], (last - first, 1))
        rates = None if gyr is None else gyr[part]
        block = OrientedBlock("a", "right-thigh", rate_hz, t_s[part], up, None, acc[part], rates)
        said += [event for _, event in room.feed(block) if isinstance(event, TremorBegan)]
    return room, said


@pytest.mark.parametrize("has_gyro", [True, False])
def test_shaking_is_greeted_once_and_dated_to_where_it_began(has_gyro: bool) -> None:
    """One event, its beginning within half a second, known within five seconds of it."""
    t_s, acc, gyr = swinging(24)
    add_shaking(t_s, acc, gyr, 8.0, 9.3, 24)
    _, said = fed(t_s, acc, gyr if has_gyro else None)
    assert len(said) == 1
    assert said[0].t_s == pytest.approx(9.3, abs=0.5)
    assert 9.3 < said[0].known_s < 9.3 + 5.0
    assert said[0].freq_hz == pytest.approx(8.0, abs=0.3)


def test_every_rep_and_hold_tells_its_own_onset_share_and_strength() -> None:
    """A rep before has none; one in which it begins tells when; later ones have it from their start."""
    t_s, acc, gyr = swinging(40)
    add_shaking(t_s, acc, gyr, 5.0, 13.0, 40)
    room, _ = fed(t_s, acc, gyr)
    assert room.within(0.0, 8.0) is None
    during, after, whole = room.within(8.0, 20.0), room.within(24.0, 32.0), room.overall(4.0, 40.0)
    assert during is not None
    assert after is not None
    assert whole is not None
    assert during.onset_s == pytest.approx(5.0, abs=0.6)
    assert (after.onset_s, after.share) == (0.0, 1.0)
    assert whole.onset_s == pytest.approx(9.0, abs=0.6)
    assert whole.share == pytest.approx(27 / 36, abs=0.1)
    assert whole.rms_radps == pytest.approx(np.deg2rad(0.06) * 2 * np.pi * 5 / np.sqrt(2), rel=0.15)
    assert whole.rms_mps2 == pytest.approx(0.33 * np.deg2rad(0.06) * (2 * np.pi * 5) ** 2 / np.sqrt(2), rel=0.25)


@pytest.mark.parametrize(("freq_hz", "band"), [(4.5, "slow"), (9.0, "fine")])
def test_json_names_the_band(freq_hz: float, band: str) -> None:
    """Slow below 6 Hz, fine above; nothing where nothing was found."""
    t_s, acc, gyr = swinging(15)
    assert tremor_json(fed(t_s, acc, gyr)[0].overall(0.0, 15.0)) is None
    add_shaking(t_s, acc, gyr, freq_hz, 2.0, 15.0)
    found = tremor_json(fed(t_s, acc, gyr)[0].overall(0.0, 15.0))
    assert found is not None
    assert set(found) == {"freq_hz", "share", "rms_mps2", "rms_radps", "onset_s", "band"}
    assert found["band"] == band


@pytest.mark.parametrize("has_gyro", [True, False])
def test_knocks_that_ring_are_not_shaking(has_gyro: bool) -> None:
    """Up to three knocks in a row, each ringing at 4-13 Hz for up to a third of a second, announce nothing."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        t_s, acc, gyr = swinging(14, seed)
        freq_hz, ring_s, at_s = rng.uniform(4, 13), rng.uniform(0.03, 0.3), 5.0
        turn, push = rng.normal(size=(2, 3))
        for _ in range(int(rng.integers(1, 4))):
            since = np.maximum(t_s - at_s, 0.0)
            ring = rng.uniform(0.3, 1.0) * np.exp(-since / ring_s) * np.sin(2 * np.pi * freq_hz * since)
            acc += 3.0 * ring[:, None] * push
            gyr += 0.2 * ring[:, None] * turn
            at_s += rng.uniform(0.2, 1.2)
        assert fed(t_s, acc, gyr if has_gyro else None)[1] == []


@settings(max_examples=8)
@given(cuts=st.lists(st.integers(0, 1560), max_size=15))
def test_what_is_announced_does_not_depend_on_the_cut(cuts: list[int]) -> None:
    """The same event with the same times comes out for any pieces."""
    t_s, acc, gyr = swinging(15)
    add_shaking(t_s, acc, gyr, 8.0, 6.0, 15.0)
    assert fed(t_s, acc, gyr, cuts)[1] == fed(t_s, acc, gyr)[1]


def test_real_legs_at_rest_do_not_shake_and_shaking_put_into_real_movement_is_found(mex_dir: Path) -> None:
    """A resting leg and a clam are left alone; 40 mg at 8 Hz in that clam is announced where it begins."""
    resting = read_imported(mex_dir / "11" / "04_act_1.csv", acc_unit="g")
    assert fed(resting.t_s, resting.acc_sensor_mps2, None, rate_hz=resting.rate_hz)[1] == []
    clam = read_imported(mex_dir / "26" / "04_act_1.csv", acc_unit="g")
    assert fed(clam.t_s, clam.acc_sensor_mps2, None, rate_hz=clam.rate_hz)[1] == []
    onset_s = float(clam.t_s[0]) + 12.0
    acc = clam.acc_sensor_mps2.copy()
    acc[:, 1] += np.where(clam.t_s >= onset_s, 0.04 * 9.81 * np.sin(2 * np.pi * 8 * clam.t_s), 0.0)
    (began,) = fed(clam.t_s, acc, None, rate_hz=clam.rate_hz)[1]
    assert began.t_s == pytest.approx(onset_s, abs=1.0)
    assert began.freq_hz == pytest.approx(8.0, abs=0.3)
