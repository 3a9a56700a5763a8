"""Sensor Logger's pushes: order, duplicates, gaps, signs, units and bytes that are none."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vectors import load

from sensorsoma.decode.sensor_logger import SensorLoggerDecoder
from sensorsoma.decode.sensor_logger_body import parse_body
from sensorsoma.decode.sensor_logger_sign import SignParams, find_sign
from sensorsoma.messages import BadPacket, DeviceInfo, Floats, Gap, ImuBlock, Packet
from sensorsoma.sources.phone.pushes import PhoneParams, Push, encode_body, pushes

EPOCH_NS = 1_700_000_000_000_000_000
G = 9.80665

(REAL,) = load("sensor_logger")
REAL_BODY = bytes.fromhex(REAL["hex"])
"""Values and times of the app's README (a real recording), wrapped in the envelope of its page on pushing."""


def movement(seconds: float = 6.0, rate_hz: float = 100.0) -> tuple[Floats, Floats, Floats]:
    """A phone, screen up, that tilts slowly about its x axis: times, specific force, angular rate."""
    t_s = np.arange(round(seconds * rate_hz)) / rate_hz
    angle = 0.5 * np.sin(2 * np.pi * 0.2 * t_s)
    rate = 0.5 * 2 * np.pi * 0.2 * np.cos(2 * np.pi * 0.2 * t_s)
    acc = np.column_stack([0.1 * np.sin(2 * np.pi * 1.1 * t_s), G * np.sin(angle), G * np.cos(angle)])
    return t_s, acc, np.column_stack([rate, np.zeros_like(t_s), np.zeros_like(t_s)])


def packets(sent: Iterable[Push], delay_s: float = 0.02) -> list[Packet]:
    """Pushes as they arrive when nothing goes wrong on the way."""
    return [Packet(EPOCH_NS + round((push.send_s + delay_s) * 1e9), "right-thigh", push.body) for push in sent]


def decoder(**config: Any) -> SensorLoggerDecoder:
    """A fresh one."""
    return SensorLoggerDecoder("right-thigh", EPOCH_NS, config)


def run(arrived: Sequence[Packet], made: SensorLoggerDecoder | None = None) -> list[Any]:
    """Everything that comes out."""
    made = made or decoder()
    return [one for packet in arrived for one in made.feed(packet)]


def samples(out: Iterable[Any]) -> tuple[Floats, Floats, Floats | None]:
    """All blocks joined: times, specific force, angular rate."""
    blocks = [one for one in out if isinstance(one, ImuBlock)]
    gyrs = [block.gyr_sensor_radps for block in blocks if block.gyr_sensor_radps is not None]
    return (
        np.concatenate([block.t_s for block in blocks]),
        np.concatenate([block.acc_sensor_mps2 for block in blocks]),
        np.concatenate(gyrs) if gyrs else None,
    )


def test_a_real_body_reads_as_the_app_documents_it() -> None:
    """Numbers are found by name and times stay exact above 2^53."""
    message = parse_body(REAL_BODY)
    assert (message.message_id, message.session_id, len(message.readings)) == (3, "identifier", 2)
    first, second = message.readings
    expected = REAL["expected"]
    assert first.time_ns == expected["first"]["t_unix_ns"]
    assert second.time_ns - first.time_ns == expected["dt_ms"] * 1_000_000
    assert list(first.values) == expected["first"]["linear_acc_m_s2_xyz"]


def test_samples_come_out_as_they_were_felt() -> None:
    """Interleaved, unaligned sensors become specific force and rate on the gyroscope's times."""
    t_s, acc, gyr = movement()
    out = run(packets(pushes(t_s, acc, gyr)))
    got_t, got_acc, got_gyr = samples(out)
    assert not any(isinstance(one, Gap | BadPacket) for one in out)
    assert len(got_t) >= len(t_s) - 22  # all but the last, unfinished batch
    assert got_gyr is not None
    here = slice(1, 1 + len(got_t))  # the first has no gravity before it
    np.testing.assert_allclose(got_acc, acc[here], atol=2e-3)
    np.testing.assert_allclose(got_gyr, gyr[here], atol=1e-12)
    np.testing.assert_allclose(np.diff(got_t), 0.01, rtol=0.05)


