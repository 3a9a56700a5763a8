"""Boards of one's own: what their tables may say, lines and packed numbers, clocks and counts, two virtual boards."""

from __future__ import annotations

import json
import re
import struct
import tomllib
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.decode import DECODERS, drivers
from sensorsoma.decode.base import make_decoder
from sensorsoma.decode.driver import Learned, Read, Step, Subscribe, Write, perform
from sensorsoma.decode.generic import DRIVER, GenericDecoder, driver_for, sensiml_columns, start, stop
from sensorsoma.decode.generic_board import (
    FIELDS,
    KEYS,
    SENSIML_CONFIG_UUID,
    SENSIML_DATA_UUID,
    SENSIML_SERVICE_UUID,
    UART_FROM_BOARD_UUID,
    UART_TO_BOARD_UUID,
    parse_board,
)
from sensorsoma.errors import InputFileError, LinkError
from sensorsoma.messages import BadPacket, Gap, ImuBlock, Packet
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2
from sensorsoma.virtual.devices.base import VirtualDevice
from sensorsoma.virtual.devices.generic import PackingBoard, WritingBoard
from sensorsoma.virtual.waveform import StillWaveform

NOTES = Path(__file__).resolve().parents[2] / "firmware_notes" / "generic.md"
WHERE = "[boards.nano] in config.toml"
DATA = "19b10001-e8f2-537e-4f6c-d104768a1214"
AXES = ["ax", "ay", "az", "gx", "gy", "gz"]
PACKED: dict[str, Any] = {
    "name": "Nano", "format": "struct", "characteristic": DATA, "layout": "<I6h", "fields": ["t_ms", *AXES],
    "acc_unit": "g", "acc_scale": 4 / 32768, "gyr_unit": "dps", "gyr_scale": 2000 / 32768,
}  # fmt: skip
LINES: dict[str, Any] = {
    "name": "Xiao", "format": "text", "fields": ["t_ms", *AXES], "acc_unit": "mps2", "gyr_unit": "radps"
}  # fmt: skip
BATCHED: dict[str, Any] = {
    "name": "Bat", "format": "struct", "characteristic": DATA, "head": "<IH", "head_fields": ["t_us", "n"],
    "layout": "<3h", "fields": ["ax", "ay", "az"], "acc_unit": "mg", "rate_hz": 100, "samples_per_packet": 5,
}  # fmt: skip


def without(table: Mapping[str, Any], *keys: str, **other: Any) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in keys} | other


def packed(ms: int, number: int = 0) -> bytes:
    """A sample at a time of the board's clock."""
    return struct.pack("<I6h", ms % 2**32, number, 0, 8192, 0, 0, 0)


def line(ms: int, number: int = 0) -> bytes:
    return f"{ms % 2**32},{number},0,9.81,0.1,-0.2,0\n".encode()


def batch(number: int, first_us: int | None = None) -> bytes:
    """Five samples at 100 Hz whose x tells their number."""
    at_us = number * 10_000 if first_us is None else first_us
    rows = [((number + i) % 30_000, 0, 1000) for i in range(5)]
    return struct.pack("<IH", at_us % 2**32, number % 65536) + b"".join(struct.pack("<3h", *row) for row in rows)


def decode(table: Mapping[str, Any], every: list[tuple[float, bytes]]) -> list[Any]:
    decoder = GenericDecoder("x", 0, dict(table))
    return [item for at_s, payload in every for item in decoder.feed(Packet(round(at_s * 1e9), "x", payload))]


def of(kind: type, out: list[Any]) -> list[Any]:
    return [item for item in out if isinstance(item, kind)]


def column(out: list[Any], axis: int = 0) -> list[float]:
    """One axis of acceleration of all samples."""
    return [value for block in of(ImuBlock, out) for value in block.acc_sensor_mps2[:, axis].tolist()]


def times(out: list[Any]) -> Any:
    return np.concatenate([block.t_s for block in of(ImuBlock, out)])


def sample_config() -> dict[str, Any]:
    """The board that `sample_packets` comes from."""
    return dict(PACKED)


def sample_packets() -> list[bytes]:
    """A second of good packets."""
    return [packed(1000 + 20 * i, i) for i in range(50)]


# ----------------------------------------------------------------------------------------------- what a table says


