"""Inclination beside an optical reference, through the whole line, undisturbed and with all that a link does to it.

    python benchmarks/broad_inclination.py [FOLDER] [--json FILE] [--quick]

FOLDER (or the environment variable SENSORSOMA_BROAD) holds trials of BROAD as they are downloaded, `NN_NAME.mat` in its
`data_mat` (Berlin Robust Orientation Estimation Assessment Dataset, Laidig, Caruso, Cereatti and Seel 2021, CC BY 4.0).
All trials that are found are run, grouped by their names: `02_undisturbed_slow_rotation_B.mat` is slow and undisturbed.

Each trial is low-passed and resampled to what a sensor without a clock sends, rounded to its counts, packed, and fed as
packets with arrival stamps to `Pipeline`. The error of every sample given out is the angle between its up and the
reference's at the time that it was given, so wrong times count. No alignment is fitted to either.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from figures import add_json, in_parallel, row, tell
from scipy.io import loadmat
from scipy.signal import butter, resample_poly, sosfilt, sosfilt_zi
from vqf import VQF

from sensorsoma.dsp.orientation import OrientationFilter, up_from_quat
from sensorsoma.messages import Floats, ImuBlock, OrientedBlock, Packet, Placement, SettingsSnapshot
from sensorsoma.pipeline import Pipeline
from sensorsoma.settings import SessionSettings, SourceSettings
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

PLACE: Placement = "right-thigh"
BEGIN_NS = 1_000_000_000
"""The session begins a second before the first sample arrives."""


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One file."""

    name: str
    rate_hz: float
    acc_mps2: Floats
    gyr_radps: Floats
    up: Floats
    """`(n, 3)` reference: up in sensor axes; NaN where markers were hidden."""
    is_rated: np.ndarray
    """`(n,)`: the movement that BROAD rates."""

    @property
    def t_s(self) -> Floats:
        return np.arange(len(self.acc_mps2)) / self.rate_hz


def load(path: Path) -> Trial:
    """A trial as the download has it."""
    data = loadmat(path, squeeze_me=True)
    return Trial(path.stem, float(data["sampling_rate"]), data["imu_acc"], data["imu_gyr"],
                 up_from_quat(data["opt_quat"]), data["movement"].astype(bool))  # fmt: skip


def shortened(trial: Trial, begin_s: float, end_s: float) -> Trial:
    """A part of a trial, for tests."""
    part = slice(int(begin_s * trial.rate_hz), int(end_s * trial.rate_hz))
    return Trial(trial.name, trial.rate_hz, trial.acc_mps2[part], trial.gyr_radps[part],
                 trial.up[part], trial.is_rated[part])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sensor:
    """A sensor without a clock: what it sends."""

    title: str
    decoder: str
    rate_hz: float
    ratio: tuple[int, int]
    """Of BROAD's 285.7 Hz, as `resample_poly` takes it: low-pass without delay, then every so many."""
    per_packet: int
    config: dict[str, Any]
    encode: Callable[[Floats, Floats], bytes]


def witmotion_bytes(acc_mps2: Floats, gyr_radps: Floats) -> bytes:
    """Frames of 20 bytes: 16/32768 g and 2000/32768 deg/s; the sensor's own angles are left at zero."""
    numbers = np.zeros((len(acc_mps2), 9))
    numbers[:, :3] = acc_mps2 / (16 * STANDARD_GRAVITY_MPS2) * 32768
    numbers[:, 3:6] = gyr_radps / (2000 * DEG) * 32768
    rows = np.clip(np.round(numbers), -32768, 32767).astype("<i2")
    return b"".join(b"\x55\x61" + row.tobytes() for row in rows)


def board_bytes(acc_mps2: Floats, gyr_radps: Floats) -> bytes:
    """Six int16 a sample: 8 g and 500 deg/s full scale."""
    numbers = np.hstack([acc_mps2 / (8 * STANDARD_GRAVITY_MPS2), gyr_radps / (500 * DEG)]) * 32768
    return np.clip(np.round(numbers), -32768, 32767).astype("<i2").tobytes()


