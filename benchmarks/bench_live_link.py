"""Three virtual sensors at 104 Hz, 15 ms interval, two processes: lost samples, latency, CPU of the client.

    python benchmarks/bench_live_link.py [--seconds 60] [--sensors 3] [--json FILE] [--quick]

The sensors play a simulated person's clamshells. The client process does what a session does with every notification:
it is stamped in the callback, recorded, and worked through the pipeline with a clamshell detector, and what follows is
recorded too. Latency is from the entry of the notification callback to the end of all that, for every notification and
for those alone that led to an event: what comes on top of the filters' own delay and of the radio. The link is
simulated: figures hold for a simulated 15 ms link and say nothing about range, bodies in between or an operating
system's Bluetooth.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from figures import add_json, tell

from sensorsoma.clock import Clock
from sensorsoma.decode.soma_v1_frame import decode_frame
from sensorsoma.messages import (
    BadPacket,
    DeviceInfo,
    Gap,
    ImuBlock,
    LiveAngle,
    OrientedBlock,
    Packet,
    Placement,
    RepCompleted,
    SegmentCurve,
    SettingsSnapshot,
    SourceStatus,
)
from sensorsoma.pipeline import Pipeline
from sensorsoma.recording.writer import Recorder
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.simulate import Difficulties, simulate_exercise, write_csv
from sensorsoma.sources.ble.link import BleSource
from sensorsoma.virtual.launcher import start_virtual

PLACES: tuple[Placement, ...] = ("right-thigh", "left-thigh", "pelvis", "belly")
NO_EVENT = (ImuBlock, OrientedBlock, Gap, BadPacket, DeviceInfo, SegmentCurve, LiveAngle)
TARGETS = {"lost": 0, "p99_ms": 50.0, "client_cpu_percent": 15.0}


class Meter:
    """Does with an input what a session does, and notes how long each packet took."""

    def __init__(self, pipeline: Pipeline, recorder: Recorder, clock: Clock) -> None:
        self.pipeline = pipeline
        self.recorder = recorder
        self.clock = clock
        self.is_timed = False
        self.latency_ms: list[float] = []
        self.event_ms: list[float] = []
        self.n_gaps = 0
        self.n_reps = 0
        self.last: dict[str, tuple[int, int]] = {}
        self.n_samples: dict[str, int] = {}

    @property
    def n_heard(self) -> int:
        """How many sensors have sent something."""
        return len(self.last)

    def put(self, message: Any) -> None:
        """One input."""
        if isinstance(message, SourceStatus):
            return
        self.recorder.write(message)
        outputs = self.pipeline.feed(message)
        for output in outputs:
            self.recorder.write(output)
        now_ns = self.clock.now_ns()
        self.n_gaps += sum(isinstance(output, Gap) for output in outputs)
        self.n_reps += sum(isinstance(output, RepCompleted) for output in outputs)
        if isinstance(message, Packet):
            if self.is_timed:
                self._note((now_ns - message.host_ns) / 1e6, outputs)
            frame = decode_frame(message.payload)
            self.n_samples[message.channel] = self.n_samples.get(message.channel, 0) + frame.n_samples
            self.last[message.channel] = (frame.number, frame.n_samples)

    def _note(self, took_ms: float, outputs: Sequence[Any]) -> None:
        self.latency_ms.append(took_ms)
        if any(not isinstance(output, NO_EVENT) for output in outputs):
            self.event_ms.append(took_ms)


class Listener(Protocol):
    """What hears the sensors."""

    is_timed: bool
    """Whether it notes how long things take; `listen` switches it on and off."""

    @property
    def n_heard(self) -> int:
        """How many sensors have sent something."""
        ...

    def put(self, message: Any) -> None:
        """One input."""
        ...


async def listen(
    sources: Sequence[BleSource], listener: Listener, seconds: float, *, settle_s: float = 2.0, rest_s: float = 0.0
) -> tuple[float, float]:
    """Real seconds and CPU seconds of this process while sensors streamed.

    Args:
        sources: held until the end.
        listener: hears them.
        seconds: what is measured.
        settle_s: left out before, since first calls import and compile things.
        rest_s: heard afterwards, unmeasured, for what is still on its way.
    """
    tasks = [asyncio.create_task(source.run(listener.put)) for source in sources]
    while listener.n_heard < len(sources):
        for task in tasks:
            if task.done():
                task.result()
        await asyncio.sleep(0.05)
    await asyncio.sleep(settle_s)
    listener.is_timed = True
    began_s, cpu_s = time.monotonic(), time.process_time()
    await asyncio.sleep(seconds)
    elapsed_s, cpu_s = time.monotonic() - began_s, time.process_time() - cpu_s
    listener.is_timed = False
    await asyncio.sleep(rest_s)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return elapsed_s, cpu_s


def percentiles(values: Sequence[float], wanted: Sequence[int]) -> dict[str, float]:
    """By name, `p50`; empty without values."""
    return {f"p{p}": round(float(np.percentile(values, p)), 2) for p in wanted if len(values)}


async def bench(n_sensors: int, seconds: float, folder: Path) -> dict[str, Any]:
    """The figures."""
    clock = Clock()
    places = PLACES[:n_sensors]
    simulation = simulate_exercise(
        "clamshell",
        seed=1,
        placements=places,
        n_reps=int(seconds / 3) + 8,
        range_deg=40.0,
        max_rep_s=3.0,
        difficulties=Difficulties(packet_loss=False),
    )
    write_csv(simulation, folder)
    truth = simulation.truth.of("clamshell")[0]
    sources = tuple(SourceSettings(place, place, "virtual", "soma_v1", None, "simulated") for place in places)
    segments = (SegmentRequest("clamshell", "right", "right-thigh"),)
    world = await start_virtual([f"{place}={folder / place}.csv" for place in places], seed=1)
    settings = SessionSettings(sources, segments=segments)
    recorder = Recorder(folder / "bench.mcap", settings)
    meter = Meter(Pipeline(), recorder, clock)
    meter.put(SettingsSnapshot(clock.now_ns(), settings.to_json()))
    elapsed_s, cpu_s = await listen([BleSource(source, world.door, clock) for source in sources], meter, seconds)
    latency_ms, event_ms = meter.latency_ms, meter.event_ms
    counters = await world.ask(type="counters")
    await world.close()
    recorder.close()
    lost = sum((number + n) % 65536 - meter.n_samples[channel] % 65536 for channel, (number, n) in meter.last.items())
    return {
        "benchmark": "live_link",
        "link": "simulated",
        "n_sensors": n_sensors,
        "rate_hz": 104,
        "interval_ms": 15,
        "seconds": round(elapsed_s, 1),
        "notifications": len(latency_ms),
        "lost": lost,
        "gaps": meter.n_gaps,
        "dropped_by_sensors": sum(each["dropped"] for each in counters.values()),
        "reps_counted": meter.n_reps,
        "reps_in_file": len(truth.reps),
        "latency_ms": percentiles(latency_ms, (50, 95, 99, 100)),
        "events": len(event_ms),
        "event_latency_ms": percentiles(event_ms, (50, 99, 100)),
        "client_cpu_percent": round(100 * cpu_s / elapsed_s, 1),
        "client_max_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def lines(figures: dict[str, Any]) -> Iterator[str]:
    """The readable form."""
    p99 = figures["latency_ms"]["p99"]
    yield (
        f"{figures['n_sensors']} sensors at 104 Hz over a simulated 15 ms link for {figures['seconds']:g} s: "
        f"{figures['lost']} samples lost (0), {figures['gaps']} gaps"
    )
    events = figures["event_latency_ms"]
    yield (
        f"notification to the end of all that follows: p50 {figures['latency_ms']['p50']:g} ms, p99 {p99:g} ms (< 50); "
        f"to one of {figures['events']} events: p50 {events.get('p50')} ms, p99 {events.get('p99')} ms (< 50)"
    )
    yield f"client {figures['client_cpu_percent']:g} % of one core (< 15), recording included"
    met = figures["lost"] == 0 and max(p99, events.get("p99", 0.0)) < 50 and figures["client_cpu_percent"] < 15
    if not met:
        yield "FALLS SHORT"


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--sensors", type=int, default=3, choices=(1, 2, 3, 4))
    parser.add_argument("--quick", action="store_true", help="15 seconds")
    add_json(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(bench(options.sensors, 15.0 if options.quick else options.seconds, Path(folder)))
    tell(figures, lines(figures), options.json)


if __name__ == "__main__":
    main()
