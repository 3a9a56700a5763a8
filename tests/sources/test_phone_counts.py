"""A phone measures what a sensor measures: the same simulated movement through both doors of the pipeline."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from sensorsoma.messages import BadPacket, Exercise, Gap, Packet, SegmentMeasured, SettingsSnapshot
from sensorsoma.pipeline import Pipeline
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.simulate.exercise import simulate_exercise
from sensorsoma.simulate.sensor import Samples
from sensorsoma.simulate.stream import encode_soma_v1
from sensorsoma.simulate.stream import packets as ble_packets
from sensorsoma.sources.phone.pushes import PhoneParams, pushes

EPOCH_NS = 1_700_000_000_000_000_000


def worn(exercise: Exercise, seed: int) -> Samples:
    """What the first sensor of a simulated exercise feels, nothing lost on the way."""
    samples = next(iter(simulate_exercise(exercise, side="right", seed=seed, rate_hz=100.0).samples.values()))
    return dataclasses.replace(samples, is_lost=np.zeros_like(samples.is_lost))


def through(packets: Iterable[Packet], decoder: str, exercise: Exercise, samples: Samples, **config: Any) -> list[Any]:
    """Everything that the pipeline gives for these packets."""
    source = SourceSettings(samples.placement, samples.placement, "test", decoder, config=config)
    request = SegmentRequest(exercise, "right", samples.placement)
    pipeline = Pipeline()
    out: list[Any] = []
    settings = SessionSettings(sources=(source,), segments=(request,))
    out += pipeline.feed(SettingsSnapshot(EPOCH_NS, settings.to_json()))
    for packet in packets:
        out += pipeline.feed(packet)
    return [*out, *pipeline.finish()]


def as_phone(samples: Samples, sign: int, seed: int) -> list[Packet]:
    """Pushes of a hasty phone: up to half a second late, overtaking one another, five of them twice."""
    params = PhoneParams(sign=sign, gyr_offset_s=0.0047)
    dice = random.Random(seed)
    sent = pushes(samples.device_t_s, samples.acc_sensor_mps2, samples.gyr_sensor_radps, params)
    arrived = [
        Packet(EPOCH_NS + round((push.send_s + dice.uniform(0.02, 0.5)) * 1e9), samples.placement, push.body)
        for push in [*sent, *dice.sample(sent, 5)]
    ]
    return sorted(arrived, key=lambda packet: packet.host_ns)


def measures(out: list[Any]) -> dict[str, Any]:
    """The one segment's measures."""
    (segment,) = (one for one in out if isinstance(one, SegmentMeasured))
    return dict(segment.measures)


@pytest.mark.parametrize(
    ("exercise", "seed", "sign"), [("clamshell", 1, 1), ("clamshell", 2, -1), ("knee_fall", 3, -1)]
)
def test_a_hasty_phone_gives_the_counts_and_angles_of_a_sensor(exercise: Exercise, seed: int, sign: int) -> None:
    """Same count, and angles within 0.3° of the Bluetooth sensor's, in either convention.

    The closed pose is one moment of rest, and a phone does not take its samples at the same moments as a sensor.
    """
    samples = worn(exercise, seed)
    by_ble = measures(through(ble_packets(samples, encode_soma_v1, epoch_ns=EPOCH_NS), "soma_v1", exercise, samples))
    config = {"sign": "+" if sign > 0 else "-"}
    out = through(as_phone(samples, sign, seed), "sensor_logger", exercise, samples, **config)
    by_phone = measures(out)
    assert not any(isinstance(one, Gap | BadPacket) for one in out)
    assert by_phone["count"] == by_ble["count"]
    for ours, theirs in zip(by_phone.get("reps") or [], by_ble.get("reps") or [], strict=True):
        assert ours["range_deg"] == pytest.approx(theirs["range_deg"], abs=0.3)
        assert ours["partial"] == theirs["partial"]
    for ours, theirs in zip(by_phone.get("falls") or [], by_ble.get("falls") or [], strict=True):
        for name in ("arrival_deg", "final_deg", "sink_deg"):
            assert ours[name] == pytest.approx(theirs[name], abs=0.3)


def test_the_wrong_sign_is_a_mirrored_person() -> None:
    """Why the sign is asked for: taken wrongly, a knee that falls open reads as falling closed by the same angle."""
    samples = worn("knee_fall", 3)
    right = measures(through(as_phone(samples, -1, 3), "sensor_logger", "knee_fall", samples, sign="-"))
    wrong = measures(through(as_phone(samples, -1, 3), "sensor_logger", "knee_fall", samples, sign="+"))
    assert right["falls"][0]["final_deg"] > 30
    assert wrong["falls"][0]["final_deg"] == pytest.approx(-right["falls"][0]["final_deg"], abs=0.1)