def test_rate_and_times_are_on_the_session_line() -> None:
    """The phone's clock is two minutes off; the samples lie where they arrived, at the estimated rate."""
    t_s, acc, gyr = movement(20.0, 104.0)
    out = run(packets(pushes(t_s, acc, gyr)))
    got_t, _, _ = samples(out)
    assert [one for one in out if isinstance(one, ImuBlock)][-1].rate_hz == pytest.approx(104.0, rel=1e-3)
    assert got_t[-1] == pytest.approx(t_s[-1], abs=0.3)


@pytest.mark.parametrize("seed", range(5))
def test_order_and_duplicates_do_not_matter(seed: int) -> None:
    """Messages that overtake one another or come twice give the same samples as messages in order."""
    t_s, acc, gyr = movement()
    arrived = packets(pushes(t_s, acc, gyr))
    dice = random.Random(seed)
    shuffled = [
        dataclasses.replace(packet, host_ns=packet.host_ns + round(dice.uniform(0.0, 0.5) * 1e9))
        for packet in [*arrived, *dice.sample(arrived, 8)]
    ]
    shuffled.sort(key=lambda packet: packet.host_ns)
    out = run(shuffled)
    _, in_order_acc, in_order_gyr = samples(run(arrived))
    _, got_acc, got_gyr = samples(out)
    n = min(len(got_acc), len(in_order_acc))
    assert n > 500
    np.testing.assert_array_equal(got_acc[:n], in_order_acc[:n])
    assert in_order_gyr is not None
    assert got_gyr is not None
    np.testing.assert_array_equal(got_gyr[:n], in_order_gyr[:n])
    assert not any(isinstance(one, Gap | BadPacket) for one in out)


def test_a_lost_message_is_a_gap() -> None:
    """After a second of waiting the rest goes on; the hole is said, not filled."""
    t_s, acc, gyr = movement(8.0)
    arrived = packets(pushes(t_s, acc, gyr))
    del arrived[15]
    out = run(arrived)
    gaps = [one for one in out if isinstance(one, Gap)]
    assert len(gaps) == 1
    assert gaps[0].reason == "lost_packets"
    assert gaps[0].end_s - gaps[0].start_s == pytest.approx(0.21, abs=0.015)
    got_t, _, _ = samples(out)
    assert not np.any((got_t > gaps[0].start_s) & (got_t < gaps[0].end_s))
    assert (np.diff(got_t) > 0).all()


def test_a_message_after_its_turn_is_left_out_and_said() -> None:
    """What comes later than the wait is counted as a bad packet and changes nothing."""
    t_s, acc, gyr = movement(8.0)
    arrived = packets(pushes(t_s, acc, gyr))
    late = arrived.pop(15)
    arrived.append(dataclasses.replace(late, host_ns=arrived[-1].host_ns))
    out = run(arrived)
    assert [one.reason for one in out if isinstance(one, BadPacket)] == [
        "message 15 came too late to be put in its place"
    ]
    assert (np.diff(samples(out)[0]) > 0).all()


def test_without_gyroscope_gravity_alone_is_enough() -> None:
    """A phone whose gyroscope is switched off gives blocks without rates."""
    t_s, acc, _ = movement()
    out = run(packets(pushes(t_s, acc, None)))
    got_t, got_acc, got_gyr = samples(out)
    assert got_gyr is None
    assert len(got_t) >= len(t_s) - 22
    np.testing.assert_allclose(np.linalg.norm(got_acc[:100], axis=1), np.linalg.norm(acc[:100], axis=1), atol=5e-3)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("config", "found_by"), [({}, "screen_up"), ({"sign": "auto"}, "screen_up")])