@pytest.mark.parametrize("table", [PACKED, LINES, BATCHED, PackingBoard.table, WritingBoard.table])
def test_good_tables_are_read(table: dict[str, Any]) -> None:
    """Every table that is used here describes a board, and survives JSON as a recording keeps it."""
    board = parse_board(table, WHERE)
    assert board == parse_board(json.loads(json.dumps(table)), WHERE)
    assert board.tick_s is not None


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("nano", r"Expected a table \[boards.nano\] in config.toml, found 'nano'"),
        (
            without(PACKED, lay_out="<h"),
            r"^In \[boards.nano\] in .*, the key 'lay_out' .*; did you mean layout\?$",
        ),
        (without(PACKED, "format"), "format is missing; expected one of text, struct, sensiml"),
        (without(PACKED, format="csv"), "format is 'csv'; expected one of"),
        (without(PACKED, "name"), "name and service are both missing"),
        (without(PACKED, "layout"), "layout is missing; expected a struct layout such as <6h"),
        (without(PACKED, layout="<I6z"), "a struct layout such as <I6h, of the codes"),
        (without(PACKED, layout="<I5h"), r"layout has 6 numbers but fields names 7; each number"),
        (without(PACKED, layout="@I6h"), "layout is '@I6h'; expected a struct layout"),
        (without(PACKED, "characteristic"), "the UUID of the characteristic that notifies"),
        (without(PACKED, characteristic="data"), "a UUID such as"),
        (without(PACKED, "fields"), "names of the numbers in order"),
        (
            without(PACKED, fields=["t_ms", "ax", "ay", "az", "gx", "gy", "gyroz"]),
            "'gyroz', which is not known",
        ),
        (
            without(PACKED, fields=["t_ms", "ax", "ay", "az", "ax", "gy", "gz"]),
            "'ax', which stands there twice",
        ),
        (without(PACKED, fields=["t_ms", "ax", "ay", "_", "gx", "gy", "gz"]), "ax, ay and az among the names"),
        (without(PACKED, fields=["t_ms", *AXES[:5], "_"]), "all of gx, gy and gz among the names, or none"),
        (without(PACKED, fields=["t_ms", *AXES[:3], "t_us", "_", "_"]), "more than one time"),
        (without(PACKED, fields=["-t_ms", *AXES]), r"fields holds '-t_ms', which is not known; did you mean t_ms\?$"),
        (without(PACKED, fields=["t", *AXES]), "the seconds of one count of t"),
        (without(PACKED, "acc_unit"), "acc_unit is missing; expected one of mps2, g, mg"),
        (without(PACKED, "gyr_unit"), "gyr_unit is missing; expected one of radps, dps, mdps"),
        (without(PACKED, acc_scale=0), r"acc_scale is 0; expected how much of the unit one count is, not 0\.$"),
        (without(PACKED, acc_scale=float("nan")), "acc_scale is nan"),
        (without(PACKED, rate_hz=-5), "rate_hz is -5; expected a number above 0 and at most 4000"),
        (without(PACKED, samples_per_packet=0), "samples_per_packet is 0; expected a whole number from 1 to 255"),
        (without(PACKED, start="01"), "control is missing; expected the characteristic that takes start and stop"),
        (without(PACKED, start="go", control=DATA), "bytes in hex"),
        (without(PACKED, line_per_packet="yes"), "line_per_packet is 'yes'; expected true or false"),
        (without(PACKED, layout="<6h", fields=AXES), "the samples per second, about, since no field is a time"),
        (without(BATCHED, "rate_hz"), "since a packet has one time for several"),
        (without(BATCHED, "head"), "the struct layout of head_fields"),
        (without(BATCHED, head_fields=["t_us", "gx"]), "only a time, n and _"),
        (without(LINES, layout="<6h"), 'layout belongs to format = "struct", but format is "text"'),
        (without(LINES, fields="t_ms,ax,ay,az"), "names of the numbers in order"),
        (without(LINES, fields=["_"] * 70 + AXES), "name 76 numbers; at most 64 are read"),
    ],
)
def test_a_mistake_in_a_table_is_one_sentence(table: Any, sentence: str) -> None:
    """It names the key and the table, what was expected and what was found."""
    with pytest.raises(InputFileError, match=sentence) as caught:
        parse_board(table, WHERE)
    assert "\n" not in str(caught.value)