def board(rate_hz: float) -> dict[str, Any]:
    """The generic board of the config file."""
    return {
        "name": "Nano", "format": "struct", "characteristic": "19b10001-e8f2-537e-4f6c-d104768a1214", "layout": "<6h",
        "fields": ["ax", "ay", "az", "gx", "gy", "gz"], "acc_unit": "g", "acc_scale": 8 / 32768,
        "gyr_unit": "dps", "gyr_scale": 500 / 32768, "rate_hz": rate_hz,
    }  # fmt: skip


SENSORS = (
    Sensor("WitMotion, 100 Hz, 1 a packet", "witmotion", 100.0, (7, 20), 1, {"rate_hz": 100.0}, witmotion_bytes),
    Sensor("own board, 143 Hz, 5 a packet", "generic", 1000 / 7, (1, 2), 5, board(143.0), board_bytes),
)


def resampled(trial: Trial, sensor: Sensor) -> tuple[Floats, Floats, Floats]:
    """Times, acceleration and angular rate as the sensor would have sampled them: low-passed without delay."""
    up, down = sensor.ratio
    acc, gyr = (resample_poly(x, up, down, axis=0, padtype="line") for x in (trial.acc_mps2, trial.gyr_radps))
    return np.arange(len(acc)) * down / up / trial.rate_hz, acc, gyr


@dataclass(frozen=True, slots=True)
class Link:
    """What happens between a sensor and this computer."""

    jitter_s: float = 0.0
    """Every packet is delayed by a uniform share of this, independently; order is kept."""
    loss: float = 0.0
    """Share of packets that never arrive; nobody counts them."""
    n_gaps: int = 0
    gap_s: float = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """Packets that arrived, and the true times of their samples."""

    packets: list[Packet]
    t_s: Floats
    """`(m,)` when the samples that arrived were taken."""
    acc_mps2: Floats
    gyr_radps: Floats
    gaps_s: list[tuple[float, float]]


def send(trial: Trial, sensor: Sensor, link: Link, seed: int) -> Sent:
    """The trial as packets; gaps fall into the rated movement, at least 8 s apart."""
    rng = np.random.default_rng([seed, len(trial.acc_mps2)])
    t_s, acc, gyr = resampled(trial, sensor)
    n = sensor.per_packet
    n_packets = len(t_s) // n
    last_s = t_s[n - 1 :: n][:n_packets]
    arrival_s = np.maximum.accumulate(last_s + rng.uniform(0, 1, n_packets) * link.jitter_s)
    keeps = rng.random(n_packets) >= link.loss
    rated = np.flatnonzero(trial.is_rated)[[0, -1]] / trial.rate_hz
    gaps = spread_gaps(rng, float(rated[0]), float(rated[1]), link)
    for begin, end in gaps:
        keeps &= ~((last_s >= begin) & (last_s < end))
    keeps[:2] = True
    packets, kept = [], []
    for i in np.flatnonzero(keeps).tolist():
        part = slice(i * n, (i + 1) * n)
        packets.append(Packet(BEGIN_NS + round((1.0 + arrival_s[i]) * 1e9), PLACE, sensor.encode(acc[part], gyr[part])))
        kept.append(np.arange(i * n, (i + 1) * n))
    index = np.concatenate(kept)
    return Sent(packets, t_s[index], acc[index], gyr[index], gaps)


def spread_gaps(rng: np.random.Generator, begin_s: float, end_s: float, link: Link) -> list[tuple[float, float]]:
    """Gaps anywhere in the rated movement, one in each equal part of it, so that they stay apart."""
    part_s = (end_s - begin_s) / max(link.n_gaps, 1)
    begins = [begin_s + part_s * i + rng.uniform(0, part_s - link.gap_s - 6.0) + 1.0 for i in range(link.n_gaps)]
    return [(begin, begin + link.gap_s) for begin in begins]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """What the line decoded: the others get the same samples at the same times."""

    t_s: Floats
    rate_hz: float
    acc_mps2: Floats
    gyr_radps: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """What the pipeline made of it; times are on the trial's axis."""

    samples: Samples
    up: Floats