def test_the_screen_tells_the_sign(sign: int, config: dict[str, str], found_by: str) -> None:
    """A phone that starts screen up gives +9.81 on the axis that points up, whatever its own convention."""
    t_s, acc, gyr = movement()
    made = decoder(**config)
    _, got_acc, got_gyr = samples(run(packets(pushes(t_s, acc, gyr, PhoneParams(sign=sign))), made))
    assert (made.sign, made.sign_found_by) == (sign, found_by)
    assert got_acc[0, 2] == pytest.approx(G, abs=0.02)
    assert got_gyr is not None
    assert got_gyr[0, 0] == pytest.approx(gyr[0, 0], abs=0.02)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_configured_sign_wins(sign: int) -> None:
    """A phone worn screen down is right when setup has asked once."""
    t_s, acc, gyr = movement()
    face_down = acc * [1.0, -1.0, -1.0]
    made = decoder(sign="+" if sign > 0 else "-")
    _, got_acc, _ = samples(run(packets(pushes(t_s, face_down, gyr, PhoneParams(sign=sign))), made))
    assert made.sign_found_by == "config"
    assert got_acc[0, 2] == pytest.approx(-G, abs=0.02)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_unit_of_the_uncalibrated_accelerometer_tells_the_sign(sign: int) -> None:
    """Only an iPhone with its own convention writes g, so the sign is known in any pose."""
    t_s, acc, gyr = movement()
    face_down = acc * [1.0, -1.0, -1.0]
    made = decoder()
    params = PhoneParams(sign=sign, has_uncalibrated=True)
    _, got_acc, _ = samples(run(packets(pushes(t_s, face_down, gyr, params)), made))
    assert (made.sign, made.sign_found_by) == (sign, "unit")
    assert got_acc[0, 2] == pytest.approx(-G, abs=0.02)


def only(sent: Iterable[Push], *names: str) -> list[Push]:
    """The same pushes with some sensors only."""
    out = []
    for push in sent:
        data = json.loads(push.body)
        data["payload"] = [one for one in data["payload"] if one["name"] in names]
        out.append(Push(push.send_s, json.dumps(data).encode()))
    return out


@pytest.mark.parametrize("sign", [1, -1])
def test_the_uncalibrated_accelerometer_alone_is_read_in_its_unit(sign: int) -> None:
    """Without gravity the uncalibrated accelerometer serves, in g or in m/s²."""
    t_s, acc, gyr = movement()
    sent = only(
        pushes(t_s, acc, gyr, PhoneParams(sign=sign, has_uncalibrated=True)), "accelerometeruncalibrated", "gyroscope"
    )
    _, got_acc, _ = samples(run(packets(sent)))
    assert np.linalg.norm(got_acc[0]) == pytest.approx(G, abs=0.02)
    assert got_acc[0, 2] > 9


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("is_inverse", [False, True])
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_the_orientation_tells_the_sign_in_any_pose(sign: int, is_inverse: bool, data: st.DataObject) -> None:
    """The quaternion's world has z up, so it tells gravity's sign however the phone lies, read either way round."""
    numbers = data.draw(st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(lambda q: np.linalg.norm(q) > 0.1))
    w, x, y, z = np.array(numbers) / np.linalg.norm(numbers)
    up = np.array([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)])
    other = np.array([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)])
    sent = (w, -x, -y, -z) if is_inverse else (w, x, y, z)
    found, by = find_sign({"gravity": [tuple(sign * G * up)], "orientation": [sent]}, SignParams())
    if up @ other > -0.7:  # else the two ways of reading contradict each other and the screen decides
        assert (found, by) == (sign, "orientation")


def test_an_orientation_that_does_not_fit_is_not_believed() -> None:
    """When gravity and quaternion disagree on what is vertical, the screen decides."""
    seen = {"gravity": [(0.0, 5.0, 8.0)], "orientation": [(0.7071, 0.7071, 0.0, 0.0)]}
    assert find_sign(seen, SignParams()) == (1, "screen_up")
    assert find_sign({"gravity": [(0.0, 9.8, 0.0)]}, SignParams()) == (1, "assumed")