def test_short_uuids_are_those_of_the_air() -> None:
    """Sketches with 16-bit UUIDs are reached by the long form that the radio sees."""
    board = parse_board(without(PACKED, characteristic="2101"), WHERE)
    assert board.characteristic == "00002101-0000-1000-8000-00805f9b34fb"


@pytest.mark.parametrize(
    ("table", "wrap"),
    [
        (PACKED, 2**32),
        (without(PACKED, layout="<H6h"), 2**16),
        (without(PACKED, layout="<Q6h"), None),
        (without(PACKED, layout="<f6h"), None),
        (without(PACKED, time_wrap=1000), 1000),
        (without(LINES, time_wrap=0), None),
        (LINES, 2**32),
        (without(LINES, fields=["t_s", *AXES]), None),
    ],
)
def test_when_a_clock_comes_round_follows_from_its_field(table: dict[str, Any], wrap: int | None) -> None:
    """The width of a packed time, 32 bits for Arduino's milliseconds in a line, or what the table says."""
    assert parse_board(table, WHERE).time_wrap == wrap


def test_the_examples_of_the_page_are_boards_and_decode_as_it_says() -> None:
    """Every table in the page is valid, and the hex and the lines beside them give the printed numbers."""
    page = NOTES.read_text(encoding="utf-8")
    blocks = dict(re.findall(r"<!-- example ([\w-]+) -->\n```\w*\n(.*?)```", page, re.DOTALL))
    tables = {name: next(iter(tomllib.loads(text)["boards"].values())) for name, text in blocks.items()
              if "[boards." in text}  # fmt: skip
    for name, table in tables.items():
        parse_board(table, name)
    assert len(tables) >= 4
    (block,) = decode(tables["packed"], [(1, bytes.fromhex(blocks["packed-bytes"]))])
    np.testing.assert_allclose(block.acc_sensor_mps2 / STANDARD_GRAVITY_MPS2, [[0.01, -0.02, 1.0]], atol=2e-4)
    np.testing.assert_allclose(block.gyr_sensor_radps / DEG, [[1.0, -2.0, 0.0]], atol=0.04)
    (block,) = decode(tables["lines"], [(1, b"\n" + blocks["lines-text"].encode())])
    np.testing.assert_allclose(block.acc_sensor_mps2, [[0.12, -0.31, 9.79], [0.11, -0.3, 9.8]])
    np.testing.assert_allclose(np.diff(block.t_s), [0.02])
    (block,) = decode(tables["batched"], [(1, bytes.fromhex(blocks["batched-bytes"]))])
    np.testing.assert_allclose(np.diff(block.t_s), [0.01])
    assert block.acc_sensor_mps2.shape == (2, 3)


def test_the_page_names_every_key_and_field() -> None:
    """What a table may say is in the page, and nothing else is needed to write one."""
    page = NOTES.read_text(encoding="utf-8")
    assert [word for word in (*KEYS, *FIELDS) if f"`{word}`" not in page] == []


# ------------------------------------------------------------------------------------------------------- the bytes


def test_units_scales_and_turned_axes() -> None:
    """Counts become SI units; an axis with a minus sign is turned, and a negative scale turns gravity the right way."""
    table = without(PACKED, fields=["t_ms", "-ay", "ax", "az", "gx", "gy", "-gz"], acc_scale=-4 / 32768)
    payload = struct.pack("<I6h", 0, 100, 200, -8192, 1000, 0, 500)
    (block,) = decode(table, [(1, payload)])
    acc_g, gyr_dps = block.acc_sensor_mps2 / STANDARD_GRAVITY_MPS2, block.gyr_sensor_radps / DEG
    np.testing.assert_allclose(acc_g, [[-200 * 4 / 32768, 100 * 4 / 32768, 1.0]])
    np.testing.assert_allclose(gyr_dps, [[1000 * 2000 / 32768, 0, -500 * 2000 / 32768]])


