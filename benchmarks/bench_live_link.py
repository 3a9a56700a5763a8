"""Three virtual sensors at 104 Hz, 15 ms interval, 30 s, two processes: lost samples, latency, CPU of the client.

    python benchmarks/bench_live_link.py [--seconds 30] [--sensors 3]

Latency is from the entry of the notification callback to the end of everything that follows from the packet, the
pipeline with a clamshell detector included. Prints one JSON line and one sentence. The link is simulated: figures hold
for a simulated 15 ms link and say nothing about range, bodies in between or an operating system's Bluetooth.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import time
from typing import Any

import numpy as np

from sensorsoma.clock import Clock
from sensorsoma.decode.soma_v1 import decode_frame
from sensorsoma.messages import Gap, ImuBlock, Packet, SettingsSnapshot, SourceStatus
from sensorsoma.pipeline import Pipeline
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.sources.ble.link import BleSource
from sensorsoma.virtual.launcher import start_virtual

PLACES = ("right-thigh", "left-thigh", "pelvis", "belly")


class Meter:
    """Feeds the pipeline and notes how long each packet took."""

    def __init__(self, pipeline: Pipeline, clock: Clock) -> None:
        self.pipeline = pipeline
        self.clock = clock
        self.latency_ms: list[float] = []
        self.outputs: list[Any] = []
        self.last: dict[str, tuple[int, int]] = {}
        self.n_samples: dict[str, int] = {}

    def put(self, message: Any) -> None:
        """What a session does with an input."""
        if isinstance(message, SourceStatus):
            return
        self.outputs += [out for out in self.pipeline.feed(message) if isinstance(out, ImuBlock | Gap)]
        if isinstance(message, Packet):
            self.latency_ms.append((self.clock.now_ns() - message.host_ns) / 1e6)
            frame = decode_frame(message.payload)
            self.n_samples[message.channel] = self.n_samples.get(message.channel, 0) + frame.n_samples
            self.last[message.channel] = (frame.number, frame.n_samples)


async def bench(n_sensors: int, seconds: float) -> dict[str, Any]:
    """The figures."""
    clock = Clock()
    sources = tuple(
        SourceSettings(place, place, "virtual", "soma_v1", None, "simulated") for place in PLACES[:n_sensors]
    )
    segments = (SegmentRequest("clamshell", "right", "right-thigh"),)
    world = await start_virtual([f"{source.placement}=person" for source in sources], seed=1)
    pipeline = Pipeline()
    pipeline.feed(SettingsSnapshot(clock.now_ns(), SessionSettings(sources, segments=segments).to_json()))
    meter = Meter(pipeline, clock)
    tasks = [asyncio.create_task(BleSource(source, world.door, clock).run(meter.put)) for source in sources]
    while len(meter.last) < n_sensors:  # noqa: ASYNC110 - filled by the sources
        await asyncio.sleep(0.05)
    await asyncio.sleep(2.0)  # first calls import and compile things
    meter.latency_ms.clear()
    began_s, cpu_s = time.monotonic(), time.process_time()
    await asyncio.sleep(seconds)
    elapsed_s, cpu_s = time.monotonic() - began_s, time.process_time() - cpu_s
    latency_ms = np.array(meter.latency_ms)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    counters = await world.ask(type="counters")
    await world.close()
    lost = sum((number + n) - meter.n_samples[channel] for channel, (number, n) in meter.last.items())
    return {
        "bench": "live_link",
        "link": "simulated",
        "n_sensors": n_sensors,
        "rate_hz": 104,
        "interval_ms": 15,
        "seconds": round(elapsed_s, 1),
        "notifications": len(latency_ms),
        "lost": lost,
        "gaps": sum(isinstance(out, Gap) for out in meter.outputs),
        "dropped_by_sensors": sum(each["dropped"] for each in counters.values()),
        "latency_ms": {f"p{p}": round(float(np.percentile(latency_ms, p)), 2) for p in (50, 95, 99, 100)},
        "client_cpu_percent": round(100 * cpu_s / elapsed_s, 1),
        "client_max_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--sensors", type=int, default=3, choices=(1, 2, 3, 4))
    options = parser.parse_args()
    figures = asyncio.run(bench(options.sensors, options.seconds))
    print(json.dumps(figures))
    print(
        f"{figures['n_sensors']} sensors at 104 Hz over a simulated 15 ms link for {figures['seconds']:g} s: "
        f"{figures['lost']} samples lost, notification to end of pipeline p99 {figures['latency_ms']['p99']:g} ms, "
        f"client {figures['client_cpu_percent']:g} % of one core."
    )


if __name__ == "__main__":
    main()