def through_line(sent: Sent, sensor: Sensor, has_gyro: bool = True) -> Line:
    """Every sample with its time and up, as the pipeline gives them; without gyroscope it is told of none."""
    source = SourceSettings(PLACE, PLACE, "ble", sensor.decoder, config=sensor.config)
    pipeline = Pipeline()
    out = list(pipeline.feed(SettingsSnapshot(BEGIN_NS, SessionSettings((source,)).to_json())))
    for packet in sent.packets:
        out.extend(pipeline.feed(packet))
    out.extend(pipeline.finish())
    blocks = [each for each in out if isinstance(each, ImuBlock)]
    t_s = np.concatenate([block.t_s for block in blocks]) - 1.0
    acc = np.concatenate([block.acc_sensor_mps2 for block in blocks])
    gyr = np.concatenate([block.gyr_sensor_radps for block in blocks])
    samples = Samples(t_s, float(np.median([block.rate_hz for block in blocks])), acc, gyr)
    if has_gyro:
        return Line(samples, np.concatenate([each.up_sensor for each in out if isinstance(each, OrientedBlock)]))
    alone = OrientationFilter(PLACE)
    bare = (replace(block, gyr_sensor_radps=None) for block in blocks)
    return Line(samples, np.concatenate([alone.feed(block, PLACE).up_sensor for block in bare]))


def reference_at(trial: Trial, t_s: Floats) -> tuple[Floats, np.ndarray]:
    """Reference up at any times, and where it is known and rated."""
    at = t_s * trial.rate_hz
    left = np.clip(np.floor(at).astype(int), 0, len(trial.up) - 2)
    share = (at - left)[:, None]
    up = trial.up[left] * (1 - share) + trial.up[left + 1] * share
    up /= np.linalg.norm(up, axis=1)[:, None]
    is_inside = (at >= 0) & (at <= len(trial.up) - 1)
    return up, is_inside & trial.is_rated[left] & np.isfinite(up).all(axis=1)


def errors_deg(trial: Trial, t_s: Floats, up: Floats) -> tuple[Floats, Floats]:
    """Times and inclination errors of the rated samples."""
    reference, is_rated = reference_at(trial, t_s)
    cross = np.linalg.norm(np.cross(up, reference), axis=1)
    error = np.degrees(np.arctan2(cross, np.sum(up * reference, axis=1)))
    return t_s[is_rated], error[is_rated]


def rmse(error: Floats) -> float:
    return float(np.sqrt(np.mean(error**2)))


# ------------------------------------------------------------------------------------------------- what others do


def madgwick(samples: Samples, beta: float) -> Floats:
    """Up by the gradient-descent filter without magnetometer (Madgwick 2010, equations 11, 25, 26, 31 to 33).

    Each sample turns by its own time step; after a gap it begins again from the accelerometer, as a user would let it.
    """
    steps = np.diff(samples.t_s, prepend=samples.t_s[0] - 1 / samples.rate_hz).tolist()
    q = level(samples.acc_mps2[0])
    found = np.empty((len(samples.t_s), 4))
    rows = np.hstack([samples.acc_mps2, samples.gyr_radps]).tolist()
    for i, (ax, ay, az, gx, gy, gz) in enumerate(rows):
        step_s = steps[i]
        if step_s > 0.25:
            q, step_s = level(samples.acc_mps2[i]), 0.0
        w, x, y, z = q
        norm = (ax * ax + ay * ay + az * az) ** 0.5 or 1.0
        f1 = 2 * (x * z - w * y) - ax / norm
        f2 = 2 * (w * x + y * z) - ay / norm
        f3 = 1 - 2 * (x * x + y * y) - az / norm
        down = (-2 * y * f1 + 2 * x * f2, 2 * z * f1 + 2 * w * f2 - 4 * x * f3,
                -2 * w * f1 + 2 * z * f2 - 4 * y * f3, 2 * x * f1 + 2 * y * f2)  # fmt: skip
        size = sum(each * each for each in down) ** 0.5 or 1.0
        turn = (-x * gx - y * gy - z * gz, w * gx + y * gz - z * gy, w * gy - x * gz + z * gx, w * gz + x * gy - y * gx)
        q = [a + step_s * (0.5 * t - beta * d / size) for a, t, d in zip(q, turn, down, strict=True)]
        length = sum(each * each for each in q) ** 0.5
        q = [each / length for each in q]
        found[i] = q
    return up_from_quat(found)


def level(acc: Floats) -> list[float]:
    """The quaternion without heading in which this acceleration points up."""
    x, y, z = (acc / np.linalg.norm(acc)).tolist()
    q = np.array([1.0 + z, y, -x, 0.0]) if z > -0.999 else np.array([0.0, 1.0, 0.0, 0.0])
    return (q / np.linalg.norm(q)).tolist()