@pytest.mark.parametrize("order", ["<", ">"])
def test_every_code_of_a_layout_is_read(order: str) -> None:
    """Padding, integers of all sizes and floats, in either byte order."""
    layout = f"{order}xbBhHiIqQefd3h"
    fields = ["_"] * 11 + ["ax", "ay", "az"]
    table = without(PACKED, "gyr_unit", "gyr_scale", layout=layout, fields=fields, rate_hz=50, acc_scale=1.0)
    payload = struct.pack(layout, -1, 2, -3, 4, -5, 6, -7, 8, 0.5, 1.5, 2.5, 10, -20, 30)
    (block,) = decode(table, [(1, payload)])
    np.testing.assert_allclose(block.acc_sensor_mps2 / STANDARD_GRAVITY_MPS2, [[10, -20, 30]])


def test_several_samples_in_a_packet() -> None:
    """As many rows as are there, each with its own time."""
    out = decode(PACKED, [(1 + i / 10, b"".join(packed(100 * i + 20 * k) for k in range(5))) for i in range(20)])
    assert len(times(out)) == 100
    np.testing.assert_allclose(np.diff(times(out))[20:], 0.02, atol=2e-3)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "found no bytes"),
        (packed(0)[:15], "expected 16 bytes for 1 samples, found 15"),
        (packed(0) + b"x", "expected 16 bytes for 1 samples, found 17"),
        (packed(0) + packed(20)[:4], r"found 20; was it cut at the MTU of 23\?"),
    ],
)
def test_a_wrong_length_is_a_bad_packet(payload: bytes, reason: str) -> None:
    """It says what was expected, and guesses the commonest cause."""
    (bad,) = decode(PACKED, [(1, payload)])
    assert isinstance(bad, BadPacket)
    assert re.search(reason, bad.reason)


def test_numbers_that_are_none_are_left_out() -> None:
    """NaN from a failed read is told and does not reach the filters; the rows around it are used."""
    table = without(PACKED, layout="<I6f", acc_scale=1.0, gyr_scale=1.0)
    rows = [struct.pack("<I6f", 20 * i, np.nan if i == 2 else 0, 0, 1, 0, 0, 0) for i in range(5)]
    out = decode(table, [(1, b"".join(rows))])
    assert len(times(out)) == 4
    assert [bad.reason for bad in of(BadPacket, out)] == ["expected finite numbers, found 1 rows with others"]


@given(cuts=st.lists(st.integers(1, 900), max_size=40))
@settings(max_examples=50, deadline=None)
def test_lines_may_be_cut_anywhere(cuts: list[int]) -> None:
    """Wherever notifications end, the lines after the first are the samples."""
    stream = b"".join(line(1000 + 20 * i, i) for i in range(30))
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    out = decode(LINES, [(1 + n / 50, stream[begin:end]) for n, (begin, end) in enumerate(pairwise(edges))])
    assert column(out) == list(range(1, 30))
    assert of(BadPacket, out) == []


def test_the_first_line_is_passed_over() -> None:
    """A line that was heard from its middle looks whole and is wrong: 1234 becomes 34."""
    out = decode(LINES, [(1, line(1234)[2:]), (1.02, line(1254, 1)), (1.04, line(1274, 2))])
    assert column(out) == [1, 2]
    assert of(Gap, out) == []


def test_a_board_that_sends_one_line_in_each_notification_needs_no_line_ends() -> None:
    """Text characteristics of simple sketches: the packet is the line, the first one too."""
    table = without(LINES, line_per_packet=True, fields=["ax", "ay", "az"], rate_hz=50, characteristic=DATA)
    out = decode(table, [(1 + i / 50, f"{i}; 0; 9.8".encode()) for i in range(10)])
    assert column(out) == list(range(10))


@pytest.mark.parametrize("text", [b"hello\n", b"1,2,3\n", b"1,2,3,4,5,6,x\n", b"1,2,3,4,5,6,7,8\n"])
def test_other_lines_are_told_and_passed_over(text: bytes) -> None:
    """Debug prints of a sketch do not stop the stream."""
    out = decode(LINES, [(1, b"\n" + line(0, 1) + text + line(20, 2))])
    assert column(out) == [1, 2]
    (bad,) = of(BadPacket, out)
    assert bad.reason.startswith("expected lines of 7 numbers, found")


