"""The movements of the two practices that are not counted, one simulated person at a time: errors against the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from baselines import plain_fall
from practice_files import Measured, run_exercise

from sensorsoma.messages import SegmentCurve, Side, thigh_of
from sensorsoma.simulate.seeds import stream
from sensorsoma.units import DEG

SIDES: tuple[Side, Side] = ("right", "left")


@dataclass(frozen=True, slots=True)
class Case:
    """Which file."""

    name: str
    seed: int
    acc_only: bool = False


def run_case(case: Case) -> dict[str, Any]:
    """JSON-ready errors of one case."""
    errors = CASES[case.name](case.seed, case.acc_only)
    return {"case": case.name, "seed": case.seed, "acc_only": case.acc_only, **errors}


def _less(found: float | None, true: float | None) -> float | None:
    return None if found is None or true is None else float(found - true)


def falls(seed: int, acc_only: bool) -> dict[str, Any]:
    """Both legs, three falls each to the same angle; the foot stands elsewhere each time, the legs lie rolled
    differently, and the speed of the fall is another one each time."""
    row: dict[str, Any] = {}
    for side in SIDES:
        rng = stream(seed, "falls", side)
        wishes = {"arrival_deg": rng.uniform(40, 70), "sink_deg": rng.uniform(1, 7), "rest_s": rng.uniform(11, 16)}
        also = () if acc_only or side == "left" else ("pelvis",)
        done = run_exercise(
            "knee_fall", seed, side=side, acc_only=acc_only, also=also, n_falls=3, pose_spread_deg=4.0,
            **{name: float(value) for name, value in wishes.items()},
        )  # fmt: skip
        row[side] = [_one_fall(done, side, k) for k in range(3)]
    return row


def _one_fall(done: Measured, side: Side, k: int) -> dict[str, Any]:
    true, found = done.stretches[k].fall, done.measures[k]["falls"]
    assert true is not None
    assert true.arrival_s is not None
    assert true.fall_start_s is not None
    assert true.arrival_deg is not None
    row: dict[str, Any] = {"n": len(found), "true_deg": true.final_deg}
    if len(found) != 1:
        return row
    fall, fall_s = found[0], true.arrival_s - true.fall_start_s
    for name in ("arrival_deg", "final_deg", "sink_deg", "residual_deg", "openness_kept_share", "pelvis_roll_deg"):
        row[name] = _less(fall[name], getattr(true, name))
    row["fall_s"] = _less(fall["fall_s"], fall_s)
    row["speed_share"] = _share(fall["fall_speed_deg_per_s"], true.arrival_deg / fall_s)
    row["peak_share"] = _share(fall["fall_peak_deg_per_s"], 1.875 * true.arrival_deg / fall_s)
    row["uncertainty_deg"] = fall["angle_uncertainty_deg"]
    alignment = done.alignment(thigh_of(side))
    if alignment is not None:
        seen = done.seen(thigh_of(side))
        plain, arc = plain_fall(seen.t_s, seen.up, np.array(alignment.z_sensor), side, true)
        row["plain_final_deg"] = _less(plain["final_deg"], true.final_deg)
        row["arc_final_deg"] = _less(arc["final_deg"], true.final_deg)
    return row


def _share(found: float | None, true: float) -> float | None:
    return None if found is None else float(found / true - 1.0)


def leg_back(seed: int, acc_only: bool) -> dict[str, Any]:
    """Swings of 1.5 to 6 s, every third halts half way, every second leg trembles in the air; holds to 20 s."""
    rng = stream(seed, "leg back")
    done = run_exercise(
        "leg_back", seed, acc_only=acc_only, hold_s=float(rng.uniform(5, 20)), swing_deg=float(rng.uniform(8, 35)),
        swing_s=float(rng.uniform(1.5, 6)), halt_s=float(rng.uniform(1.2, 2.5)) if seed % 3 == 0 else 0.0,
        trembles_deg=float(rng.uniform(0.03, 0.1)) if seed % 2 else 0.0,
    )  # fmt: skip
    true, found = done.stretches[0], done.measures[0]
    assert true.hold_start_s is not None
    assert true.hold_s is not None
    swing_deg, end_s = true.values["back_swing_deg"], true.hold_start_s + true.hold_s - 0.3
    row: dict[str, Any] = {
        "swing_deg": _less(found["back_swing_deg"], swing_deg), "uncertainty_deg": found["uncertainty_deg"],
        "hold_s": _less(found["hold_s"], true.hold_s), "plain_deg": None, "end_deg": None,
    }  # fmt: skip
    curve = next((o for o in done.outputs if isinstance(o, SegmentCurve)), None)
    if curve is not None:
        row["end_deg"] = float(np.interp(end_s, curve.t_s, curve.angle_deg)) - swing_deg
    if not acc_only:
        row["plain_deg"], row["plain_end_deg"] = (
            _plain_heading(done, true.values["swing_start_s"], at_s) - swing_deg
            for at_s in (true.hold_start_s + 1.0, end_s)
        )
    return row


def _plain_heading(done: Measured, start_s: float, end_s: float) -> float:
    """The gyroscope less its mean while the leg lay straight at the beginning, about the vertical of the pause in line,
    integrated from the true beginning of the swing."""
    side = done.stretches[0].side
    assert side is not None
    seen, pose = done.seen(thigh_of(side)), done.simulation.truth.poses[0]
    at_rest = (seen.t_s > pose.start_s + 0.5) & (seen.t_s < pose.end_s)
    up = np.median(seen.acc[(seen.t_s > start_s - 1.5) & (seen.t_s < start_s)], axis=0)
    part = (seen.t_s >= start_s) & (seen.t_s <= end_s)
    rate = (seen.gyr[part] - seen.gyr[at_rest].mean(axis=0)) @ (up / np.linalg.norm(up))
    return float(np.trapezoid(rate, seen.t_s[part])) / DEG * (1 if side == "left" else -1)


def knee_in(seed: int, acc_only: bool) -> dict[str, Any]:
    """Both knees drop inward."""
    done = run_exercise("knee_in", seed, acc_only=acc_only)
    return {"angle_deg": _less(done.measures[0]["angle_deg"], done.stretches[0].values["angle_deg"])}


def rocking(seed: int, acc_only: bool) -> dict[str, Any]:
    """0.6 to 1.6 Hz, 1 to 5 degrees, pace and size wander; from the pelvis and the thigh in turn."""
    rng = stream(seed, "rocking")
    side: Side = "right" if seed % 4 < 2 else "left"
    at = "pelvis" if seed % 2 else thigh_of(side)
    done = run_exercise(
        "rocking", seed, side=side, at=at, acc_only=acc_only, seconds=float(rng.uniform(30, 60)),
        freq_hz=float(rng.uniform(0.6, 1.6)), amplitude_deg=float(rng.uniform(1, 5)),
        wander=float(rng.uniform(0.01, 0.1)),
    )  # fmt: skip
    true, found = done.stretches[0].values, done.measures[0]
    size = found["amplitude_deg"]
    return {
        "freq_hz": _less(found["freq_hz"], true["freq_hz"]),
        "steadiness": _less(found["steadiness"], true["steadiness"]),
        "amplitude_share": None if size is None else size / true["amplitude_deg"] - 1.0,
        "duration_s": _less(found["duration_s"], true["duration_s"]),
        "plain_hz": _highest_line(done.seen(at), true["rock_start_s"], true["rock_end_s"]) - true["freq_hz"],
    }


def _highest_line(seen: Any, start_s: float, end_s: float) -> float:
    part = (seen.t_s >= start_s) & (seen.t_s <= end_s)
    grid = np.arange(start_s, end_s, 0.02)
    acc = np.stack([np.interp(grid, seen.t_s[part], column) for column in seen.acc[part].T], axis=1)
    power = (np.abs(np.fft.rfft(acc - acc.mean(axis=0), axis=0)) ** 2).sum(axis=1)
    freq = np.fft.rfftfreq(len(grid), 0.02)
    inside = (freq > 0.4) & (freq < 2.5)
    return float(freq[inside][np.argmax(power[inside])])


def stillness(seed: int, acc_only: bool) -> dict[str, Any]:
    """Finding one's place for 4 to 25 s, then lying with a fidget now and then; every fifth never becomes still."""
    rng = stream(seed, "stillness")
    is_never = seed % 5 == 0
    restless_s = 40.0 if is_never else float(rng.uniform(4, 25))
    wishes = {"restless_s": restless_s, "seconds": 1.0 if is_never else 20.0}
    done = run_exercise("stillness", seed, acc_only=acc_only, also=("pelvis",), **wishes)
    true, found = done.stretches[0], done.measures[0]
    real_s = _settled_s(done)
    return {
        "settle_s": _less(found["settle_s"], real_s), "is_right": (found["settle_s"] is None) == (real_s is None),
        "has_note": bool(found["notes"]), "has_pelvis": "pelvis" in found, "length_s": (true.end_s or 0) - true.start_s,
    }  # fmt: skip