def test_missing_gravity_is_said_once() -> None:
    """A phone that sends only linear acceleration gives one sentence that says what to switch on."""
    t_s, acc, gyr = movement()
    out = run(packets(only(pushes(t_s, acc, gyr), "accelerometer", "gyroscope")))
    assert len(out) == 1
    assert "switch on Gravity" in out[0].reason


def test_a_new_recording_on_the_phone_goes_on() -> None:
    """A new session counts from zero again; what comes late from the old one is left out, the sign is kept."""
    t_s, acc, gyr = movement(4.0)
    first = pushes(t_s, acc, gyr)
    later = PhoneParams(session_id="second", phone_zero_ns=PhoneParams().phone_zero_ns + 10_000_000_000)
    second = [Push(push.send_s + 10.0, push.body) for push in pushes(t_s, acc * [1, -1, -1], gyr, later)]
    made = decoder()
    out = run(packets([*first, *second, first[3]]), made)
    gaps = [one for one in out if isinstance(one, Gap)]
    got_t, got_acc, _ = samples(out)
    assert len(gaps) == 1
    assert gaps[0].end_s - gaps[0].start_s == pytest.approx(6.0, abs=0.1)
    assert got_acc[-1, 2] < 0
    assert (np.diff(got_t) > 0).all()
    assert made.sign == 1


def test_a_link_that_was_away_is_named() -> None:
    """The gap after an interruption says that the link was lost."""
    t_s, acc, gyr = movement(10.0)
    arrived = packets(pushes(t_s, acc, gyr))
    made = decoder()
    before = run(arrived[:20], made)
    made.resumed(arrived[35].host_ns)
    after = run(arrived[35:], made)
    gaps = [one for one in [*before, *after] if isinstance(one, Gap)]
    assert [gap.reason for gap in gaps] == ["link_lost"]
    assert gaps[0].end_s - gaps[0].start_s == pytest.approx(3.0, abs=0.05)


def test_a_clock_that_is_set_back_starts_a_new_run() -> None:
    """The phone's clock may be corrected during the night; time on the session line still goes forward."""
    t_s, acc, gyr = movement(4.0)
    first = pushes(t_s, acc, gyr)
    back = PhoneParams(phone_zero_ns=PhoneParams().phone_zero_ns - 3_600_000_000_000)
    second = []
    for push in pushes(t_s, acc, gyr, back):
        data = json.loads(push.body)
        data["messageId"] += len(first)
        second.append(Push(push.send_s + 4.0, json.dumps(data).encode()))
    out = run(packets([*first, *second]))
    got_t, _, _ = samples(out)
    assert [one.reason for one in out if isinstance(one, Gap)] == ["clock_restart"]
    assert (np.diff(got_t) > 0).all()
    assert got_t[-1] == pytest.approx(8.0, abs=0.4)


def test_what_is_held_back_comes_out_in_the_end() -> None:
    """A recording of half a second, or one that ends behind a lost message, still gives its samples."""
    t_s, acc, gyr = movement(0.5)
    made = decoder()
    assert run(packets(pushes(t_s, acc, gyr)), made) == []
    short = made.finish()
    assert len(samples(short)[0]) >= 48
    assert made.finish() == ()
    t_s, acc, gyr = movement(4.0)
    arrived = packets(pushes(t_s, acc, gyr))
    del arrived[-3]
    made = decoder()
    out = [*run(arrived, made), *made.finish()]
    assert samples(out)[0][-1] - samples(out)[0][0] > 3.9
    assert [one.reason for one in out if isinstance(one, Gap)] == ["lost_packets"]