def test_a_stream_without_line_ends_is_not_kept() -> None:
    """Memory stays small, and lines after it are found again."""
    decoder = GenericDecoder("x", 0, LINES)
    out: list[Any] = []
    for i in range(100):
        out += decoder.feed(Packet(i, "x", b"\xff" * 100))
    assert len(of(BadPacket, out)) > 10
    out = [*decoder.feed(Packet(10**9, "x", b"\n" + line(0, 5))), *decoder.feed(Packet(2 * 10**9, "x", line(20, 6)))]
    assert column(out) == [5, 6]


# ------------------------------------------------------------------------------------------------ clocks and counts


def at_50_hz(numbers: list[int], start_ms: int = 0) -> list[tuple[float, bytes]]:
    return [(10 + i / 50, packed(start_ms + 20 * i, i)) for i in numbers]


def test_a_clock_that_comes_round_is_no_gap() -> None:
    """Arduino's milliseconds pass 2**32 and time goes on."""
    out = decode(PACKED, at_50_hz(list(range(400)), start_ms=2**32 - 4000))
    assert of(Gap, out) == []
    np.testing.assert_allclose(np.diff(times(out)), 0.02, atol=2e-3)


def test_a_small_clock_survives_a_silence_longer_than_itself() -> None:
    """16 bits of milliseconds are 65 s: after 100 s without a sample, arrival tells how often it came round."""
    table = without(PACKED, layout="<H6h")
    every = [(10 + ms / 1000, struct.pack("<H6h", ms % 65536, 0, 0, 8192, 0, 0, 0))
             for ms in [*range(0, 4000, 20), *range(104000, 108000, 20)]]  # fmt: skip
    (gap,) = of(Gap, decode(table, every))
    assert gap.reason == "lost_packets"
    assert gap.end_s - gap.start_s == pytest.approx(100.02, abs=0.05)


def test_twice_and_late_samples_are_dropped() -> None:
    """Time never goes back; what came late or twice is told."""
    order = [0, 1, 2, 2, 4, 3, 5, 6]
    out = decode(PACKED, [(10 + n / 50, packed(20 * i, i)) for n, i in enumerate(order)])
    scale = 4 / 32768 * STANDARD_GRAVITY_MPS2
    np.testing.assert_allclose(np.array(column(out)) / scale, [0, 1, 2, 4, 5, 6])
    assert len(of(BadPacket, out)) == 2


def test_lost_samples_are_a_gap() -> None:
    """A hole in the board's time is a hole in ours."""
    out = decode(PACKED, at_50_hz([*range(100), *range(150, 200)]))
    (gap,) = of(Gap, out)
    assert (gap.reason, gap.n_lost) == ("lost_packets", None)
    assert gap.end_s - gap.start_s == pytest.approx(51 / 50, abs=0.01)


def test_a_nonsense_time_does_not_poison_the_rest() -> None:
    """One packet with a flipped bit costs itself and two gaps; afterwards samples lie right again."""
    every = at_50_hz(list(range(300)))
    every[150] = (every[150][0], packed(20 * 150 + 2**30, 150))
    out = decode(PACKED, every)
    assert len(times(out)) == 300
    assert [gap.reason for gap in of(Gap, out)] == ["clock_restart", "clock_restart"]
    assert times(out)[-1] == pytest.approx(10 + 299 / 50, abs=0.1)


def test_times_that_a_float_cannot_tell_apart_are_dropped() -> None:
    """Whatever a board says of its time, reading it never fails: what does not advance in seconds counts as twice."""
    close = b"1000.0000000000001,0,0,9.81,0,0,0\n1000.0000000000002,1,0,9.81,0,0,0\n1020,2,0,9.81,0,0,0\n"
    out = decode(LINES, [(1.0, b"half a line\n"), (1.1, close)])
    assert column(out) == [0, 2]
    assert len(of(BadPacket, out)) == 1
    far = {**BATCHED, "head": "<d", "head_fields": ["t_s"]}
    rows = struct.pack("<3h", 0, 0, 1000) * 5
    out = decode(far, [(1.0, struct.pack("<d", 9e14) + rows), (1.1, struct.pack("<d", 9e14 + 0.125) + rows)])
    assert np.all(np.diff(times(out)) > 0)
    assert len(of(BadPacket, out)) == 2


