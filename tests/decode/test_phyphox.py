"""Answers of phyphox into samples."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vectors import label, load

from sensorsoma.decode import make_decoder
from sensorsoma.decode.base import Decoded
from sensorsoma.decode.phyphox import PhyphoxDecoder
from sensorsoma.decode.phyphox_body import USUAL_BUFFERS, parse_body, read_answer
from sensorsoma.messages import BadPacket, Floats, Gap, ImuBlock, Packet

PAGE = Path(__file__).resolve().parents[2] / "firmware_notes" / "phyphox.md"
VECTORS = load("phyphox")
EPOCH_NS = 1_700_000_000_000_000_000
G = 9.81


def eight_digits(values: Iterable[float]) -> list[float | None]:
    """As Android writes them."""
    return [float(f"{value:.7E}") if np.isfinite(value) else None for value in values]


def felt_acc(t_s: Floats) -> Floats:
    """A slow turn about the x axis, gravity included."""
    return np.column_stack([0 * t_s, G * np.sin(0.2 * t_s), G * np.cos(0.2 * t_s)])


def felt_gyr(t_s: Floats) -> Floats:
    return np.column_stack([0 * t_s + 0.2, 0.01 * t_s, 0 * t_s])


def columns(sensor: str, t_s: Floats, values: Floats, mode: str) -> dict[str, Any]:
    """The buffers of one sensor."""
    return {
        name: {"size": 0, "updateMode": mode, "buffer": eight_digits(column)}
        for name, column in zip(USUAL_BUFFERS[sensor].values(), [t_s, *values.T], strict=True)
    }


def answer(
    acc_t_s: Sequence[float] | Floats,
    gyr_t_s: Sequence[float] | Floats | None = (),
    mode: str = "partial",
    session: str = "1a2b3c",
    measuring: bool = True,
) -> bytes:
    """The body of one answer; `gyr_t_s` None when no gyroscope was asked for."""
    acc = np.asarray(acc_t_s, dtype=np.float64)
    buffers = columns("acc", acc, felt_acc(acc), mode)
    if gyr_t_s is not None:
        gyr = np.asarray(gyr_t_s, dtype=np.float64)
        buffers |= columns("gyr", gyr, felt_gyr(gyr), mode)
    status = {"session": session, "measuring": measuring, "timedRun": False, "countDown": 0}
    return json.dumps({"buffer": buffers, "status": status}).encode()


def config(sensors: Sequence[str] = ("acc", "gyr"), prefix: str = "") -> bytes:
    """The body of `/config`, with buffers called as usual or otherwise."""
    sources = {"acc": "accelerometer", "gyr": "gyroscope"}
    inputs = [
        {"source": sources[sensor], "outputs": [{column: prefix + USUAL_BUFFERS[sensor][column]} for column in "xyzt"]}
        for sensor in sensors
    ]
    names = [prefix + name for sensor in sensors for name in USUAL_BUFFERS[sensor].values()]
    return json.dumps({"title": "Leg", "buffers": [{"name": n, "size": 0} for n in names], "inputs": inputs}).encode()


def polls(
    begin_s: float, end_s: float, host_s: float | None = None, poll_s: float = 0.1, gyr: bool = True, **how: Any
) -> list[tuple[float, bytes]]:
    """Arrival and body of one answer after another, acceleration at 100 Hz and the gyroscope between its readings."""
    host_s = begin_s if host_s is None else host_s
    acc_t_s, gyr_t_s = np.arange(begin_s, end_s, 0.01), np.arange(begin_s, end_s, 0.01) + 0.0047
    out: list[tuple[float, bytes]] = []
    at_s = begin_s
    while at_s < end_s:
        until_s = at_s + poll_s
        a, g = ([t for t in times if at_s <= t < until_s] for times in (acc_t_s, gyr_t_s))
        out.append((host_s + until_s - begin_s, answer(a, g if gyr else None, **how)))
        at_s = until_s
    return out


def decode(
    bodies: Iterable[tuple[float, bytes]], decoder: PhyphoxDecoder | None = None, *, is_over: bool = True
) -> list[Decoded]:
    """Everything that a decoder gives for bodies that arrived then."""
    decoder = decoder or PhyphoxDecoder("belly", EPOCH_NS, {})
    out = [one for at_s, body in bodies for one in decoder.feed(Packet(EPOCH_NS + round(at_s * 1e9), "belly", body))]
    return out + (list(decoder.finish()) if is_over else [])


def blocks(out: Iterable[Decoded]) -> list[ImuBlock]:
    return [one for one in out if isinstance(one, ImuBlock)]


def gaps(out: Iterable[Decoded]) -> list[Gap]:
    return [one for one in out if isinstance(one, Gap)]


def reasons(out: Iterable[Decoded]) -> list[str]:
    return [one.reason for one in out if isinstance(one, BadPacket)]


def times(out: Iterable[Decoded]) -> Floats:
    return np.concatenate([np.empty(0), *(block.t_s for block in blocks(out))])


def sample_packets() -> list[bytes]:
    """Some seconds as a session records them: names first, then answers, a cleared measurement and a pause."""
    return [config(), *(body for _, body in polls(0.0, 3.0)), answer([], [], "full"), *(
        body for _, body in polls(0.0, 0.5)), answer([], [], measuring=False)]  # fmt: skip


# ------------------------------------------------------------------------------------------------- known bytes


@pytest.mark.parametrize("entry", VECTORS, ids=label)
def test_known_answers(entry: dict[str, Any]) -> None:
    """The table's answer gives its times, values and state; its null is a bad reading, and the whole one a sample."""
    body, expected = bytes.fromhex(entry["hex"]), entry["expected"]
    assert body == entry["text"].encode()
    names = {"acc": {"t": "acc_time", "x": "accX", "y": "accX", "z": "accX"}}
    found = read_answer(parse_body(body), names)
    assert found.is_measuring is expected["measuring"]
    assert found.tracks["acc"].t_s.tolist() == expected["t_s"]
    wanted = np.array(expected["accX"], dtype=np.float64)
    np.testing.assert_array_equal(found.tracks["acc"].values[:, 0], wanted)
    out = decode([(1.0, body)], PhyphoxDecoder("belly", EPOCH_NS, {"buffers": names}))
    assert reasons(out) == ["1 readings without time or value"]
    np.testing.assert_array_equal(blocks(out)[0].acc_sensor_mps2, [[wanted[0]] * 3])


