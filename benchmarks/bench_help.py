"""What starting and analysing cost: the first answer, imports, a whole session in a fresh process, the line itself.

    python benchmarks/bench_help.py [--rounds 9] [--minutes 10] [--json FILE] [--quick]

Everything is a ratio within one run, processes in turn, medians:

- `--help` beyond `python -c pass`, and imports;
- `analyze` of a recording of 10 minutes from three sensors in a fresh process, over a fresh process that only reads the
  same samples (int16 files) and runs VQF over them; peak memory of both;
- the pipeline over VQF `updateBatch` on the same arrays in memory: packet by packet as live (soma_v1, 4-10 samples
  each), in rows of 4096, and 3 sensors at 208 Hz with 8 samples a packet.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from figures import add_json, progress, tell

from sensorsoma.messages import Input, Packet, Placement, SettingsSnapshot, Tick
from sensorsoma.pipeline import Pipeline
from sensorsoma.recording.writer import Recorder
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.simulate import encode_float_rows, encode_soma_v1, simulate_practice
from sensorsoma.simulate.sensor import Samples

PLACEMENTS: tuple[Placement, ...] = ("right-thigh", "left-thigh", "pelvis")
TARGETS = {"help_beyond_python_s": 0.15, "analyze_over_vqf": 4.0, "line_4096_over_vqf": 3.5, "live_208_over_vqf": 30.0}
IMPORTS = ("numpy", "vqf", "scipy.signal", "bleak", "sensorsoma.cli.app", "sensorsoma.pipeline", "sensorsoma.analysis",
           "sensorsoma.recording.reader", "sensorsoma.sources.ble.link")  # fmt: skip
VQF_ALONE = """
import sys
import numpy as np
from vqf import VQF
for name in sys.argv[1:]:
    raw = np.load(name)
    gyr = np.ascontiguousarray(raw[:, 3:] * (500 / 32768 * 0.017453292519943295))
    acc = np.ascontiguousarray(raw[:, :3] * (8 * 9.80665 / 32768))
    VQF(1 / 104).updateBatch(gyr, acc)["quat6D"]
"""


PEAK = """
import atexit, re, sys
peak = lambda: re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read()).group(1)
atexit.register(lambda: print("peak", peak(), file=sys.stderr))
"""
OURS = "from sensorsoma.cli import main; sys.argv[0] = 'sensorsoma'; main()"


def peak_mb(code: str, arguments: Sequence[str]) -> int | None:
    """Peak memory of a fresh interpreter that runs `code`; None where the system does not tell."""
    if not Path("/proc/self/status").exists():
        return None
    command = [sys.executable, "-c", PEAK + code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return round(int(done.stderr.split()[-1]) / 1024)


def timed(command: Sequence[str]) -> tuple[float, float]:
    """Wall seconds and CPU seconds of a fresh process."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise RuntimeError(f"{' '.join(command)} ended with {status}")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime


def in_turn(commands: dict[str, Sequence[str]], rounds: int, name: str) -> dict[str, list[tuple[float, float]]]:
    """Every command once a round; the round before the first only warms caches."""
    runs: dict[str, list[tuple[float, float]]] = {key: [] for key in commands}
    for number in range(rounds + 1):
        progress(f"{name}: round {number} of {rounds}")
        for key, command in commands.items():
            result = timed(command)
            if number:
                runs[key].append(result)
    progress("")
    return runs


