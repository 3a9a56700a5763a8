"""What every reader of other people's files gives: samples in SI units with their rate and remarks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sensorsoma.errors import InputFileError
from sensorsoma.messages import Floats
from sensorsoma.units import STANDARD_GRAVITY_MPS2

AccUnit = Literal["mps2", "g"]
GyrUnit = Literal["radps", "dps"]
Kind = Literal["sensor-logger", "phyphox", "movesense", "dot", "motion-bids", "headed-csv", "axivity-csv"]

LEAST_GRAVITY_MPS2 = 5.0
"""A typical specific force below this has no gravity in it: nobody floats for half of a recording."""
MOST_GRAVITY_MPS2 = 2.0 * STANDARD_GRAVITY_MPS2
"""A typical specific force above this is in another unit: nobody weighs double for half of a recording."""
LONGEST_HOLE_S = 86_400.0
"""Two sessions, or a clock that was set on the way, lie farther apart: a file is one session, replayed in time."""


@dataclass(frozen=True, slots=True)
class Units:
    """What was said about a table that does not tell its units itself."""

    acc: AccUnit = "mps2"
    gyr: GyrUnit = "radps"


@dataclass(frozen=True, slots=True, eq=False)
class ImportedFile:
    """Samples of a file, in SI units, in the order of the file."""

    kind: Kind
    t_s: Floats
    """`(n,)` seconds since the first sample, as the file says."""
    acc_sensor_mps2: Floats
    """`(n, 3)`."""
    gyr_sensor_radps: Floats | None
    """`(n, 3)`; None without a gyroscope."""
    rate_hz: float
    """Mean rate outside gaps."""
    notes: tuple[str, ...] = ()
    """What a reader of the results should know about the file."""
    started_ns: int | None = None
    """Unix time of the first sample, where the file tells it."""

    @property
    def duration_s(self) -> float:
        """From the first to the last sample."""
        return float(self.t_s[-1] - self.t_s[0])


def imported(
    kind: Kind,
    label: str,
    times_s: Floats,
    acc_sensor_mps2: Floats,
    gyr_sensor_radps: Floats | None,
    notes: Iterable[str] = (),
    started_ns: int | None = None,
) -> ImportedFile:
    """Samples with the rate that their time stamps tell.

    Args:
        kind: format.
        label: file and member, for the sentence when something is wrong.
        times_s: `(n,)` seconds from any zero.
        acc_sensor_mps2: `(n, 3)`.
        gyr_sensor_radps: `(n, 3)` or None.
        notes: remarks of the reader.
        started_ns: Unix time of the first sample, where it is known.

    Raises:
        InputFileError: there is no time between the samples, not 5 to 5000 of them a second, or more than a day.
    """
    steps = np.diff(times_s)
    forward = steps[steps > 0]
    if not forward.size:
        found = "one sample" if len(times_s) == 1 else "time stamps that do not advance"
        raise InputFileError(f"{label}: expected samples over some time, found {found}.")
    typical = float(np.median(forward))
    regular = forward[(forward > 0.5 * typical) & (forward < 1.5 * typical)]
    rate_hz = 1.0 / (float(regular.mean()) if regular.size else typical)  # three samples may have no usual step
    if not 5.0 <= rate_hz <= 5000.0:
        raise InputFileError(
            f"{label}: expected time stamps in seconds with 5 to 5000 samples a second, found {rate_hz:.3g}."
        )
    if float(steps.max()) > LONGEST_HOLE_S:
        at = int(np.argmax(steps))
        raise InputFileError(
            f"{label}: expected one session, found {steps[at] / LONGEST_HOLE_S:.0f} days between samples {at + 1} and "
            f"{at + 2}; was the clock set there? Cut the file into two."
        )
    all_notes = list(notes)
    n_back = int((steps <= 0).sum())
    if n_back:
        all_notes.append(f"{n_back} time stamps repeat or go back; those samples are left out.")
    t_s = times_s - times_s[0]
    return ImportedFile(kind, t_s, acc_sensor_mps2, gyr_sensor_radps, rate_hz, tuple(all_notes), started_ns)


def has_gravity(acc_mps2: Floats) -> bool:
    """True when the typical size of an acceleration says that gravity is still in it."""
    return typical_size(acc_mps2) >= LEAST_GRAVITY_MPS2


def check_gravity(label: str, acc_mps2: Floats, advice: str) -> None:
    """Refuses acceleration whose typical size cannot be that of a body at rest in m/s².

    Raises:
        InputFileError: ends in the advice.
    """
    size = typical_size(acc_mps2)
    if not LEAST_GRAVITY_MPS2 <= size <= MOST_GRAVITY_MPS2:
        raise InputFileError(
            f"{label}: expected acceleration with gravity, about 9.8 m/s² at rest, found a typical size of "
            f"{size:.2f}; {advice}."
        )


def typical_size(vectors: Floats) -> float:
    """Median length of `(n, 3)` vectors; 0 without any."""
    return float(np.median(np.linalg.norm(vectors, axis=1))) if len(vectors) else 0.0
