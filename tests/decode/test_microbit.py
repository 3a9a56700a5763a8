"""BBC micro:bit: six bytes of acceleration, no clock, no gyroscope."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vectors import by_id

from sensorsoma.decode import DECODERS, drivers
from sensorsoma.decode.driver import Learned, Read, Step, Subscribe, Write, perform
from sensorsoma.decode.microbit import (
    DATA_UUID,
    DRIVER,
    LSB_PER_G,
    PERIOD_UUID,
    SERVICE_UUID,
    MicrobitDecoder,
    parse_sample,
    start,
)
from sensorsoma.errors import LinkError
from sensorsoma.messages import BadPacket, Gap, ImuBlock, Packet
from sensorsoma.units import STANDARD_GRAVITY_MPS2

ROOT = Path(__file__).resolve().parents[2]
VECTORS = by_id("microbit")
FACE_UP = np.array([0, 0, -1024], "<i2").tobytes()


def sample_packets() -> list[bytes]:
    """A second of good packets."""
    return [np.array([i, 500 - i, 900], "<i2").tobytes() for i in range(50)]


def decode(every: list[Packet], config: dict[str, Any] | None = None) -> list[Any]:
    decoder = MicrobitDecoder("x", 0, config)
    return [item for packet in every for item in decoder.feed(packet)]


def packets(n: int, period_s: float = 0.02, first: int = 0) -> list[Packet]:
    return [Packet(round((1 + i * period_s) * 1e9), "x", FACE_UP) for i in range(first, first + n)]


def test_the_known_bytes() -> None:
    """The computed sample of the table; its "milli-g" are counts of which 1024 make one g."""
    entry = VECTORS["microbit-acc"]
    payload, expected = bytes.fromhex(entry["hex"]), entry["expected"]
    assert parse_sample(payload).tolist() == [expected["acc_mg"]]
    assert entry["characteristic"] == DATA_UUID
    (block,) = decode([Packet(10**9, "x", payload)])
    acc_g = block.acc_sensor_mps2[0] / STANDARD_GRAVITY_MPS2
    np.testing.assert_allclose(acc_g, np.array(expected["acc_mg"]) / LSB_PER_G)
    np.testing.assert_allclose(acc_g, expected["acc_g"], rtol=0.024)
    assert block.gyr_sensor_radps is None


def test_the_period_command() -> None:
    """20 ms are asked for, as the table has it, then the samples."""
    entry = VECTORS["microbit-period-20ms"]
    steps, learned = perform(start({}), lambda step: b"\x14\x00" if isinstance(step, Read) else None)
    assert steps == [
        Write(entry["characteristic"], bytes.fromhex(entry["hex"])), Read(PERIOD_UUID, is_optional=True),
        Subscribe(DATA_UUID),
    ]  # fmt: skip
    assert learned == Learned({"period_ms": entry["expected"]["period_ms"]})
    assert set(VECTORS) == {"microbit-acc", "microbit-period-20ms"}


def test_the_worked_example_of_the_page() -> None:
    """A board that lies face up, as the page shows it: +1 g out of the back is minus one out of the front."""
    page = (ROOT / "firmware_notes" / "microbit.md").read_text(encoding="utf-8")
    (hexa,) = re.findall(r"<!-- example sample -->\n```\n([0-9a-f\s]+)```", page)
    (block,) = decode([Packet(0, "x", bytes.fromhex(hexa))])
    np.testing.assert_allclose(block.acc_sensor_mps2 / STANDARD_GRAVITY_MPS2, [[0.0117, -0.0352, -0.9961]], atol=1e-4)


def test_the_page_names_every_characteristic() -> None:
    """A maker finds the service and both characteristics in the page."""
    page = (ROOT / "firmware_notes" / "microbit.md").read_text(encoding="utf-8")
    assert all(uuid in page for uuid in (SERVICE_UUID, DATA_UUID, PERIOD_UUID))


@pytest.mark.parametrize(("rate_hz", "period"), [(50, 20), (100, 10), (1000, 10), (12, 83), (0.1, 640)])
def test_the_period_that_crashes_the_board_is_never_asked_for(rate_hz: float, period: int) -> None:
    """Whatever the config wishes, the period stays between 10 and 640 ms."""
    steps, learned = perform(start({"rate_hz": rate_hz}), lambda _step: None)
    assert steps[0] == Write(PERIOD_UUID, period.to_bytes(2, "little"))
    assert learned.config == {"period_ms": period}


@pytest.mark.parametrize("refused", [Write, Subscribe])
def test_a_board_that_wants_pairing_is_answered_with_what_to_do(refused: type[Step]) -> None:
    """The refusal of an encrypted characteristic becomes a sentence about the program on the board."""
    script = start({})
    step = next(script)
    while not isinstance(step, refused):
        step = script.send(None)
    with pytest.raises(LinkError, match="No Pairing Required"):
        script.throw(LinkError("insufficient authentication"))


def test_samples_are_evenly_spaced_through_bursts() -> None:
    """Notifications that come two at a time are still 20 ms apart, at the rate that the board told."""
    every = packets(400)
    bunched = [Packet(every[min(i | 1, 399)].host_ns, "x", packet.payload) for i, packet in enumerate(every)]
    blocks = decode(bunched, {"period_ms": 20})
    steps = np.diff(np.concatenate([block.t_s for block in blocks]))
    np.testing.assert_allclose(steps[100:], 0.02, atol=0.002)
    assert blocks[-1].rate_hz == pytest.approx(50, rel=0.01)
    np.testing.assert_allclose(blocks[-1].acc_sensor_mps2, [[0, 0, -STANDARD_GRAVITY_MPS2]])


def test_a_board_that_is_slower_than_it_says_is_measured() -> None:
    """Told 20 ms, sent every 31 ms: after three seconds the time line is the true one."""
    blocks = [item for item in decode(packets(600, 0.031), {"period_ms": 20}) if isinstance(item, ImuBlock)]
    assert blocks[-1].rate_hz == pytest.approx(1 / 0.031, rel=0.01)
    assert blocks[-1].t_s[-1] == pytest.approx(1 + 599 * 0.031, abs=0.05)


def test_a_lost_link_is_one_gap() -> None:
    """The hole is told with its reason, and time goes on."""
    decoder = MicrobitDecoder("x", 0, {})
    out: list[Any] = [item for packet in packets(100) for item in decoder.feed(packet)]
    decoder.resumed(10**10)
    out += [item for packet in packets(100, first=450) for item in decoder.feed(packet)]
    (gap,) = [item for item in out if isinstance(item, Gap)]
    assert (gap.reason, gap.n_lost) == ("link_lost", None)
    assert gap.end_s == pytest.approx(10, abs=0.05)
    assert decoder.finish() == ()


@given(st.binary(max_size=24))
def test_any_bytes_are_survived(payload: bytes) -> None:
    """Six bytes are a sample, everything else is a bad packet."""
    (item,) = decode([Packet(0, "x", payload)])
    assert isinstance(item, ImuBlock if len(payload) == 6 else BadPacket)


def test_it_is_recognised_and_known_to_have_no_gyroscope() -> None:
    """By its name, in the scan; and the tables know it."""
    assert DRIVER.is_heard_in("BBC micro:bit [zatig]", ())
    assert not DRIVER.sees_rotation("BBC micro:bit [zatig]")
    assert DECODERS["microbit"].endswith(":MicrobitDecoder")
    assert drivers()["microbit"] is DRIVER