def _settled_s(done: Measured) -> float | None:
    """From the stretch's first sample on: when the first 5 s began in which the thigh turned slower than 1 deg/s."""
    true = done.stretches[0]
    t_s = np.arange(true.start_s - 0.5, (true.end_s or 0.0) + 0.5, 0.02)
    side = "left" if done.simulation.seed // 3 % 2 else "right"
    fast = np.linalg.norm(done.turning_dps(thigh_of(side), t_s), axis=1) > 1.0
    edges = np.concatenate([[t_s[0]], t_s[fast], [t_s[-1]]])
    long = np.flatnonzero(np.diff(edges) >= 5.0)
    return float(edges[long[0]] - t_s[0]) if len(long) else None


def free(seed: int, acc_only: bool) -> dict[str, Any]:
    """Whatever wants to move, seen at the thigh."""
    done = run_exercise("free", seed, acc_only=acc_only, seconds=30.0)
    true, found = done.stretches[0], done.measures[0]
    side = "left" if seed // 3 % 2 else "right"
    t_s = np.arange(true.start_s - 0.5, (true.end_s or 0.0) + 0.5, 0.02)
    speed = np.linalg.norm(done.turning_dps(thigh_of(side), t_s), axis=1)
    rms = found["turn_rms_deg_per_s"]
    return {
        "moving_share": _less(found["moving_share"], float(np.mean(speed > 3.0))),
        "rms_share": None if rms is None else rms / float(np.sqrt(np.mean(speed**2))) - 1.0,
    }


