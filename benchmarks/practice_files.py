"""One simulated exercise through the whole pipeline, with every sensor that is worn; and the exact motion beside it.

The stretches to measure are the true ones with half a second on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from simulated_line import outputs_of

from sensorsoma.messages import (
    AlignmentReady,
    Exercise,
    ImuBlock,
    OrientedBlock,
    Placement,
    SegmentMeasured,
    Side,
    thigh_of,
)
from sensorsoma.settings import SegmentRequest
from sensorsoma.simulate import Difficulties, Simulation, simulate_exercise
from sensorsoma.simulate.truth import StretchTruth
from sensorsoma.units import DEG

RATES_HZ = (52.0, 104.0, 208.0)
MARGIN_S = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What came out for one file."""

    simulation: Simulation
    stretches: list[StretchTruth]
    """The true ones of the exercise, in order."""
    measures: list[Mapping[str, Any]]
    """One of each stretch."""
    outputs: list[Any]

    def seen(self, placement: Placement) -> Seen:
        """All samples of one sensor as the pipeline decoded them."""
        return Seen.of(self.outputs, placement)

    def alignment(self, placement: Placement) -> AlignmentReady | None:
        """The first alignment of a thigh."""
        found = (o for o in self.outputs if isinstance(o, AlignmentReady) and o.placement == placement)
        return next(found, None)

    def turning_dps(self, placement: Placement, t_s: Any) -> Any:
        """`(n, 3)` true angular velocity of the segment (skin and sensor apart)."""
        assert self.simulation.body is not None
        omega = self.simulation.body.frame(placement, t_s).omega_radps
        return np.broadcast_to(omega, (3, len(t_s))).T / DEG


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Samples of one sensor."""

    t_s: Any
    acc: Any
    gyr: Any
    """As measured, offset included; None without gyroscope."""
    up: Any

    @classmethod
    def of(cls, outputs: Sequence[Any], placement: Placement) -> Seen:
        """Joined from the pipeline's blocks."""
        raw = [o for o in outputs if isinstance(o, ImuBlock) and o.channel == placement]
        up = np.concatenate([o.up_sensor for o in outputs if isinstance(o, OrientedBlock) and o.channel == placement])
        gyr = None
        if raw[0].gyr_sensor_radps is not None:
            gyr = np.concatenate([block.gyr_sensor_radps for block in raw])
        return cls(np.concatenate([block.t_s for block in raw]),
                   np.concatenate([block.acc_sensor_mps2 for block in raw]), gyr, up)  # fmt: skip


def run_exercise(
    exercise: Exercise, seed: int, *, side: Side | None = None, at: Placement | None = None, acc_only: bool = False,
    also: tuple[Placement, ...] = (), **options: Any,
) -> Measured:  # fmt: skip
    """Simulate and measure one file; rate and (unless given) side follow from the seed."""
    side = side or ("left" if seed // 3 % 2 else "right")
    at = at or thigh_of(side)
    simulation = simulate_exercise(
        exercise, side=side, seed=seed, rate_hz=RATES_HZ[seed % 3], difficulties=Difficulties.hardest(),
        placements=(at, *also), acc_only=acc_only, **options,
    )  # fmt: skip
    stretches = simulation.truth.of(exercise)
    requests = tuple(
        SegmentRequest(exercise, true.side, at, true.start_s - MARGIN_S, (true.end_s or 0.0) + MARGIN_S)
        for true in stretches
    )
    outputs: list[Any] = list(outputs_of(simulation, seed, requests))
    found = sorted((o for o in outputs if isinstance(o, SegmentMeasured)), key=lambda o: o.start_s)
    assert len(found) == len(stretches), (exercise, seed, len(found), len(stretches))
    return Measured(simulation, stretches, [o.measures for o in found], outputs)