def test_the_answer_of_the_page_gives_the_sample_that_it_says() -> None:
    """One sample, its acceleration between the two beside it, and one reading that is not whole."""
    text = PAGE.read_text(encoding="utf-8")
    example = re.search(r"<!-- example answer -->\n```json\n(.*?)\n```", text, re.DOTALL)
    said = re.search(r"halfway: \((.*?)\) m/s²", text)
    assert example is not None
    assert said is not None
    out = decode([(20.0, example[1].encode())])
    (block,) = blocks(out)
    wanted = [float(number.replace("−", "-")) for number in said[1].split(", ")]
    np.testing.assert_allclose(block.acc_sensor_mps2, [wanted], atol=1e-6)
    assert block.gyr_sensor_radps is not None
    assert block.gyr_sensor_radps.tolist() == [[1.25e-2, -2.2e-3, 4e-4]]
    assert reasons(out) == ["1 readings without time or value"]


# ------------------------------------------------------------------------------------------------------ samples


def test_samples_carry_the_gyroscopes_times_and_the_acceleration_of_that_moment() -> None:
    """Nothing is lost but the last reading that still waits; values agree with what was felt."""
    out = decode(polls(0.0, 10.0))
    assert not gaps(out)
    assert not reasons(out)
    t_s = times(out)
    assert 998 <= len(t_s) <= 1000
    assert blocks(out)[-1].rate_hz == pytest.approx(100.0, rel=1e-3)
    phone_t_s = 0.0047 + np.arange(len(t_s)) / 100
    acc = np.concatenate([block.acc_sensor_mps2 for block in blocks(out)])
    assert np.abs(acc - felt_acc(phone_t_s)).max() < 1e-4
    gyr = np.concatenate([np.asarray(block.gyr_sensor_radps) for block in blocks(out)])
    assert np.abs(gyr - felt_gyr(phone_t_s)).max() < 1e-6


def test_readings_that_return_are_left_out() -> None:
    """The newest reading once more, a whole answer twice and an older one after a newer one change nothing."""
    sent = polls(0.0, 3.0)
    once = decode(sent)
    acc, gyr = np.arange(0.99, 1.2, 0.01), np.arange(0.99, 1.2, 0.01) + 0.0047
    again = [*sent[:12], (1.2, answer(acc, gyr)), sent[11], (1.21, sent[10][1]), *sent[12:]]
    twice = decode(again)
    assert not gaps(twice)
    assert [len(times(once)), *np.diff(times(once)).round(3)] == [len(times(twice)), *np.diff(times(twice)).round(3)]


