"""A simulated person through the whole pipeline, as a live session would bring them.

soma_v1 packets over a link that loses some, arrival stamps with jitter, device clocks drifting, all sensors merged in
order of arrival.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any

from sensorsoma.messages import Output, Packet, SettingsSnapshot
from sensorsoma.pipeline import Pipeline
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.simulate import Simulation, encode_soma_v1, packets


def settings_of(
    simulation: Simulation, requests: tuple[SegmentRequest, ...] = (), plan: Any = None
) -> SettingsSnapshot:
    """What such a session begins with."""
    sources = tuple(SourceSettings(at, at, "virtual", "soma_v1", None, "simulated") for at in simulation.samples)
    return SettingsSnapshot(0, SessionSettings(sources, segments=requests, plan=plan).to_json())


def packets_of(simulation: Simulation, seed: int) -> Iterator[Packet]:
    """The packets of all sensors in order of arrival; `seed` draws the jitter."""
    streams = (packets(samples, encode_soma_v1, jitter_seed=seed) for samples in simulation.samples.values())
    return heapq.merge(*streams, key=lambda packet: packet.host_ns)


def outputs_of(simulation: Simulation, seed: int, requests: tuple[SegmentRequest, ...] = ()) -> Iterator[Output]:
    """Everything that the pipeline says of them."""
    pipeline = Pipeline()
    yield from pipeline.feed(settings_of(simulation, requests))
    for packet in packets_of(simulation, seed):
        yield from pipeline.feed(packet)
    yield from pipeline.finish()