def start_up(rounds: int) -> dict[str, Any]:
    """`--help` and imports beyond bare Python."""
    script = Path(sys.executable).with_name("sensorsoma")
    ours = [str(script)] if script.exists() else [sys.executable, "-m", "sensorsoma"]
    commands: dict[str, Sequence[str]] = {"pass": [sys.executable, "-c", "pass"], "help": [*ours, "--help"]}
    runs = in_turn(commands, rounds, "help")
    beyond = [mine[0] - bare[0] for mine, bare in zip(runs["help"], runs["pass"], strict=True)]
    ratio = [mine[0] / bare[0] for mine, bare in zip(runs["help"], runs["pass"], strict=True)]
    cpu = [mine[1] - bare[1] for mine, bare in zip(runs["help"], runs["pass"], strict=True)]
    imports = {name: [sys.executable, "-c", f"import {name}"] for name in IMPORTS}
    loaded = in_turn({"pass": commands["pass"], **imports}, max(3, rounds // 3), "imports")
    bare_s = statistics.median(run[0] for run in loaded["pass"])
    return {
        "rounds": rounds,
        "bare_python_s": round(statistics.median(run[0] for run in runs["pass"]), 4),
        "help_beyond_python_s": round(statistics.median(beyond), 4),
        "help_beyond_python_cpu_s": round(statistics.median(cpu), 4),
        "help_beyond_python_max_s": round(max(beyond), 4),
        "help_over_python": round(statistics.median(ratio), 2),
        "import_s": {
            name: round(statistics.median(run[0] for run in loaded[name]) - bare_s, 3) for name in IMPORTS
        },
    }  # fmt: skip


def whole_process(folder: Path, inputs: list[Input], sensors: Sequence[Samples], rounds: int) -> dict[str, Any]:
    """`analyze` of a recording over "read and VQF alone", both in fresh processes."""
    recording = folder / "session.mcap"
    first = inputs[0]
    assert isinstance(first, SettingsSnapshot)
    recorder = Recorder(recording, SessionSettings.from_json(first.settings))
    for message in inputs:
        recorder.write(message)
    recorder.close()
    names = []
    for samples in sensors:
        names.append(str(folder / f"{samples.placement}.npy"))
        np.save(names[-1], as_int16(samples))
    commands: dict[str, Sequence[str]] = {
        "vqf": [sys.executable, "-c", VQF_ALONE, *names],
        "analyze": [sys.executable, "-m", "sensorsoma", "analyze", str(recording), "--json"],
    }
    runs = in_turn(commands, rounds, "analyze")
    pairs = list(zip(runs["analyze"], runs["vqf"], strict=True))
    return {
        "analyze_s": round(statistics.median(run[0] for run in runs["analyze"]), 3),
        "vqf_s": round(statistics.median(run[0] for run in runs["vqf"]), 3),
        "analyze_over_vqf": round(statistics.median(a[0] / b[0] for a, b in pairs), 2),
        "analyze_over_vqf_cpu": round(statistics.median(a[1] / b[1] for a, b in pairs), 2),
        "analyze_peak_mb": peak_mb(OURS, ["analyze", str(recording), "--json"]),
        "vqf_peak_mb": peak_mb(VQF_ALONE, names),
        "recording_mb": round(recording.stat().st_size / 1e6, 2),
    }


def as_int16(samples: Samples) -> Any:
    """Six columns in sensor steps at 8 g and 500 deg/s."""
    assert samples.gyr_sensor_radps is not None
    acc = samples.acc_sensor_mps2 / (8 * 9.80665 / 32768)
    gyr = np.rad2deg(samples.gyr_sensor_radps) / (500 / 32768)
    return np.clip(np.rint(np.hstack([acc, gyr])), -32768, 32767).astype(np.int16)


def inputs_of(
    sensors: Sequence[Samples], requests: tuple[SegmentRequest, ...], n: int | None, rows: bool
) -> list[Input]:
    """A session's inputs: packets of all sensors in the order of time, ticks between them.

    Args:
        sensors: what was measured.
        requests: what is to be measured of it.
        n: samples a packet; None: as many as each sensor chose.
        rows: as float rows instead of soma_v1 frames.
    """
    packets: list[Packet] = []
    for samples in sensors:
        total = len(samples.t_s)
        step = n or int(np.sum(samples.packet_index == 0))
        for at in range(0, total, step):
            part = slice(at, at + step)
            assert samples.gyr_sensor_radps is not None
            encode = encode_float_rows if rows else encode_soma_v1
            payload = encode(
                at, samples.device_t_s[part], samples.acc_sensor_mps2[part], samples.gyr_sensor_radps[part]
            )
            packets.append(Packet(round((samples.t_s[part][-1] + 0.02) * 1e9), samples.placement, payload))
    packets.sort(key=lambda packet: packet.host_ns)
    config = {"columns": 7, "rate_hz": sensors[0].rate_hz} if rows else {}
    sources = tuple(
        SourceSettings(s.placement, s.placement, "virtual", "rows" if rows else "soma_v1", None, "simulated", config)
        for s in sensors
    )
    out: list[Input] = [SettingsSnapshot(0, SessionSettings(sources, segments=requests).to_json())]
    tick_ns = 0
    for packet in packets:
        while tick_ns <= packet.host_ns and not rows:
            out.append(Tick(tick_ns))
            tick_ns += 100_000_000
        out.append(packet)
    return out


def cropped(samples: Samples, seconds: float) -> Samples:
    """The first so many seconds, nothing lost."""
    n = min(len(samples.t_s), int(seconds * samples.rate_hz))
    gyr = samples.gyr_sensor_radps
    return Samples(
        samples.placement, samples.rate_hz, samples.t_s[:n], samples.acc_sensor_mps2[:n],
        None if gyr is None else gyr[:n], samples.packet_index[:n], np.zeros(n, dtype=bool), samples.device_t_s[:n],
    )  # fmt: skip


def practice(rate_hz: float, minutes: float) -> tuple[list[Samples], tuple[SegmentRequest, ...]]:
    """Three sensors of a whole practice, and what was done in it."""
    simulation = simulate_practice("hips-and-core", seed=1, rate_hz=rate_hz, placements=PLACEMENTS)
    sensors = [cropped(simulation.samples[place], 60.0 * minutes) for place in PLACEMENTS]
    end_s = float(sensors[0].t_s[-1])
    wanted = ("knee_fall", "clamshell", "pelvic_rock", "pelvic_hold")
    requests = tuple(
        SegmentRequest(stretch.exercise, stretch.side, None, stretch.start_s, stretch.end_s)
        for stretch in simulation.truth.stretches
        if stretch.exercise in wanted and stretch.end_s is not None and stretch.end_s < end_s
    )
    return sensors, requests


def through(inputs: list[Input]) -> Callable[[], None]:
    """The pipeline over all inputs."""

    def run() -> None:
        pipeline = Pipeline()
        for message in inputs:
            pipeline.feed(message)
        pipeline.finish()

    return run


def vqf_alone(sensors: Sequence[Samples]) -> Callable[[], None]:
    """VQF over whole arrays."""
    from vqf import VQF

    arrays = [(np.ascontiguousarray(s.gyr_sensor_radps), np.ascontiguousarray(s.acc_sensor_mps2)) for s in sensors]

    def run() -> None:
        for gyr, acc in arrays:
            VQF(1 / sensors[0].rate_hz).updateBatch(gyr, acc)

    return run


def ratio(ours: Callable[[], None], plain: Callable[[], None], rounds: int) -> tuple[float, float, float]:
    """Median CPU ratio of pairs in turn, and the medians in seconds."""
    pairs = []
    for number in range(rounds + 1):
        began = time.process_time()
        plain()
        between = time.process_time()
        ours()
        if number:
            pairs.append((time.process_time() - between, between - began))
    return (
        round(statistics.median(a / b for a, b in pairs), 2),
        round(statistics.median(a for a, _ in pairs), 3),
        round(statistics.median(b for _, b in pairs), 4),
    )


def the_line(sensors: list[Samples], requests: tuple[SegmentRequest, ...], rounds: int) -> dict[str, Any]:
    """The pipeline in memory over VQF alone on the same arrays."""
    plain = vqf_alone(sensors)
    minutes = len(sensors[0].t_s) / sensors[0].rate_hz / 60
    figures: dict[str, Any] = {"minutes": round(minutes, 2), "stretches": len(requests)}
    for name, n, rows in (("line_4096", 4096, True), ("line_packets", None, False)):
        progress(f"pipeline: {name}")
        over, ours_s, vqf_s = ratio(through(inputs_of(sensors, requests, n, rows)), plain, rounds)
        figures |= {f"{name}_over_vqf": over, f"{name}_s": ours_s, "vqf_batch_s": vqf_s}
        figures[f"{name}_times_real_time"] = round(60 * minutes / ours_s)
    fast, wanted = practice(208.0, min(2.0, minutes))
    progress("pipeline: 208 Hz")
    over, ours_s, vqf_s = ratio(through(inputs_of(fast, wanted, 8, False)), vqf_alone(fast), rounds)
    figures |= {"live_208_over_vqf": over, "live_208_core_percent": round(100 * ours_s / (min(2.0, minutes) * 60), 2)}
    progress("")
    return figures


def lines(figures: dict[str, Any]) -> Iterator[str]:
    """The readable form."""
    start, whole, line = figures["start_up"], figures["whole_process"], figures["line"]
    flat = {**start, **whole, **line}
    words = {
        "help_beyond_python_s": "--help beyond bare Python (s)",
        "analyze_over_vqf": "analyze of 10 min x 3 in a fresh process over reading and VQF alone",
        "line_4096_over_vqf": "replay in rows of 4096 over VQF alone (CPU)",
        "live_208_over_vqf": "3 x 208 Hz, 8 samples a packet, over VQF alone (CPU)",
    }
    for name, text in words.items():
        verdict = "" if flat[name] <= TARGETS[name] else "   FALLS SHORT"
        yield f"  {text:<70}{flat[name]:>8}  (<= {TARGETS[name]}){verdict}"
    yield f"  --help: {start['help_over_python']} x python -c pass ({start['bare_python_s']} s), slowest round "
    yield f"    {start['help_beyond_python_max_s']} s, CPU {start['help_beyond_python_cpu_s']} s beyond"
    yield "  imports beyond bare Python (s): " + ", ".join(f"{k} {v}" for k, v in start["import_s"].items())
    yield f"  analyze {whole['analyze_s']} s, {whole['analyze_peak_mb']} MB; reading and VQF alone {whole['vqf_s']} s, "
    yield f"    {whole['vqf_peak_mb']} MB; CPU ratio {whole['analyze_over_vqf_cpu']}"
    yield f"  packet by packet as live: {line['line_packets_over_vqf']} x VQF batch, "
    real_time, core = line["line_packets_times_real_time"], line["live_208_core_percent"]
    yield f"    {real_time} x real time; 3 x 208 Hz: {core} % of a core"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--quick", action="store_true", help="9 rounds of --help, 2 of the rest, 2 minutes of session")
    add_json(parser)
    options = parser.parse_args()
    minutes, rounds = (2.0, 2) if options.quick else (options.minutes, max(5, options.rounds // 2))
    figures: dict[str, Any] = {"benchmark": "help", "minutes": minutes, "targets": TARGETS}
    figures["start_up"] = start_up(options.rounds)
    sensors, requests = practice(104.0, minutes)
    with tempfile.TemporaryDirectory() as folder:
        inputs = inputs_of(sensors, requests, None, False)
        figures["whole_process"] = whole_process(Path(folder), inputs, sensors, rounds)
    figures["line"] = the_line(sensors, requests, rounds)
    tell(json.loads(json.dumps(figures)), lines(figures), options.json)


if __name__ == "__main__":
    main()
