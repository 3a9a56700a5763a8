"""Before the lights go out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import numpy as np
import pytest

from sensorsoma.checks import SeatCheck, judge_battery, judge_rest, judge_signal, look, try_sound
from sensorsoma.clock import Clock
from sensorsoma.errors import DeviceNotFoundError
from sensorsoma.live.findings import Finding
from sensorsoma.live.speech import Speaker
from sensorsoma.messages import BadPacket, Floats, Gap, ImuBlock, Packet, SourceStatus
from sensorsoma.sources.base import Put

G = 9.80665


def still(seconds: float = 5.0, rate_hz: float = 104.0, length_g: float = 1.0) -> Floats:
    """A sensor at rest, with a little noise."""
    n = round(seconds * rate_hz)
    return np.tile([0.6, 0.0, 0.8], (n, 1)) * length_g * G + 0.02 * np.random.default_rng(3).standard_normal((n, 3))


def block(acc: Floats, rate_hz: float = 104.0, has_gyr: bool = True, start_s: float = 0.0) -> ImuBlock:
    """Samples as they come from a decoder."""
    t_s = start_s + np.arange(len(acc)) / rate_hz
    return ImuBlock("right-thigh", rate_hz, t_s, acc, np.zeros_like(acc) if has_gyr else None)


def seat(*messages: object, expected_hz: float | None = None) -> list[Finding]:
    """What a seat finds after these messages."""
    check = SeatCheck("right-thigh", expected_hz)
    for message in messages:
        check.on_message(message)
    return check.findings()


@pytest.mark.parametrize(
    ("length_g", "outcome"),
    [
        (1.0, "ok"),
        (0.985, "ok"),
        (1.015, "ok"),
        (0.97, "warn"),
        (1.05, "warn"),
        (0.85, "bad"),
        (1.2, "bad"),
        (9.8, "bad"),
    ],
)  # fmt: skip
def test_gravity_has_its_length(length_g: float, outcome: str) -> None:
    """Within 2 % is fine, within 10 % a note, beyond that the sensor is not used."""
    finding = judge_rest(still(length_g=length_g), 104.0)
    assert finding.outcome == outcome
    assert f"{length_g:.2f}" in finding.found


def test_a_still_second_is_enough() -> None:
    """Fidgeting around one still second does not disturb; without any still second the person is asked to lie still."""
    noise = 3.0 * np.random.default_rng(4).standard_normal((520, 3))
    fidgeting = still() + noise
    assert judge_rest(fidgeting, 104.0).outcome == "warn"
    assert "Lie still" in judge_rest(fidgeting, 104.0).mend
    fidgeting[200:330] -= noise[200:330]
    assert judge_rest(fidgeting, 104.0).outcome == "ok"
    assert "Too little" in judge_rest(still(0.3), 104.0).found


@pytest.mark.parametrize(("percent", "outcome"), [(100, "ok"), (21, "ok"), (20, "warn"), (9, "warn"), (8, "bad")])
def test_the_battery_is_judged(percent: int, outcome: str) -> None:
    """A fifth is a note, a twelfth stands in the way."""
    finding = judge_battery(percent)
    assert finding is not None
    assert finding.outcome == outcome


def test_a_sensor_that_does_not_tell_its_charge_is_not_judged() -> None:
    """No charge is no finding, not zero."""
    assert judge_battery(None) is None


def test_a_good_seat_is_three_calm_lines() -> None:
    """Samples, rest and battery, with a hint for the hand, and simulated is said."""
    status = SourceStatus(0, "right-thigh", "streaming", battery_percent=87, is_simulated=True)
    findings = seat(status, block(still()), BadPacket(0, "pelvis", "of another sensor"))
    assert [finding.outcome for finding in findings] == ["ok", "ok", "ok"]
    assert all(finding.name == "right-thigh (simulated)" for finding in findings)
    assert "104 samples a second" in findings[0].found
    assert "Pull at it lightly" in findings[1].mend
    assert "87 %" in findings[2].found


def test_silence_says_what_the_source_said() -> None:
    """A seat without samples is in the way and passes on the source's own advice and the last reason."""
    status = SourceStatus(0, "right-thigh", "searching", "Start recording in Sensor Logger.")
    (finding,) = seat(status, BadPacket(0, "right-thigh", "expected JSON"))
    assert (finding.outcome, finding.mend) == ("bad", "Start recording in Sensor Logger.")
    assert "expected JSON" in finding.found