def vqf_defaults(samples: Samples) -> Floats:
    """VQF without magnetometer as it comes, samples one after the other at their mean rate."""
    acc, gyr = np.ascontiguousarray(samples.acc_mps2), np.ascontiguousarray(samples.gyr_radps)
    return up_from_quat(VQF(1.0 / samples.rate_hz).updateBatch(gyr, acc)["quat6D"])


def smoothed(samples: Samples, cutoff_hz: float) -> Floats:
    """The low-passed accelerometer."""
    sos = butter(2, cutoff_hz, fs=samples.rate_hz, output="sos")
    start = sosfilt_zi(sos)[:, :, None] * samples.acc_mps2[0]
    smooth, _ = sosfilt(sos, samples.acc_mps2, axis=0, zi=start)
    return smooth / np.linalg.norm(smooth, axis=1)[:, None]


BETAS = (0.02, 0.05, 0.1, 0.2)
CUTOFFS_HZ = (0.5, 1.0, 2.5, 5.0)


# --------------------------------------------------------------------------------------------------------- running

LINKS = {"undisturbed": Link(), "disturbed": Link(jitter_s=0.03, loss=0.05, n_gaps=3)}
AFTER_S = 3.0
"""So long after a gap counts as "after a gap"."""


def run_one(job: tuple[str, int, str, int]) -> dict[str, Any]:
    """One trial, sensor, link and seed: errors of the line and of the others."""
    path, at, link, seed = job
    trial, sensor = load(Path(path)), SENSORS[at]
    sent = send(trial, sensor, LINKS[link], seed)
    line = through_line(sent, sensor)
    when, error = errors_deg(trial, line.samples.t_s, line.up)
    is_after = np.zeros(len(when), dtype=bool)
    for _, end_s in sent.gaps_s:
        is_after |= (when >= end_s) & (when < end_s + AFTER_S)
    found: dict[str, Any] = {
        "trial": trial.name, "group": group(trial.name), "sensor": sensor.title, "link": link, "seed": seed,
        "rmse": rmse(error), "p95": float(np.percentile(error, 95)),
        "after_gaps": rmse(error[is_after]) if is_after.any() else None,
        "elsewhere": rmse(error[~is_after]),
    }  # fmt: skip
    if len(line.samples.t_s) == len(sent.t_s):
        late_ms = 1000 * (line.samples.t_s - sent.t_s)[trial.is_rated[(sent.t_s * trial.rate_hz).astype(int)]]
        found |= {"time_mean_ms": float(late_ms.mean()), "time_rms_ms": rmse(late_ms)}
    if seed < N_SEEDS_OTHERS:
        others = {f"madgwick {beta}": madgwick(line.samples, beta) for beta in BETAS}
        others |= {f"accelerometer {cutoff}": smoothed(line.samples, cutoff) for cutoff in CUTOFFS_HZ}
        others["vqf"] = vqf_defaults(line.samples)
        scored = {name: rmse(errors_deg(trial, line.samples.t_s, up)[1]) for name, up in others.items()}
        without = through_line(sent, sensor, has_gyro=False)
        scored["line without gyroscope"] = rmse(errors_deg(trial, without.samples.t_s, without.up)[1])
        found["others"] = scored
    return found


N_SEEDS_OTHERS = 2
"""The others are run on fewer realisations: Madgwick's loop takes longest here."""


def group(name: str) -> str:
    """ "undisturbed slow", "undisturbed fast", "disturbed" ... from a trial's file name."""
    words = name.split("_")[1:]
    kind = words[0] if words else "other"
    return f"{kind} {words[1]}" if len(words) > 1 and words[1] in ("slow", "medium", "fast") else kind


