"""Ten minutes of practice through a phone: what it gives is what the Bluetooth sensor gave of the same movement."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import httpx
import numpy as np
import pytest

from sensorsoma.clock import Clock
from sensorsoma.messages import (
    Gap,
    ImuBlock,
    Packet,
    SegmentMeasured,
    SettingsSnapshot,
    StreamInterrupted,
)
from sensorsoma.pipeline import Pipeline
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.simulate.practice import simulate_practice
from sensorsoma.simulate.stream import encode_soma_v1
from sensorsoma.simulate.stream import packets as ble_packets
from sensorsoma.sources.phone.pushes import PhoneParams, pushes
from sensorsoma.sources.phone.sensor_logger import SensorLoggerSource

pytestmark = [pytest.mark.link, pytest.mark.soak]

EPOCH_NS = 1_700_000_000_000_000_000
WORD = "a-secret-word"


class SteppedClock(Clock):
    """A clock that stands at the moment of the push that is being sent: ten minutes pass as fast as HTTP is."""

    def __init__(self) -> None:
        super().__init__(start_ns=EPOCH_NS)
        self._now_ns = EPOCH_NS

    def now_ns(self) -> int:
        return self._now_ns

    def step_to(self, now_ns: int) -> None:
        self._now_ns = now_ns


def practice(placement: str) -> Any:
    """About ten minutes of a practice with nothing lost on the way."""
    simulation = simulate_practice("hips-and-core", seed=11, dose=0.5, rate_hz=100.0, placements=(placement,))
    samples = simulation.samples[placement]
    samples.is_lost[:] = False
    requests = tuple(
        SegmentRequest(stretch.exercise, stretch.side, placement, stretch.start_s, stretch.end_s)
        for stretch in simulation.truth.stretches
        if stretch.exercise in ("clamshell", "knee_fall", "pelvic_rock")
        and (stretch.side is None or placement == "belly" or placement.startswith(stretch.side))
    )
    return samples, requests


def measured(inputs: list[Any], decoder: str, placement: str, requests: Any, **config: Any) -> list[Any]:
    """Segments that the pipeline measures of these inputs; gaps must not appear."""
    source = SourceSettings(placement, placement, "test", decoder, config=config)
    pipeline = Pipeline()
    out = list(pipeline.feed(SettingsSnapshot(EPOCH_NS, SessionSettings((source,), segments=requests).to_json())))
    for message in inputs:
        out += pipeline.feed(message)
    out += pipeline.finish()
    assert not [one for one in out if isinstance(one, Gap)]
    assert sum(len(one.t_s) for one in out if isinstance(one, ImuBlock)) > 40_000
    return [one for one in out if isinstance(one, SegmentMeasured)]


async def through_http(samples: Any, sign: int) -> list[Any]:
    """What the server puts when a hasty phone pushes all of it: real HTTP, late, out of order, some of it twice."""
    clock = SteppedClock()
    source = SensorLoggerSource({samples.placement: WORD}, clock, port=0, host="127.0.0.1")
    put: list[Any] = []
    task = asyncio.create_task(source.run(put.append))
    while not put:  # noqa: ASYNC110 - until the server says that it listens
        await asyncio.sleep(0.01)
    dice = random.Random(4)
    sent = pushes(samples.device_t_s, samples.acc_sensor_mps2, samples.gyr_sensor_radps, PhoneParams(0.5, sign=sign))
    late = sorted(
        ((push.send_s + dice.uniform(0.02, 0.9), push.body) for push in [*sent, *dice.sample(sent, 30)]),
        key=lambda entry: entry[0],
    )
    async with httpx.AsyncClient(timeout=30) as phone:
        url = source.url(samples.placement)
        assert (await phone.post(url.replace(WORD, "another-word"), content=b"{}")).status_code == 403
        for send_s, body in late:
            clock.step_to(EPOCH_NS + round(send_s * 1e9))
            assert (await phone.post(url, content=body)).status_code == 200
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return [message for message in put if isinstance(message, Packet | StreamInterrupted)]


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("placement", "sign"),
    [("right-thigh", -1), ("belly", 1)],
)
def test_ten_minutes_through_a_phone_give_the_same_counts_and_angles(placement, sign):
    """Counts are equal and every angle is within one degree, in both sign conventions, on thigh and belly."""
    samples, requests = practice(placement)
    assert samples.device_t_s[-1] > 400
    ble = list(ble_packets(samples, encode_soma_v1, epoch_ns=EPOCH_NS))
    wanted = measured(ble, "soma_v1", placement, requests)
    arrived = asyncio.run(through_http(samples, sign))
    assert not [message for message in arrived if isinstance(message, StreamInterrupted)]
    got = measured(arrived, "sensor_logger", placement, requests, sign="+" if sign > 0 else "-")
    assert [segment.exercise for segment in got] == [segment.exercise for segment in wanted]
    assert len(got) >= 4
    assert [segment.measures.get("count") for segment in got] == [segment.measures.get("count") for segment in wanted]
    angles = [(a, b) for ours, theirs in zip(got, wanted, strict=True) for a, b in pairs(ours, theirs)]
    assert len(angles) >= (8 if placement == "right-thigh" else 0)
    np.testing.assert_allclose([a for a, _ in angles], [b for _, b in angles], atol=1.0)


def pairs(ours: Any, theirs: Any) -> list[tuple[float, float]]:
    """Angles of two segments, side by side."""
    names = {
        "reps": ("range_deg",),
        "falls": ("arrival_deg", "final_deg", "sink_deg"),
        "cycles": ("anterior_deg", "posterior_deg"),
    }
    found = []
    for kind, fields in names.items():
        for a, b in zip(ours.measures.get(kind) or (), theirs.measures.get(kind) or (), strict=True):
            found += [(a[name], b[name]) for name in fields if a[name] is not None and b[name] is not None]
    return found