@pytest.mark.parametrize(
    ("messages", "expected_hz", "outcome", "words"),
    [
        ([block(still(rate_hz=20.0), 20.0)], None, "bad", "At least 25"),
        ([block(still(rate_hz=30.0), 30.0)], None, "warn", "Shaking needs about 50"),
        ([block(still())], 208.0, "warn", "208 were expected"),
        ([block(still(2.0)), Gap("right-thigh", 2.0, 3.0, None, "lost_packets"), block(still(2.0), start_s=3.0)], None,
         "warn", "20 % were lost"),
        ([block(still()), BadPacket(0, "right-thigh", "too short")], None, "warn", "too short"),
        ([block(still(), has_gyr=False)], None, "ok", "acceleration only"),
    ],
)  # fmt: skip
def test_what_the_link_lacks_is_named(
    messages: list[object], expected_hz: float | None, outcome: str, words: str
) -> None:
    """Too slow, unexpected, lossy or unreadable: one sentence each."""
    finding = seat(*messages, expected_hz=expected_hz)[0]
    assert finding.outcome == outcome
    assert words in finding.line()


class Steady:
    """A source that gives a packet every millisecond until it is stopped."""

    def __init__(self) -> None:
        self.was_stopped = False

    async def run(self, put: Put) -> None:
        try:
            index = 0
            while True:
                put(Packet(index, "right-thigh", index.to_bytes(4, "big")))
                index += 1
                await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            self.was_stopped = True
            raise


class Absent:
    """A source that finds nothing."""

    async def run(self, put: Put) -> None:
        put(SourceStatus(0, "pelvis", "searching"))
        raise DeviceNotFoundError("No sensor answered for pelvis; switch it on.")


def decode(message: object) -> Iterable[object]:
    """A tenth of a second of rest for each packet."""
    if not isinstance(message, Packet):
        return []
    return [block(still(0.1, 100.0), 100.0, start_s=0.1 * int.from_bytes(message.payload, "big"))]


def test_looking_ends_when_enough_was_seen() -> None:
    """Sources are stopped as soon as every seat has its seconds."""
    source = Steady()
    findings = asyncio.run(look([source], decode, {"right-thigh": SeatCheck("right-thigh")}, Clock()))
    assert source.was_stopped
    assert [finding.outcome for finding in findings] == ["ok", "ok"]


def test_an_absent_sensor_is_said_and_the_others_are_judged() -> None:
    """One that is not there does not hide the one that is, and is not waited for."""
    statuses: list[SourceStatus] = []
    seats = {"right-thigh": SeatCheck("right-thigh"), "pelvis": SeatCheck("pelvis")}
    findings = asyncio.run(look([Steady(), Absent()], decode, seats, Clock(), 5.0, statuses.append))
    assert [finding.outcome for finding in findings] == ["bad", "ok", "ok"]
    assert "switch it on" in findings[0].found
    assert [status.state for status in statuses] == ["searching"]


def test_patience_has_an_end() -> None:
    """A sensor that stays silent is judged after the patience is over."""
    seats = {"right-thigh": SeatCheck("right-thigh"), "pelvis": SeatCheck("pelvis")}
    findings = asyncio.run(look([Steady()], decode, seats, Clock(), 0.3))
    assert [finding.outcome for finding in findings] == ["ok", "ok", "bad"]


def test_without_a_voice_the_sound_check_says_so() -> None:
    """The check ends by itself and tells that the words are shown."""

    async def check() -> Finding:
        return await try_sound(Speaker(Clock(speed=50.0), lambda _cue_id: None))

    finding = asyncio.run(check())
    assert finding.outcome == "warn"
    assert "shown on the screen" in finding.found


@pytest.mark.parametrize(("rssi_dbm", "outcome"), [(-55, "ok"), (-84, "ok"), (-85, "warn"), (-97, "warn")])
def test_a_weak_signal_is_named_while_there_is_still_light(rssi_dbm: int, outcome: str) -> None:
    """A signal without anything to spare is a note; what is not known is not told."""
    finding = judge_signal(rssi_dbm)
    assert finding is not None
    assert (finding.outcome, str(rssi_dbm) in finding.found) == (outcome, True)
    assert judge_signal(None) is None
    status = SourceStatus(0, "right-thigh", "streaming", rssi_dbm=rssi_dbm)
    later = SourceStatus(1, "right-thigh", "streaming")
    assert finding.found in [each.found for each in seat(status, later, block(still()))]
