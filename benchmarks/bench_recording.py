"""What recording costs: microseconds a message, megabytes an hour, seconds to load an hour.

    python benchmarks/bench_recording.py [--minutes 10] [--sensors 3]

Writes a synthetic session (per sensor 25 packets of 102 bytes a second with sensor-like noise, 10 live angles and 10
ticks a second) as fast as it can, with chunks of one second as in a live session, then opens it and reads it back.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from sensorsoma.messages import LiveAngle, Message, Packet, SettingsSnapshot, Tick
from sensorsoma.recording.reader import open_recording
from sensorsoma.recording.writer import Recorder
from sensorsoma.settings import SessionSettings, SourceSettings

PLACEMENTS = ("right-thigh", "left-thigh", "pelvis")


def session(minutes: float, n_sensors: int) -> list[Message]:
    """Packets of four six-axis samples, quantised to a sensor's steps, with 54 bytes of slowly changing header."""
    random = np.random.default_rng(0)
    channels = PLACEMENTS[:n_sensors]
    settings = SessionSettings(tuple(SourceSettings(c, c, "ble", "soma_v1") for c in channels))  # type: ignore[arg-type]
    out: list[Message] = [SettingsSnapshot(0, settings.to_json())]
    posture = random.normal(0, 2000, (n_sensors, 6))
    for k in range(int(minutes * 60 * 25)):
        at_ns = k * 40_000_000
        posture += random.normal(0, 20, posture.shape)
        for number, channel in enumerate(channels):
            samples = (posture[number] + random.normal(0, 8, (4, 6))).astype("<i2").tobytes()
            out.append(Packet(at_ns, channel, k.to_bytes(8, "little") + bytes(46) + samples))
        if k % 5 in (0, 2):
            out.append(Tick(at_ns))
            out.append(LiveAngle(at_ns / 1e9, "clamshell", "right", "right-thigh", float(posture[0, 0] / 100)))
    return out


def main() -> None:
    """Measures and prints one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--sensors", type=int, default=3, choices=(1, 2, 3))
    options = parser.parse_args()
    messages = session(options.minutes, options.sensors)
    first = messages[0]
    assert isinstance(first, SettingsSnapshot)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.mcap"
        recorder = Recorder(path, SessionSettings.from_json(first.settings))
        begin, cpu = time.perf_counter(), time.process_time()
        in_write_s = 0.0
        flush_ns = 0
        for message in messages:
            before = time.perf_counter()
            recorder.write(message)
            in_write_s += time.perf_counter() - before
            if isinstance(message, Tick) and message.host_ns >= flush_ns:
                recorder.flush()
                flush_ns += 1_000_000_000
        recorder.close()
        cpu_us = (time.process_time() - cpu) / len(messages) * 1e6
        print(f"{len(messages)} messages, {options.sensors} sensors, {options.minutes:g} min")
        print(f"write: {in_write_s / len(messages) * 1e6:.1f} us a message for the caller, {cpu_us:.1f} us CPU in all,")
        print(f"       {cpu_us * len(messages) / (options.minutes * 60) / 1e4:.3f} % of a core in real time")
        print(f"size:  {path.stat().st_size / 1e6 / options.minutes * 60:.1f} MB an hour")
        begin = time.perf_counter()
        recording = open_recording(path)
        opened = time.perf_counter()
        n = sum(1 for _ in recording.inputs())
        read = time.perf_counter()
        assert recording.is_complete
        per_hour = 60.0 / options.minutes
        open_s, read_s = (opened - begin) * per_hour, (read - opened) * per_hour
        print(f"load:  an hour opens in {open_s:.2f} s, its {n * per_hour:.0f} inputs are read in {read_s:.2f} s")


if __name__ == "__main__":
    main()
