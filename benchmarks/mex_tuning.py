"""How much of a count on ten people is luck: parameters chosen on nine and judged on the tenth, and moved by 30 %.

Three numbers shape the counter: one factor on its shares (how far out and how far back makes a turn, of the usual way),
the first threshold, and the low-pass. `find_peaks` is tuned the same way: prominence as a share of the range and at
least in degrees, the low-pass, and how it is told which end is the top.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from baselines import arc_angle, peak_tops
from mex_files import MexFile
from mex_tally import Counted, Tally, merit, tally

from sensorsoma.dsp.arc import angle_about, fit_arc_axis
from sensorsoma.dsp.orientation import OrientationFilter
from sensorsoma.dsp.turning_points import TurningParams
from sensorsoma.exercises.base import Detector, Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.clamshell import ClamshellDetector, ClamshellParams
from sensorsoma.exercises.knee_roll import KneeRollDetector, KneeRollParams
from sensorsoma.exercises.pelvic_rock import THIGH, PelvicRockDetector, PelvicRockParams
from sensorsoma.exercises.swings import SwingParams
from sensorsoma.messages import Exercise, ImuBlock, OrientedBlock, SegmentMeasured

AnyParams = ClamshellParams | KneeRollParams | PelvicRockParams
DEFAULTS: dict[Exercise, AnyParams] = {
    "clamshell": ClamshellParams(), "knee_roll": KneeRollParams(), "pelvic_rock": THIGH,
}  # fmt: skip
FACTORS = (0.6, 0.8, 1.0, 1.3)
SCALES = (0.7, 1.0, 1.4)
"""Of the first threshold."""
CUTS = (0.6, 1.0, 1.6)
"""Of the low-pass."""
PLAIN_CUTS_HZ = (0.5, 1.0, 1.5)
PLAIN_SHARES = (0.15, 0.25, 0.4, 0.55)
PLAIN_FLOORS = (0.5, 1.0, 1.5)
"""Of the first threshold that the counter has."""
TURNING = ("start_deg", "lowest_deg", "out_share", "back_share", "away_share")
OWN: dict[Exercise, tuple[str, ...]] = {
    "clamshell": ("small_share", "returned_share", "off_plane_deg", "longest_share", "shortest_s"),
    "knee_roll": ("off_plane_deg", "off_plane_share", "longest_share", "shortest_s"),
    "pelvic_rock": ("least_share", "most_spread", "longest_pause", "longest_edge", "least_median_deg"),
}


@lru_cache(maxsize=64)
def oriented(file: MexFile) -> OrientedBlock:
    """Directions of a whole file, computed once."""
    imported = file.read()
    raw = ImuBlock("right-thigh", imported.rate_hz, imported.t_s, imported.acc_sensor_mps2, None)
    return OrientationFilter("right-thigh").feed(raw, "right-thigh")


def counted(file: MexFile, params: AnyParams) -> Counted:
    """What the detector says with these parameters; the orientation filter is causal, cut or whole."""
    block = oriented(file)
    stretch = Stretch(file.exercise, "right", "right-thigh", 0.0)
    detector = _detector(stretch, params)
    detector.feed(block)
    last = detector.finish(float(block.t_s[-1]))[-1]
    assert isinstance(last, SegmentMeasured)
    return said_of(last.measures)


def after_a_rest(file: MexFile) -> Counted:
    """Knee rolls as if the stretch had begun in its rest pose: held for two seconds, then the file's first pose.

    All ten files begin in mid-movement. The rest pose is taken where the knees pass the middle between their ends.
    """
    block = oriented(file)
    t_s, up = block.t_s, block.up_sensor
    angle = angle_about(fit_arc_axis(up).axis, up[0], up)
    middle = float(np.percentile(angle, [5, 95]).mean())
    rest = up[int(np.argmin(np.abs(angle - middle)))]
    rate_hz, lead_s = block.rate_hz, 3.0
    early_s = np.arange(t_s[0] - lead_s, t_s[0] - 0.5 / rate_hz, 1.0 / rate_hz)
    share = np.clip((early_s - early_s[0] - 2.0) / 1.0, 0.0, 1.0)
    share = (10 * share**3 - 15 * share**4 + 6 * share**5)[:, None]
    lead = (1.0 - share) * rest + share * up[0]
    lead /= np.linalg.norm(lead, axis=1, keepdims=True)
    whole = np.vstack([lead, up])
    longer = OrientedBlock(block.channel, block.placement, rate_hz, np.concatenate([early_s, t_s]), whole, None,
                           9.81 * whole, None)  # fmt: skip
    detector = KneeRollDetector(Stretch(file.exercise, "right", "right-thigh", float(early_s[0])), Body())
    detector.feed(longer)
    last = detector.finish(float(t_s[-1]))[-1]
    assert isinstance(last, SegmentMeasured)
    return said_of(last.measures)


def _detector(stretch: Stretch, params: AnyParams) -> Detector:
    if isinstance(params, ClamshellParams):
        return ClamshellDetector(stretch, Body(), params)
    if isinstance(params, KneeRollParams):
        return KneeRollDetector(stretch, Body(), params)
    return PelvicRockDetector(stretch, Body(), params)


def said_of(measures: Mapping[str, Any]) -> Counted:
    """Count and tops of a finished stretch."""
    if "sides" in measures:
        tops = [time for side in measures["sides"].values() for time in side["peaks_s"]]
    else:
        tops = [rep["peak_s"] for rep in measures.get("reps", [])]
    return Counted(measures["count"], tuple(sorted(tops)))


# ------------------------------------------------------------------------------------------------ parameters


def scaled(exercise: Exercise, factor: float, start: float, cut: float) -> AnyParams:
    """The product's parameters with shares, first threshold and low-pass multiplied."""
    params = DEFAULTS[exercise]
    slow = replace(params.slow, cut_hz=params.slow.cut_hz * cut)
    changed = {"out_share": factor, "back_share": factor, "away_share": factor, "start_deg": start}
    return _with_turning(replace(params, slow=slow), changed)