@given(st.lists(st.sampled_from([0.02, 0.05, 0.1, 0.3, 0.7]), min_size=3, max_size=12))
@settings(max_examples=25, deadline=None)
def test_any_pace_of_asking_gives_the_same_samples(paces: list[float]) -> None:
    """However often the phone is asked, the samples are the same."""
    at_s, bodies = 0.0, []
    for pace in paces:
        bodies += polls(at_s, at_s + pace, host_s=at_s, poll_s=pace)
        at_s += pace
    out, whole = decode(bodies), decode(polls(0.0, at_s))
    n = min(len(times(out)), len(times(whole)))
    assert abs(len(times(out)) - len(times(whole))) <= 2  # the last readings wait for their neighbours
    for name in ("acc_sensor_mps2", "gyr_sensor_radps"):
        ours, theirs = (np.concatenate([getattr(block, name) for block in blocks(each)])[:n] for each in (out, whole))
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_columns_of_different_length_share_their_beginning() -> None:
    """An iPhone that reads one buffer after the other mixes up no readings; what is torn comes whole the next time."""
    torn = json.loads(answer([0.0, 0.01, 0.02], None))
    torn["buffer"]["accX"]["buffer"].pop()
    torn["buffer"]["acc_time"]["buffer"].append(0.03)
    out = decode([(0.03, json.dumps(torn).encode()), (0.1, answer([0.02, 0.03, 0.04], None))])
    assert len(times(out)) == 5
    acc = np.concatenate([block.acc_sensor_mps2 for block in blocks(out)])
    np.testing.assert_allclose(acc, felt_acc(np.arange(5) / 100), atol=1e-6)


def test_a_null_is_one_missing_reading() -> None:
    """A reading that is no number is left out and counted; its neighbours stay."""
    body = json.loads(answer(np.arange(10) / 100, None))
    body["buffer"]["accY"]["buffer"][4] = None
    out = decode([(0.1, json.dumps(body).encode())])
    assert len(times(out)) == 9
    assert reasons(out) == ["1 readings without time or value"]


def test_without_gyroscope_the_accelerometers_times_count() -> None:
    """An experiment with acceleration only gives samples without rate, at once."""
    out = decode(polls(0.0, 2.0, gyr=False), is_over=False)
    assert len(times(out)) == 200
    assert all(block.gyr_sensor_radps is None for block in blocks(out))


def test_a_gyroscope_that_never_shows_itself_is_not_waited_for() -> None:
    """A phone without the chip gives empty buffers; after a second its accelerations come without rate, none lost."""
    bodies = [(at_s, answer(np.arange(n, n + 10) / 100)) for n, at_s in ((10 * i, 0.1 * i + 0.1) for i in range(30))]
    early = decode(bodies[:10], is_over=False)
    assert not blocks(early)
    out = decode(bodies)
    assert len(times(out)) == 300
    assert all(block.gyr_sensor_radps is None for block in blocks(out))
    assert len(times(decode(bodies[:5]))) == 50  # a session that ends before that


def test_a_hole_is_a_gap_and_nothing_is_invented_in_it() -> None:
    """Readings that the phone no longer had are a gap of their length."""
    out = decode([*polls(0.0, 1.0), *polls(3.0, 4.0)])
    (gap,) = gaps(out)
    assert gap.reason == "lost_packets"
    assert gap.end_s - gap.start_s == pytest.approx(2.0, abs=0.05)
    t_s = times(out)
    assert not ((t_s > gap.start_s) & (t_s < gap.end_s)).any()


def test_what_came_late_has_the_time_at_which_it_was_felt() -> None:
    """A phone that was out of reach for five seconds delivers them at once; they are no gap and not compressed."""
    decoder = PhyphoxDecoder("belly", EPOCH_NS, {})
    out = decode(polls(0.0, 5.0), decoder, is_over=False)
    decoder.resumed(EPOCH_NS + 10_000_000_000)
    out += decode([(10.1, polls(5.0, 10.0, poll_s=5.0)[0][1]), *polls(10.0, 15.0, host_s=10.1)], decoder)
    assert not gaps(out)
    steps = np.diff(times(out))
    assert len(steps) >= 1495
    assert steps.min() > 0.0095
    assert steps.max() < 0.0105


# -------------------------------------------------------------------------------------------- the phone's clock


def test_a_cleared_measurement_begins_anew() -> None:
    """The full answer after clearing, empty or not, begins a run of its own; time goes on rising."""
    for first in (answer([], [], "full"), answer([0.0, 0.01], [0.0047, 0.0147], "full")):
        out = decode([*polls(0.0, 2.0), (2.4, first), *polls(0.02, 2.0, host_s=2.42)])
        (gap,) = gaps(out)
        assert gap.reason == "clock_restart"
        assert gap.end_s - gap.start_s == pytest.approx(0.42, abs=0.06)
        t_s = times(out)
        assert (np.diff(t_s) > 0).all()
        assert len(t_s) >= 390


def test_times_that_go_back_begin_anew_even_when_nobody_said_so() -> None:
    """When somebody's browser got the full answer, the times tell."""
    out = decode([*polls(0.0, 3.0), *polls(0.0, 2.0, host_s=3.5)])
    assert [gap.reason for gap in gaps(out)] == ["clock_restart"]
    assert len(times(out)) >= 495


