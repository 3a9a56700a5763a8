"""A simulation on disk: one headed CSV per sensor, the truth as JSON, and the stretches as a table for `analyze`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from sensorsoma.errors import RecordingError
from sensorsoma.sight import seen_by
from sensorsoma.simulate.exercise import Simulation
from sensorsoma.simulate.sensor import Samples

MEASURED = (
    "knee_fall", "clamshell", "pelvic_rock", "pelvic_hold", "leg_back", "rocking", "knee_in", "knee_roll", "breathing",
    "stillness",
)  # fmt: skip
"""Stretches that go into `segments.tsv`."""


def write_csv(simulation: Simulation, folder: Path) -> list[Path]:
    """Files written: `PLACEMENT.csv` for every sensor, `truth.json`, `segments.tsv`.

    The CSV holds `time_s` by the device's clock, m/s² and rad/s; samples of lost packets are missing.

    Raises:
        RecordingError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = [_write_samples(samples, folder) for samples in simulation.samples.values()]
        truth = folder / "truth.json"
        about = {"name": simulation.name, "seed": simulation.seed, "rate_hz": simulation.rate_hz, "link": "simulated"}
        truth.write_text(json.dumps(about | simulation.truth.to_json(), indent=1) + "\n", encoding="utf-8")
        table = folder / "segments.tsv"
        table.write_text(segments_tsv(simulation), encoding="utf-8")
    except OSError as error:
        raise RecordingError(f"{folder} cannot be written: {error.strerror}; choose another --out.") from error
    return [*written, truth, table]


def _write_samples(samples: Samples, folder: Path) -> Path:
    path = folder / f"{samples.placement}.csv"
    kept = ~samples.is_lost
    columns = [samples.device_t_s[kept, None], samples.acc_sensor_mps2[kept]]
    header, formats = "time_s,acc_x,acc_y,acc_z", ["%.6f"] + ["%.5f"] * 3
    if samples.gyr_sensor_radps is not None:
        columns.append(samples.gyr_sensor_radps[kept])
        header, formats = header + ",gyr_x,gyr_y,gyr_z", formats + ["%.6f"] * 3
    np.savetxt(path, np.hstack(columns), delimiter=",", fmt=formats, header=header, comments="")
    return path


def segments_tsv(simulation: Simulation) -> str:
    """Tab-separated `exercise side placement start_s end_s` of every measurable stretch, with its header."""
    lines = ["exercise\tside\tplacement\tstart_s\tend_s"]
    for stretch in simulation.truth.stretches:
        placement = next(iter(seen_by(stretch.exercise, stretch.side, tuple(simulation.samples))), None)
        if stretch.exercise in MEASURED and placement is not None:
            end_s = simulation.duration_s if stretch.end_s is None else stretch.end_s
            side = stretch.side or ""
            lines.append(f"{stretch.exercise}\t{side}\t{placement}\t{stretch.start_s:.3f}\t{end_s:.3f}")
    return "\n".join(lines) + "\n"