def test_a_board_that_was_switched_off_and_on_begins_a_new_clock() -> None:
    """After the reconnect its milliseconds begin at zero: a restart, placed by arrival."""
    decoder = GenericDecoder("x", 0, PACKED)
    out: list[Any] = []
    for at_s, payload in at_50_hz(list(range(200)), start_ms=500_000):
        out += decoder.feed(Packet(round(at_s * 1e9), "x", payload))
    decoder.resumed(round(20e9))
    for i in range(100):
        out += decoder.feed(Packet(round((20 + i / 50) * 1e9), "x", packed(20 * i)))
    (gap,) = of(Gap, out)
    assert gap.reason == "clock_restart"
    assert gap.end_s == pytest.approx(20, abs=0.05)
    assert decoder.finish() == decoder.finish() == ()


def test_a_board_whose_clock_went_on_is_a_lost_link() -> None:
    """Without a restart the hole is the link's, and time is the board's."""
    decoder = GenericDecoder("x", 0, PACKED)
    out: list[Any] = []
    for at_s, payload in at_50_hz(list(range(200))):
        out += decoder.feed(Packet(round(at_s * 1e9), "x", payload))
    decoder.resumed(round(20e9))
    for at_s, payload in at_50_hz(list(range(500, 600))):
        out += decoder.feed(Packet(round(at_s * 1e9), "x", payload))
    (gap,) = of(Gap, out)
    assert (gap.reason, gap.n_lost) == ("link_lost", None)
    assert gap.end_s == pytest.approx(20, abs=0.02)


def test_one_time_for_a_packet_is_spread_at_the_true_rate() -> None:
    """A packet that tells its first sample's time: the others follow at the measured interval, not the promised."""
    every = [(10 + (i + 5) * 0.0104, batch(i, first_us=round(i * 10_400))) for i in range(0, 1500, 5)]
    out = decode(BATCHED, every)
    assert of(Gap, out) == []
    np.testing.assert_allclose(np.diff(times(out))[200:], 0.0104, atol=2e-4)
    assert of(ImuBlock, out)[-1].rate_hz == pytest.approx(1 / 0.0104, rel=2e-3)


def test_a_count_tells_how_many_samples_a_hole_swallowed() -> None:
    """With a clock and a count the gap has its exact number, also where the count comes round."""
    numbers = [i for i in range(65_000, 66_500, 5) if not 65_500 <= i < 65_560]
    every = [(10 + i / 100, batch(i)) for i in numbers]
    (gap,) = of(Gap, decode(BATCHED, every))
    assert (gap.n_lost, gap.reason) == (60, "lost_packets")


@pytest.mark.parametrize("lost", [1, 7, 40])
def test_a_count_without_a_clock_is_enough(lost: int) -> None:
    """Samples are placed by their number, the missing ones counted."""
    table = without(BATCHED, head="<H", head_fields=["n"], rate_hz=50, samples_per_packet=1)
    numbers = [i for i in range(400) if not 200 <= i < 200 + lost]
    out = decode(table, [(10 + i / 50, struct.pack("<H3h", i, i, 0, 1000)) for i in numbers])
    (gap,) = of(Gap, out)
    assert (gap.n_lost, gap.reason) == (lost, "lost_packets")
    assert times(out)[-1] == pytest.approx(10 + 399 / 50, abs=0.05)


def test_a_broken_count_does_not_poison_the_rest() -> None:
    """One flipped bit in the number costs no other sample for longer than a second."""
    table = without(BATCHED, head="<H", head_fields=["n"], rate_hz=50, samples_per_packet=1)
    every = [(10 + i / 50, struct.pack("<H3h", i ^ (0x4000 * (i == 200)), i, 0, 1000)) for i in range(400)]
    out = decode(table, every)
    assert len(times(out)) >= 399
    assert sum(gap.n_lost or 0 for gap in of(Gap, out)) == 0


def test_without_clock_and_count_samples_are_evenly_spaced() -> None:
    """The rate in the table is a beginning; what arrives counts."""
    table = without(PACKED, layout="<6h", fields=AXES, rate_hz=50)
    out = decode(table, [(10 + i / 83, struct.pack("<6h", 0, 0, 8192, 0, 0, 0)) for i in range(1660)])
    assert of(ImuBlock, out)[-1].rate_hz == pytest.approx(83, rel=0.01)
    np.testing.assert_allclose(np.diff(times(out))[1000:], 1 / 83, atol=2e-4)


