"""The line as a whole: what a sensor may send without stopping it, and what it leaves out."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.decode.soma_v1_frame import decode_frame, encode_frame
from sensorsoma.messages import (
    BadPacket,
    Exercise,
    OrientedBlock,
    Output,
    Packet,
    Placement,
    RepCompleted,
    SegmentMeasured,
    SettingsSnapshot,
    StreamResumed,
)
from sensorsoma.pipeline import Pipeline
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.simulate import encode_soma_v1, packets, simulate_exercise

PLACE: Placement = "right-thigh"


@functools.cache
def sent() -> tuple[Packet, ...]:
    """Five clamshells as the packets of one sensor."""
    simulation = simulate_exercise("clamshell", seed=4, rate_hz=52.0, n_reps=5, shaking=False, range_deg=40.0)
    return tuple(packets(simulation.samples[PLACE], encode_soma_v1))


def measured(stream: Iterable[Packet | StreamResumed], exercise: Exercise = "clamshell") -> list[Output]:
    """Everything that follows from one sensor's packets, all of them one stretch."""
    source = SourceSettings(PLACE, PLACE, "virtual", "soma_v1")
    request = SegmentRequest(exercise, "right", PLACE)
    pipeline = Pipeline()
    out = list(pipeline.feed(SettingsSnapshot(0, SessionSettings((source,), segments=(request,)).to_json())))
    for message in stream:
        out.extend(pipeline.feed(message))
    out.extend(pipeline.finish())
    return out


def tops(outputs: Iterable[Output]) -> list[float]:
    """When the reps that were counted had their tops."""
    return [output.t_s for output in outputs if isinstance(output, RepCompleted)]


def without_gyroscope(packet: Packet) -> Packet:
    """The same frame from a sensor that was started for acceleration only."""
    return replace(packet, payload=encode_frame(replace(decode_frame(packet.payload), gyr_lsb=None)))


def test_a_sensor_that_goes_on_without_its_gyroscope_is_counted_on() -> None:
    """Losing the gyroscope within a set costs no repetition and ends in one measure."""
    whole = tops(measured(sent()))
    half = len(sent()) * 2 // 3
    mixed = measured([*sent()[:half], *(without_gyroscope(packet) for packet in sent()[half:])])
    assert len(tops(mixed)) == len(whole)
    assert np.allclose(tops(mixed), whole, atol=1.0)  # anywhere near the top
    assert sum(isinstance(output, SegmentMeasured) for output in mixed) == 1


@given(
    places=st.lists(st.integers(0, 300), min_size=1, max_size=30),
    garbage=st.lists(st.binary(max_size=120), min_size=1, max_size=30),
    flips=st.lists(st.tuples(st.integers(0, 11), st.integers(1, 255)), min_size=1, max_size=30),
)
@settings(max_examples=6, deadline=None)
def test_no_garbage_stops_the_line(places: list[int], garbage: list[bytes], flips: list[tuple[int, int]]) -> None:
    """Wrong bytes, flipped bits, doubled frames and reconnects in between never raise or turn time back."""
    stream: list[Packet | StreamResumed] = []
    for n, packet in enumerate(sent()):
        stream.append(packet)
        if n in places:
            at = places.index(n)
            (byte, mask), raw = flips[at % len(flips)], bytearray(packet.payload)
            raw[byte] ^= mask
            stream += [replace(packet, payload=bytes(raw)), packet, replace(packet, payload=garbage[at % len(garbage)])]
            if mask % 5 == 0:
                stream += [StreamResumed(packet.host_ns, PLACE), without_gyroscope(packet)]
    out = measured(stream)
    assert sum(isinstance(output, SegmentMeasured) for output in out) == 1
    times = [t for output in out if isinstance(output, OrientedBlock) for t in output.t_s.tolist()]
    assert all(a < b for a, b in itertools.pairwise(times))


def test_a_source_that_nobody_listed_is_reported_and_ignored() -> None:
    """A packet of an unknown channel becomes a bad packet that says so; the count stays."""
    stranger = replace(sent()[0], channel="left-thigh")
    out = measured([stranger, *sent()])
    assert next(output for output in out if isinstance(output, BadPacket)).channel == "left-thigh"
    assert tops(out) == tops(measured(sent()))


def test_settings_come_first() -> None:
    """A packet before the settings is a mistake of the caller and says so."""
    with pytest.raises(ValueError, match="SettingsSnapshot first"):
        Pipeline().feed(sent()[0])


def test_a_place_where_nothing_is_worn_measures_nothing():
    """A stretch that was asked of the pelvis counts no zero from a sensor on the thigh."""
    source = SourceSettings(PLACE, PLACE, "virtual", "soma_v1")
    request = SegmentRequest("pelvic_rock", None, "pelvis")
    pipeline = Pipeline()
    out = list(pipeline.feed(SettingsSnapshot(0, SessionSettings((source,), segments=(request,)).to_json())))
    for packet in sent():
        out.extend(pipeline.feed(packet))
    out.extend(pipeline.finish())
    assert [segment for segment in out if isinstance(segment, SegmentMeasured)] == []
    assert any(isinstance(block, OrientedBlock) for block in out)
