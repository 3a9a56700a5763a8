"""The examples of the pages for makers and phones do what the pages say."""

from __future__ import annotations

import re
import struct
import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from sensorsoma.decode.driver import Learned, Subscribe, Write, perform
from sensorsoma.decode.generic import GenericDecoder
from sensorsoma.decode.sensor_logger import SensorLoggerDecoder
from sensorsoma.decode.sensor_logger_body import FIELDS, parse_body
from sensorsoma.messages import BadPacket, Gap, ImuBlock, Packet

ROOT = Path(__file__).resolve().parents[2]


def example(page: str, name: str) -> str:
    """The code block that follows a marker."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.search(rf"<!-- example {name} -->\n```\w*\n(.*?)\n```", text, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_body_of_the_phones_page_reads_as_it_says() -> None:
    """Two readings 10 ms apart, no gravity, so nothing comes out but one hint."""
    body = example("firmware_notes/sensor_logger.md", "body").encode()
    first, second = parse_body(body).readings
    assert second.time_ns - first.time_ns == 10_000_000
    assert [round(value, 4) for value in first.values] == [0.0611, -0.001, -0.1038]
    page = (ROOT / "firmware_notes/sensor_logger.md").read_text(encoding="utf-8")
    assert all(f"`{sensor}`" in page for sensor in FIELDS)
    assert SensorLoggerDecoder("belly", 0, {}).feed(Packet(0, "belly", body)) == ()


def pebble() -> dict[str, Any]:
    """The file of the makers' page."""
    scope: dict[str, Any] = {}
    exec(example("docs/makers.md", "decoder"), scope)
    return scope


def test_the_decoder_of_the_makers_page_works() -> None:
    """It gives samples in SI units at the estimated rate, a gap, and bad packets, and survives a restart."""
    decoder = pebble()["PebbleDecoder"]("pelvis", 0, {})
    out: list[Any] = []
    for index in [*range(100), *range(150, 200), 5]:
        out += decoder.feed(Packet(10_000_000 * index + (index == 5) * 3_000_000_000, "pelvis",
                                   struct.pack("<Ihhh", 500 + 10 * index, 0, 0, 4096)))  # fmt: skip
    out += decoder.feed(Packet(4_000_000_000, "pelvis", b"abc"))
    blocks = [one for one in out if isinstance(one, ImuBlock)]
    assert len(blocks) == 151
    np.testing.assert_allclose(blocks[-1].acc_sensor_mps2, [[0.0, 0.0, 9.80665]])
    assert abs(blocks[149].rate_hz - 100) < 1
    assert [one.reason for one in out if isinstance(one, Gap)] == ["lost_packets", "clock_restart"]
    assert [one.reason for one in out if isinstance(one, BadPacket)] == ["expected 10 bytes, found 3"]
    decoder.resumed(0)
    assert decoder.finish() == ()


def test_the_clock_of_the_makers_page_comes_round() -> None:
    """Its milliseconds go past 2**32 in even steps, without a gap; a sample that comes twice there is still dropped."""
    decoder = pebble()["PebbleDecoder"]("pelvis", 0, {})
    out: list[Any] = []
    for index in [*range(60), 59, *range(60, 120)]:
        payload = struct.pack("<Ihhh", (2**32 - 595 + 10 * index) % 2**32, index, 0, 4096)
        out += decoder.feed(Packet(1_000_000_000 + 10_000_000 * index, "pelvis", payload))
    assert {type(one) for one in out} == {ImuBlock}
    assert len(out) == 120
    np.testing.assert_allclose(np.diff([one.t_s[0] for one in out]), 0.01, atol=1e-4)


def test_the_driver_of_the_makers_page_works() -> None:
    """It is recognised by its name, stops before it starts, and has no gyroscope."""
    scope = pebble()
    driver = scope["PebbleDecoder"].driver
    assert driver.is_heard_in("Pebble 7", ())
    assert not driver.is_heard_in("Stone", ())
    assert not driver.sees_rotation("Pebble 7")
    steps, learned = perform(driver.start({}), lambda _step: None)
    control, data = scope["CONTROL_UUID"], scope["DATA_UUID"]
    assert steps == [Write(control, b"\x00"), Subscribe(data), Write(control, b"\x01")]
    assert learned == Learned()
    assert perform(driver.stop({}), lambda _step: None) == ([Write(control, b"\x00")], Learned())


def test_the_board_of_the_makers_page_is_one() -> None:
    """The table can be copied into a config file as it stands."""
    table = tomllib.loads(example("docs/makers.md", "board"))["boards"]["nano"]
    (block,) = GenericDecoder("pelvis", 0, table).feed(Packet(0, "pelvis", struct.pack("<I6h", 9, 0, 0, 8192, 0, 0, 0)))
    assert isinstance(block, ImuBlock)
    np.testing.assert_allclose(block.acc_sensor_mps2, [[0.0, 0.0, 9.80665]])