@given(
    table=st.sampled_from([PACKED, LINES, BATCHED, without(PACKED, layout="<d6f"), PackingBoard.table]),
    payloads=st.lists(st.one_of(st.binary(max_size=64), st.text("0123456789.,-\n", max_size=64).map(str.encode)),
                      max_size=20),
    steps=st.lists(st.integers(0, 10**10), min_size=20, max_size=20),
)  # fmt: skip
@settings(max_examples=120, deadline=None)
def test_any_bytes_are_survived(table: dict[str, Any], payloads: list[bytes], steps: list[int]) -> None:
    """Whatever the table and the bytes, time rises and numbers are finite."""
    decoder, host_ns, last_s = GenericDecoder("x", 0, table), 0, -np.inf
    for payload, step in zip(payloads, steps, strict=False):
        host_ns += step
        for item in decoder.feed(Packet(host_ns, "x", payload)):
            if isinstance(item, ImuBlock):
                assert np.isfinite(item.acc_sensor_mps2).all()
                assert np.isfinite(item.t_s).all()
                assert (np.diff(item.t_s, prepend=last_s) > 0).all()
                last_s = float(item.t_s[-1])


def test_without_a_description_every_packet_says_so() -> None:
    """A recording whose config lost the board is not read as something else."""
    for config in ({}, {"board": "nano"}, without(PACKED, "layout")):
        (bad,) = make_decoder("generic", "x", 0, config).feed(Packet(7, "x", packed(0)))
        assert isinstance(bad, BadPacket)
        assert bad.reason.startswith("In the description of this board, ")


def test_other_keys_of_a_source_do_not_disturb() -> None:
    """The config of a source holds more than its board."""
    out = decode(PACKED | {"board": "nano", "sign": "+", "rate_in_use_hz": 3}, [(1, packed(0))])
    assert len(of(ImuBlock, out)) == 1


# -------------------------------------------------------------------------------------------------- the conversation


def silent(_step: Step) -> bytes | None:
    return None


def test_start_and_stop_send_what_the_table_says() -> None:
    """First stop, then listen, then start; done again after each reconnect."""
    table = without(PACKED, control=DATA.replace("0001", "0002"), start="01 64", stop="00")
    control = table["control"]
    steps, learned = perform(start(table), silent)
    assert steps == [Write(control, b"\x00"), Subscribe(DATA), Write(control, b"\x01\x64")]
    assert learned == Learned()
    assert perform(stop(table), silent)[0] == [Write(control, b"\x00")]


def test_a_board_without_commands_is_only_listened_to() -> None:
    """Most sketches stream as soon as somebody subscribes."""
    assert perform(start(LINES), silent)[0] == [Subscribe(UART_FROM_BOARD_UUID)]
    assert perform(stop(LINES), silent)[0] == []
    assert perform(start(without(LINES, start="73")), silent)[0][-1] == Write(UART_TO_BOARD_UUID, b"s")


def test_a_board_is_recognised_by_its_name_and_nothing_by_the_bare_kind() -> None:
    """`driver_for` knows the board; the driver of the format itself would catch anything."""
    driver = driver_for(PACKED | {"board": "nano"})
    assert driver.is_heard_in("Nano 33", ())
    assert not driver.is_heard_in("Arduino", ())
    assert driver.title == "own board Nano"
    assert driver.has_gyroscope
    assert not driver_for(BATCHED).has_gyroscope
    by_service = driver_for(without(PACKED, "name", service=DATA))
    assert by_service.is_heard_in(None, (DATA,))
    assert not DRIVER.is_heard_in("Nano 33", (DATA, SENSIML_SERVICE_UUID))
    assert DECODERS["generic"].endswith(":GenericDecoder")
    assert drivers()["generic"] is DRIVER


def test_slow_packets_are_waited_for() -> None:
    """A board that sends a second of samples at once is not taken for lost after two."""
    assert driver_for(without(BATCHED, samples_per_packet=100)).silence_s == pytest.approx(5.0)
    assert driver_for(BATCHED).silence_s is None


def test_a_missing_description_is_a_sentence() -> None:
    """`--kind generic` without a board in the config file says what is missing."""
    with pytest.raises(LinkError, match=r"format .* See \[boards.NAME\]"):
        perform(start({}), silent)