def _with_turning(params: AnyParams, factors: Mapping[str, float]) -> AnyParams:
    def times(turning: TurningParams) -> TurningParams:
        values = {name: getattr(turning, name) * factor for name, factor in factors.items()}
        return replace(turning, **{n: min(v, 0.9) if n.endswith("share") else v for n, v in values.items()})

    if isinstance(params, KneeRollParams):
        swings = SwingParams(times(params.swings.from_rest), times(params.swings.between_ends))
        return replace(params, swings=swings)
    return replace(params, turning=times(params.turning))


def moved(exercise: Exercise, share: float) -> Iterator[tuple[str, AnyParams]]:
    """Every parameter in turn, multiplied by `share`."""
    params = DEFAULTS[exercise]
    yield "slow.cut_hz", replace(params, slow=replace(params.slow, cut_hz=params.slow.cut_hz * share))
    for name in TURNING:
        yield f"turning.{name}", _with_turning(params, {name: share})
    for name in OWN[exercise]:
        value = getattr(params, name) * share
        yield name, replace(params, **{name: min(value, 0.95) if name == "returned_share" else value})


# -------------------------------------------------------------------------------------- nine people and the tenth


@dataclass(frozen=True)
class Job:
    """All settings of one file: what a worker process computes."""

    file: MexFile
    is_quick: bool


def grid(is_quick: bool) -> list[tuple[float, float, float]]:
    """Factor, start and cut, the product's own (1, 1, 1) among them."""
    return list(product((0.8, 1.0, 1.25), (1.0,), (1.0,)) if is_quick else product(FACTORS, SCALES, CUTS))


def plain_grid() -> list[tuple[float, float, float, str]]:
    """Low-pass (Hz), share, floor (of the first threshold), and which end is the top."""
    return list(product(PLAIN_CUTS_HZ, PLAIN_SHARES, PLAIN_FLOORS, ("calm", "more", "start")))


def settings_of(job: Job) -> dict[str, list[Counted]]:
    """Every setting of both methods, and every parameter moved."""
    file, block = job.file, oriented(job.file)
    start_deg = 2.5 if file.exercise == "pelvic_rock" else 8.0
    angles = {cut: arc_angle(block.t_s, block.acc_sensor_mps2, cut) for cut in PLAIN_CUTS_HZ}
    plain = [
        Counted(
            *peak_tops(
                block.t_s, angles[cut], share=share, floor_deg=floor * start_deg,
                is_two_sided=file.exercise == "knee_roll", top=top,
            )
        )
        for cut, share, floor, top in plain_grid()
    ]  # fmt: skip
    changed = [] if job.is_quick else [params for share in (0.7, 1.3) for _, params in moved(file.exercise, share)]
    return {
        "ours": [counted(file, scaled(file.exercise, *setting)) for setting in grid(job.is_quick)],
        "plain": plain,
        "moved": [counted(file, params) for params in changed],
        "after a rest": [after_a_rest(file)] if file.exercise == "knee_roll" else [],
    }


@dataclass(frozen=True)
class LeftOut:
    """Every person judged with the setting that is best on the others."""

    nearest: Tally
    """Of settings that are equally good on the others, the nearest to the middle of the grid."""
    worst: Tally
    """Of those, the one that does worst on the person left out: how far bad luck could go."""
    chosen: list[int]
    """Number of the nearest setting, person by person."""


def leave_one_out(files: Sequence[MexFile], table: Sequence[Sequence[Counted]], nearness: Sequence[float]) -> LeftOut:
    """Nine people choose, the tenth is counted; `table[i][j]` is file i with setting j, `nearness` octaves from it."""
    left = LeftOut(Tally(), Tally(), [])
    for person in sorted({file.person for file in files}):
        rest = [i for i, file in enumerate(files) if file.person != person]
        own = [i for i, file in enumerate(files) if file.person == person]

        def good(members: Sequence[int], j: int) -> tuple[float, float]:
            return merit([files[i] for i in members], [table[i][j] for i in members])

        merits = [good(rest, j) for j in range(len(nearness))]
        tied = [j for j, value in enumerate(merits) if value == max(merits)]
        nearest = min(tied, key=nearness.__getitem__)
        worst = min(tied, key=lambda j: good(own, j))
        left.chosen.append(nearest)
        for i in own:
            if not files[i].is_resting:
                left.nearest.add(files[i], table[i][nearest])
                left.worst.add(files[i], table[i][worst])
    return left


def distance(setting: Sequence[float], middle: Sequence[float]) -> float:
    """How far a setting lies from the middle of its grid, in octaves."""
    return float(sum(abs(np.log2(a / b)) for a, b in zip(setting, middle, strict=True)))


def moving(files: Sequence[MexFile], said: Sequence[Counted]) -> Tally:
    """The sums over the files in which the leg moves."""
    return tally((file, one) for file, one in zip(files, said, strict=True) if not file.is_resting)
