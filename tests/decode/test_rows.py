"""Imported samples keep their file's time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.decode import make_decoder
from sensorsoma.decode.base import Decoded
from sensorsoma.decode.rows import encode_rows
from sensorsoma.messages import BadPacket, Gap, ImuBlock, Packet


def decode(*payloads: bytes, columns: int = 4, **config: float) -> list[Decoded]:
    decoder = make_decoder("rows", "right-thigh", 0, {"columns": columns, **config})
    out = [item for payload in payloads for item in decoder.feed(Packet(0, "right-thigh", payload))]
    return [*out, *decoder.finish()]


def rows(t_s: list[float] | np.ndarray) -> bytes:
    t_s = np.asarray(t_s, dtype=float)
    return encode_rows(t_s, np.column_stack([t_s, t_s, t_s]))


def blocks_of(items: list[Decoded]) -> list[ImuBlock]:
    return [item for item in items if isinstance(item, ImuBlock)]


def test_samples_come_back_bit_for_bit() -> None:
    """Times, accelerations and angular rates are exactly those that were encoded."""
    random = np.random.default_rng(0)
    t_s, acc, gyr = np.arange(20) / 103.0, random.normal(size=(20, 3)), random.normal(size=(20, 3))
    (block,) = blocks_of(decode(encode_rows(t_s, acc, gyr), columns=7))
    assert np.array_equal(block.t_s, t_s)
    assert np.array_equal(block.acc_sensor_mps2, acc)
    assert block.gyr_sensor_radps is not None
    assert np.array_equal(block.gyr_sensor_radps, gyr)


def test_without_gyroscope_there_is_none() -> None:
    """Four columns give blocks without angular rate."""
    (block,) = blocks_of(decode(rows([0.0, 0.01])))
    assert block.gyr_sensor_radps is None


def test_the_rate_is_estimated_or_given_by_the_importer() -> None:
    """The rate is that of the time stamps; one that the importer found over the whole file is used as it is."""
    assert blocks_of(decode(rows(np.arange(100) / 103.0)))[0].rate_hz == pytest.approx(103.0)
    assert blocks_of(decode(rows([0.0, 0.01]), rate_hz=102.9))[0].rate_hz == 102.9


@pytest.mark.parametrize("cut", [1, 49, 50, 51, 99])
def test_a_hole_becomes_a_gap(cut: int) -> None:
    """A hole of half a second splits the block and is reported between its parts, wherever packets are cut."""
    t_s = np.concatenate([np.arange(50) / 100, 1.0 + np.arange(50) / 100])
    items = decode(rows(t_s[:cut]), rows(t_s[cut:]))
    assert [item for item in items if isinstance(item, Gap)] == [Gap("right-thigh", t_s[49], 1.0, None, "lost_packets")]
    assert np.array_equal(np.concatenate([block.t_s for block in blocks_of(items)]), t_s)
    at = next(i for i, item in enumerate(items) if isinstance(item, Gap))
    before, after = items[at - 1], items[at + 1]
    assert isinstance(before, ImuBlock)
    assert isinstance(after, ImuBlock)
    assert (before.t_s[-1], after.t_s[0]) == (t_s[49], 1.0)


def test_irregular_stamps_are_no_gaps() -> None:
    """Steps of up to four intervals, or under 0.1 s, are what irregular files look like."""
    assert not [item for item in decode(rows([0, 0.01, 0.02, 0.11, 0.12])) if isinstance(item, Gap)]


def test_repeated_and_backward_stamps_are_left_out() -> None:
    """Rows whose time does not advance are dropped and counted; the rest keeps its order."""
    items = decode(rows([0.0, 0.01, 0.01, 0.02, 0.005, 0.03]), rows([0.03, 0.04]))
    assert np.concatenate([block.t_s for block in blocks_of(items)]).tolist() == [0.0, 0.01, 0.02, 0.03, 0.04]
    assert [item.reason for item in items if isinstance(item, BadPacket)] == [
        "2 rows whose time repeats or goes back",
        "1 row whose time repeats or goes back",
    ]


def test_values_that_are_not_numbers_are_left_out() -> None:
    """A row with NaN or infinity is dropped and counted."""
    items = decode(encode_rows([0.0, 0.01], [[0, 0, 9.8], [0, np.nan, 9.8]]))
    assert [item.reason for item in items if isinstance(item, BadPacket)] == ["1 row with values that are not numbers"]


@pytest.mark.parametrize("payload", [b"", b"x", bytes(31), bytes(33)])
def test_half_rows_are_bad_packets(payload: bytes) -> None:
    """A payload that is not whole rows says how long it is."""
    (bad,) = decode(payload)
    assert isinstance(bad, BadPacket)
    assert bad.reason == f"expected rows of 32 bytes, found {len(payload)} bytes"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=6), st.sampled_from([4, 7]))
def test_any_bytes_are_survived(payloads: list[bytes], columns: int) -> None:
    """Random bytes never raise, and what comes out increases in time."""
    t_s = [block.t_s for block in blocks_of(decode(*payloads, columns=columns))]
    assert (np.diff(np.concatenate([*t_s, np.empty(0)])) > 0).all()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 99), max_size=8))
def test_any_cut_gives_the_same_samples_and_gaps(cuts: list[int]) -> None:
    """However the rows are spread over packets, samples and gaps are the same."""
    t_s = np.concatenate([np.arange(60) / 100, 2.0 + np.arange(40) / 100])
    whole = decode(rows(t_s), rate_hz=100.0)
    parts = decode(*(rows(part) for part in np.split(t_s, sorted(set(cuts)))), rate_hz=100.0)
    assert [i for i in parts if isinstance(i, Gap)] == [i for i in whole if isinstance(i, Gap)]
    for items in (whole, parts):
        assert np.array_equal(np.concatenate([block.t_s for block in blocks_of(items)]), t_s)
        assert np.array_equal(np.concatenate([b.acc_sensor_mps2[:, 0] for b in blocks_of(items)]), t_s)


def test_an_unknown_decoder_is_refused() -> None:
    """A wrong name says which names there are."""
    with pytest.raises(ValueError, match=r"expected a decoder out of .*rows, .* found 'morse'"):
        make_decoder("morse", "pelvis", 0)