def run(folder: Path, is_quick: bool) -> dict[str, Any]:
    """All figures."""
    paths = sorted(folder.glob("[0-9][0-9]_*.mat"))
    seeds = range(2 if is_quick else 5)
    jobs = [(str(path), at, link, seed) for path in paths for at in range(len(SENSORS)) for link in LINKS
            for seed in (seeds if link == "disturbed" else (0,))]  # fmt: skip
    rows = in_parallel(run_one, jobs, "BROAD")
    tables = [summary(rows, name, link) for name in sorted({one["group"] for one in rows}) for link in LINKS]
    figures: dict[str, Any] = {"benchmark": "broad_inclination", "trials": len(paths), "runs": rows, "groups": tables}
    figures["rows"] = [each for table in tables for each in lines_of(table)]
    figures["said"] = (
        f"{len(paths)} trials, no alignment fitted: up in sensor axes against BROAD's own reference, at the session "
        "times that the line gave each sample. Disturbed: no device clock, 5 % of packets lost and not counted, three "
        f"gaps of 2 s in the rated movement, each packet late by up to 30 ms (uniform, order kept); "
        f"median and worst of {len(seeds)} realisations. "
        "The others get the samples and times that the line decoded; the best of "
        f"{len(BETAS)} betas and {len(CUTOFFS_HZ)} cut-offs on these very files is shown."
    )
    return figures


def summary(rows: list[dict[str, Any]], name: str, link: str) -> dict[str, Any]:
    """Median and worst of each sensor and trial in a group, and the others beside them."""
    of = [one for one in rows if one["group"] == name and one["link"] == link]
    cells = []
    for sensor in SENSORS:
        same = [one for one in of if one["sensor"] == sensor.title]
        tuned = best_of([one["others"] for one in same if "others" in one])
        for trial in sorted({one["trial"] for one in same}):
            runs = [one for one in same if one["trial"] == trial]
            keys = ("rmse", "p95", "after_gaps", "elsewhere", "time_rms_ms")
            medians = {
                key: float(np.median([one[key] for one in runs])) for key in keys if runs[0].get(key) is not None
            }
            others = {
                each: float(np.median([one["others"][each] for one in runs if "others" in one])) for each in tuned
            }
            cells.append({"sensor": sensor.title, "trial": trial, "n": len(runs), **medians,
                          "worst": max(one["rmse"] for one in runs), "others": others})  # fmt: skip
    return {"group": name, "link": link, "cells": cells}


def best_of(scores: list[dict[str, float]]) -> list[str]:
    """Of each kind of filter the setting with the smallest error over all trials."""
    error = {name: float(np.median([one[name] for one in scores])) for name in scores[0]}
    kinds = sorted({name.split(" 0")[0].split(" 1")[0].split(" 2")[0].split(" 5")[0] for name in error})
    return [min((name for name in error if name.startswith(kind)), key=error.__getitem__) for kind in kinds]


def lines_of(table: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows of the results' table."""
    is_slow = table["group"] == "undisturbed slow"
    target = (0.5 if table["link"] == "undisturbed" else 1.0) if is_slow else None
    for cell in table["cells"]:
        plain = "; ".join(f"{name} {error:.2f}°" for name, error in cell["others"].items())
        measured = f"{cell['rmse']:.2f}° (p95 {cell['p95']:.2f}°)"
        if table["link"] == "disturbed":
            measured += f", worst of {cell['n']} {cell['worst']:.2f}°; {AFTER_S:.0f} s after gaps "
            measured += f"{cell['after_gaps']:.2f}°, elsewhere {cell['elsewhere']:.2f}°"
            measured += f"; times {cell['time_rms_ms']:.1f} ms" if "time_rms_ms" in cell else ""
        is_met = target is None or cell["rmse"] <= target
        what = f"{table['link']}, {cell['sensor']}, {cell['trial']}"
        yield row(what, measured, None if target is None else f"≤ {target}° RMSE", plain, is_met)


def lines(figures: dict[str, Any]) -> Iterator[str]:
    """The readable form."""
    for each in figures["rows"]:
        yield f"  {each['what']}: {each['measured']} | {each['plain']}"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=os.environ.get("SENSORSOMA_BROAD"))
    parser.add_argument("--quick", action="store_true", help="two realisations instead of five")
    add_json(parser)
    options = parser.parse_args()
    if options.folder is None or not list(Path(options.folder).glob("[0-9][0-9]_*.mat")):
        parser.error("expected a folder with BROAD's .mat files as argument or in SENSORSOMA_BROAD, found none")
    figures = run(Path(options.folder), options.quick)
    tell(figures, lines(figures), options.json)


if __name__ == "__main__":
    main()