SENSIML: dict[str, Any] = {"name": "Nano 33 DCL", "format": "sensiml", "acc_unit": "g", "acc_scale": 4 / 32768,
                           "gyr_unit": "dps", "gyr_scale": 2000 / 32768}  # fmt: skip


def test_a_sensiml_board_tells_its_columns() -> None:
    """Its JSON is read before the stream; column order and rate join the config, the scale is the table's."""
    columns = dict(zip(("GyroscopeX", "GyroscopeY", "GyroscopeZ", "AccelerometerX", "AccelerometerY", "AccelerometerZ"),
                       range(6), strict=True))  # fmt: skip
    text = json.dumps({"sample_rate": 119, "samples_per_packet": 1, "column_location": columns}).encode() + b"\0\0"
    steps, learned = perform(start(SENSIML), lambda step: text if isinstance(step, Read) else None)
    assert steps == [Read(SENSIML_CONFIG_UUID), Subscribe(SENSIML_DATA_UUID)]
    assert learned.config == {"fields": ["gx", "gy", "gz", "ax", "ay", "az"], "rate_hz": 119.0}
    out = decode(SENSIML | dict(learned.config), [(1, struct.pack("<6h", 100, 0, 0, 0, 0, 8192))])
    np.testing.assert_allclose(out[0].acc_sensor_mps2, [[0, 0, STANDARD_GRAVITY_MPS2]])
    np.testing.assert_allclose(out[0].gyr_sensor_radps, [[100 * 2000 / 32768 * DEG, 0, 0]])


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b'{"column_location": 3}', b'{"column_location": {"Mic": 0}}',
                                  b'{"column_location": {"AccelerometerX": "a"}}', b"\xff\xfe", b"[" * 5000,
                                  b'{"column_location": {"AccelerometerX": Infinity}}'])  # fmt: skip
def test_a_board_that_is_not_sensiml_is_told_so(text: bytes) -> None:
    """Broken or foreign JSON is a sentence and no crash."""
    with pytest.raises(LinkError, match="SensiML"):
        sensiml_columns(text)


# ------------------------------------------------------------------------------------------------ the virtual boards


def played(device: VirtualDevice, table: Mapping[str, Any], seconds: float) -> list[Any]:
    """What a virtual board sends in some seconds after the start script, decoded."""
    now_s, heard = 0.0, []

    def answer(step: Step) -> bytes | None:
        if isinstance(step, Write):
            device.on_write(step.uuid, step.data, now_s, 244)
        elif isinstance(step, Subscribe):
            device.on_subscribe(step.uuid, True, now_s, 244)
        return None

    perform(start(table), answer)
    while now_s < seconds:
        now_s += 0.01
        for sent in device.due(now_s):
            device.account(sent, is_sent=True)
            heard.append((now_s, sent.payload))
    perform(stop(table), answer)
    return decode(table, heard)


@pytest.mark.parametrize(("made", "rate_hz"), [(PackingBoard, 100), (WritingBoard, 50)])
def test_what_a_virtual_board_measures_is_what_is_decoded(
    made: type[PackingBoard] | type[WritingBoard], rate_hz: float
) -> None:
    """Both forms: every sample comes out within the resolution of the format, at the board's rate."""
    device = made(StillWaveform(), clock_offset_s=4294.0)
    out = played(device, made.table, 8.0)
    assert of(BadPacket, out) == []
    assert of(Gap, out) == []
    x = np.array(column(out))
    first = 1 if made is WritingBoard else 0  # the first line is passed over
    assert len(x) == pytest.approx(8 * rate_hz, abs=5)
    np.testing.assert_allclose(x, 0.01 * np.sin((np.arange(len(x)) + first) / 20), atol=0.0013)
    assert 0 <= device.sent - len(x) <= 1
    np.testing.assert_allclose(column(out, 2), STANDARD_GRAVITY_MPS2, atol=0.0013)
    np.testing.assert_allclose(np.diff(times(out))[100:], 1 / rate_hz, atol=1e-3)
    assert of(ImuBlock, out)[-1].rate_hz == pytest.approx(rate_hz, rel=0.01)


def test_the_packing_board_obeys_its_stop_command() -> None:
    """After the stop script it is silent."""
    device = PackingBoard(StillWaveform())
    assert of(ImuBlock, played(device, PackingBoard.table, 1.0))
    assert not device.is_streaming