def clamshell(seed: int, acc_only: bool) -> dict[str, Any]:
    """The pelvis rolls along by up to a quarter of the opening."""
    share = float(stream(seed, "pelvis").uniform(0.0, 0.25))
    done = run_exercise("clamshell", seed, acc_only=acc_only, also=("pelvis",), n_reps=4, pelvis_share=share,
                        range_deg=float(stream(seed, "range").uniform(25, 65)), shaking=False)  # fmt: skip
    rolls, shares, hips = [], [], []
    for rep in done.measures[0]["reps"]:
        near = min(done.stretches[0].reps, key=lambda true: abs(true.peak_s - rep["peak_s"]))
        if rep["pelvis_roll_deg"] is None or near.pelvis_roll_deg is None or abs(near.peak_s - rep["peak_s"]) > 1.5:
            continue
        rolls.append(rep["pelvis_roll_deg"] - near.pelvis_roll_deg)
        if rep["pelvis_share"] is not None:
            shares.append(rep["pelvis_share"] - near.pelvis_roll_deg / near.range_deg)
            hips.append(rep["hip_only_deg"] - (near.range_deg - near.pelvis_roll_deg))
    return {"roll_deg": rolls, "share": shares, "hip_deg": hips}


CASES = {
    "falls": falls, "leg_back": leg_back, "knee_in": knee_in, "rocking": rocking, "stillness": stillness, "free": free,
    "clamshell": clamshell,
}  # fmt: skip