def test_another_experiment_is_another_clock() -> None:
    """A changed session begins anew, whatever its times are."""
    out = decode([*polls(0.0, 2.0), *polls(100.0, 102.0, host_s=2.3, session="77")])
    (gap,) = gaps(out)
    assert gap.reason == "clock_restart"
    assert gap.end_s - gap.start_s == pytest.approx(0.3, abs=0.06)


def test_a_pause_is_not_squeezed_out_of_time() -> None:
    """Experiment time stands still while paused; the samples after it lie where they were felt."""
    pause = (5.1, answer([], [], measuring=False))
    out = decode([*polls(0.0, 5.0), pause, *polls(5.0, 10.0, host_s=12.0)])
    (gap,) = gaps(out)
    assert gap.end_s - gap.start_s == pytest.approx(7.0, abs=0.1)
    assert times(out)[-1] == pytest.approx(17.0, abs=0.1)


# ---------------------------------------------------------------------------------------------- names of buffers


def test_names_come_from_the_config_packet_or_from_the_settings() -> None:
    """Buffers that are called otherwise are found by either; a packet wins, and gives no samples itself."""
    body = answer(np.arange(10) / 100, None).replace(b'"acc', b'"my acc')
    names = {"acc": {column: f"my {name}" for column, name in USUAL_BUFFERS["acc"].items()}}
    assert len(times(decode([(0.1, body)], PhyphoxDecoder("belly", EPOCH_NS, {"buffers": names})))) == 10
    assert decode([(0.0, config(["acc"], "my "))]) == []
    assert len(times(decode([(0.0, config(["acc"], "my ")), (0.1, body)]))) == 10
    other = {"acc": {column: f"your {name}" for column, name in USUAL_BUFFERS["acc"].items()}}
    decoder = PhyphoxDecoder("belly", EPOCH_NS, {"buffers": other})
    assert len(times(decode([(0.0, config(["acc"], "my ")), (0.1, body)], decoder))) == 10


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>404</html>", "expected JSON, found 16 bytes that are not"),
        (b"[1, 2]", "expected an object"),
        (b'{"result": true}', "expected objects called buffer and status"),
        (b'{"buffer": {}, "status": {}}', "expected the buffers acc_time, accX, accY, accZ"),
    ],
)
def test_other_bytes_are_bad_packets_that_say_what_was_expected(body: bytes, reason: str) -> None:
    """What is no answer is counted and disturbs nothing."""
    assert reasons(decode([(0.0, body)])) == [reason]


# ------------------------------------------------------------------------------------------------- any bytes


def mutated(dice: random.Random, good: Sequence[bytes]) -> bytes:
    """A good body with some bytes changed, cut, doubled or numbers made absurd."""
    body = bytearray(dice.choice(good))
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(body))
        match dice.randrange(5):
            case 0:
                body[at] = dice.randrange(256)
            case 1:
                del body[at : at + dice.randrange(20)]
            case 2:
                body[at:at] = body[at : at + dice.randrange(40)]
            case 3:
                body[at : at + 1] = dice.choice(
                    [b"1e999", b"-1e8", b"null", b"NaN", b'"', b"[[", b"{}", b"true", b"9" * 400]
                )
            case _:
                word = dice.choice([b"partial", b"full", b"1a2b3c", b"true", b"acc_time", b"gyrX"])
                body = bytearray(body.replace(word, dice.choice([b"full", b"2b", b"false", b"accX", b""]), 1))
        body = body or bytearray(b"{")
    return bytes(body)


def survive(n: int, seed: int) -> tuple[int, int]:
    """Good and bad answers of a mutated stream: nothing raises, time rises, memory stays bounded."""
    dice = random.Random(seed)
    good = sample_packets()
    decoder = make_decoder("phyphox", "belly", EPOCH_NS)
    assert isinstance(decoder, PhyphoxDecoder)
    last_s, n_samples, n_bad = -np.inf, 0, 0
    for index in range(n):
        body = good[index % len(good)] if dice.random() < 0.3 else mutated(dice, good)
        for one in decoder.feed(Packet(EPOCH_NS + index * 100_000_000, "belly", body)):
            n_bad += isinstance(one, BadPacket)
            if isinstance(one, ImuBlock):
                assert np.isfinite(one.acc_sensor_mps2).all()
                assert (np.diff(one.t_s, prepend=last_s) > 0).all()
                last_s = float(one.t_s[-1])
                n_samples += len(one.t_s)
        if dice.random() < 0.001:
            decoder.resumed(EPOCH_NS + index * 100_000_000)
        n_kept = len(decoder._clocks._grid.t_s) + len(decoder._clocks._other.t_s) + len(decoder._waiting)
        assert n_kept < 2000
    return n_samples, n_bad


def test_mutated_answers_are_survived() -> None:
    """Three thousand broken answers among good ones: samples go on, and what was broken is counted."""
    n_samples, n_bad = survive(3000, seed=1)
    assert n_samples > 1000
    assert n_bad > 300