def test_battery_is_passed_on() -> None:
    """A phone that also logs its battery tells the charge in per cent."""
    t_s, acc, gyr = movement(3.0)
    sent = pushes(t_s, acc, gyr)
    data = json.loads(sent[2].body)
    data["payload"].append({"name": "battery", "time": 1_700_000_124_000_000_000, "values": {"batteryLevel": 0.73}})
    sent[2] = Push(sent[2].send_s, json.dumps(data).encode())
    assert [one.battery_percent for one in run(packets(sent)) if isinstance(one, DeviceInfo)] == [73]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"3",
        b"null",
        b'{"payload": 3}',
        b"{" * 40,
        b"[" * 200_000,
        b'{"payload": ' + b"9" * 9000,
    ],
)
def test_a_body_that_is_none_is_one_bad_packet(body: bytes) -> None:
    """Whatever the bytes, one bad packet says what was expected."""
    out = run([Packet(EPOCH_NS, "right-thigh", body)])
    assert [type(one) for one in out] == [BadPacket]
    assert out[0].reason.startswith("expected")


def test_readings_that_are_none_are_counted() -> None:
    """A reading without time, with text or with NaN is left out and counted; the rest of the message is used."""
    t_s, acc, gyr = movement(3.0)
    sent = pushes(t_s, acc, gyr)
    data = json.loads(sent[2].body)
    good = data["payload"][0]
    bad: list[Any] = [
        {"name": "gravity"}, {**good, "time": "soon"}, {**good, "time": True}, {**good, "time": -4},
        {**good, "values": []},
        {**good, "values": {"x": 1, "y": None, "z": 0}}, {**good, "values": {"x": float("nan"), "y": 0, "z": 0}},
        {**good, "values": {"x": 1e30, "y": 0, "z": 0}},
    ]  # fmt: skip
    data["payload"] += [*bad, None, 7, "gravity", {"name": 3}, {"name": "barometer", "values": 9}]
    sent[2] = Push(sent[2].send_s, json.dumps(data).encode())
    out = run(packets(sent))
    assert [one.reason for one in out if isinstance(one, BadPacket)] == ["8 readings without time or value"]
    assert len(samples(out)[0]) >= len(t_s) - 22


def test_the_apps_test_button_changes_nothing() -> None:
    """A push without readings, of another session, amid a recording leaves it alone."""
    t_s, acc, gyr = movement(4.0)
    arrived = packets(pushes(t_s, acc, gyr))
    test = dataclasses.replace(arrived[9], payload=encode_body(0, PhoneParams(session_id="test"), []))
    with_test = run([*arrived[:10], test, *arrived[10:]])
    np.testing.assert_array_equal(samples(with_test)[0], samples(run(arrived))[0])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ITEMS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["accelerometer", "gravity", "gyroscope", "orientation", "battery"]) | JSON,
        "time": st.integers(1_700_000_000_000_000_000, 1_700_000_009_000_000_000) | JSON,
        "values": st.fixed_dictionaries({"x": st.floats(), "y": st.floats(-20, 20), "z": st.integers()}) | JSON,
    },
)
BODIES = st.binary(max_size=40) | st.fixed_dictionaries(
    {"payload": st.lists(ITEMS | JSON, max_size=12)},
    optional={
        "messageId": st.integers(0, 12) | JSON,
        "sessionId": st.sampled_from(["a", "b"]) | JSON,
        "deviceId": st.sampled_from(["a", "b"]) | JSON,
    },
).map(lambda data: json.dumps(data).encode())


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(BODIES, st.integers(0, 3_000_000_000)), max_size=20))
def test_no_bytes_raise_and_time_never_goes_back(sent: list[tuple[bytes, int]]) -> None:
    """Random and almost right bodies in any order: no exception, blocks strictly increasing, values finite."""
    made = decoder()
    host_ns = EPOCH_NS
    last = -np.inf
    for body, later_ns in sent:
        host_ns += later_ns
        for one in made.feed(Packet(host_ns, "right-thigh", body)):
            if isinstance(one, ImuBlock):
                assert np.isfinite(one.acc_sensor_mps2).all()
                assert (np.diff(np.concatenate([[last], one.t_s])) > 0).all()
                last = one.t_s[-1]
