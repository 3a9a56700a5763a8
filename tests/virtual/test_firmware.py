"""The inside of a virtual sensor, without any radio."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.decode.soma_v1_control import STOP, IdentifyCommand, StartCommand
from sensorsoma.decode.soma_v1_frame import FrameError, decode_frame
from sensorsoma.virtual.feed import FileWaveform
from sensorsoma.virtual.firmware import Firmware
from sensorsoma.virtual.waveform import PersonWaveform, StillWaveform


def noise(n=300):
    rng = np.random.default_rng(0)
    return FileWaveform(np.arange(n) / 100, rng.normal(0, 5, (n, 3)), rng.normal(0, 1, (n, 3)))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.001, 0.7), min_size=1, max_size=30))
def test_frames_do_not_depend_on_when_they_are_asked_for(waits):
    """However rarely or often the sensor is looked after, it sends the same bytes."""

    def frames(times):
        firmware = Firmware(noise(), clock_offset_s=1.5)
        firmware.command(StartCommand(samples_per_frame=7).to_bytes(), 0.0, 244)
        return [payload for now_s in times for payload in firmware.frames_until(now_s)]

    assert frames([*np.cumsum(waits), 30.0]) == frames([30.0])


def test_dropped_frames_are_counted_in_the_next_frame_and_leave_a_hole_in_the_numbers():
    """What the radio did not take shows in both counters, by sample."""
    firmware = Firmware(noise())
    firmware.command(StartCommand(samples_per_frame=10).to_bytes(), 0.0, 244)
    got = []
    for i, payload in enumerate(firmware.frames_until(1.0)):
        is_sent = i not in (3, 4)
        firmware.account(payload, is_sent=is_sent)
        if is_sent:
            got.append(decode_frame(payload))
    assert got[3].number - got[2].number == 30
    assert got[3].dropped == 20
    assert firmware.info.dropped == 20
    assert firmware.info.sent == 10 * len(got)


def test_samples_per_frame_follow_the_wish_the_rate_and_the_mtu():
    """Asked for 60 in a frame, as many as fit come; asked for none, about 50 ms; at MTU 23 one."""
    firmware = Firmware(StillWaveform())
    for wish, payload, wanted in ((60, 244, 19), (0, 244, 5), (0, 20, 1), (0, 182, 5)):
        firmware.command(StartCommand(samples_per_frame=wish).to_bytes(), 0.0, payload)
        frames = [decode_frame(frame) for frame in firmware.frames_until(3.0)]
        assert {frame.n_samples for frame in frames} == {wanted}
        firmware = Firmware(StillWaveform())


@pytest.mark.parametrize(
    ("payload", "is_acc_only", "is_short"),
    [(20, False, True), (21, False, True), (23, False, True), (24, False, False), (20, True, False), (23, True, False)],
)
def test_no_frame_is_longer_than_the_link_holds(payload: int, is_acc_only: bool, is_short: bool):
    """Where a sample does not fit behind the long header, the frame is short; elsewhere it counts what is dropped."""
    firmware = Firmware(StillWaveform())
    firmware.command(StartCommand(samples_per_frame=5, is_acc_only=is_acc_only).to_bytes(), 0.0, payload)
    frames = list(firmware.frames_until(1.0))
    assert max(len(frame) for frame in frames) <= payload
    assert {decode_frame(frame).dropped is None for frame in frames} == {is_short}


def test_restart_begins_numbers_and_counters_anew_but_not_the_clock():
    """After a second start the first frame is marked, number 0, and the device clock has gone on."""
    firmware = Firmware(StillWaveform(), clock_offset_s=10.0)
    firmware.command(StartCommand().to_bytes(), 0.0, 244)
    before = [decode_frame(frame) for frame in firmware.frames_until(1.0)]
    firmware.command(STOP, 1.5, 244)
    firmware.command(StartCommand().to_bytes(), 5.0, 244)
    after = [decode_frame(frame) for frame in firmware.frames_until(6.0)]
    assert after[0].is_first
    assert after[0].number == 0
    assert not after[1].is_first
    assert after[0].first_us > before[-1].first_us + 3_900_000


def test_identify_blinks_and_wrong_commands_change_nothing():
    """Identify lasts as long as asked; a refused command leaves the stream running."""
    firmware = Firmware(StillWaveform())
    firmware.command(StartCommand(rate_hz=52).to_bytes(), 0.0, 244)
    firmware.command(IdentifyCommand(4).to_bytes(), 2.0, 244)
    assert firmware.blinks_until_s == 6.0
    for wrong in (b"", b"\x01", StartCommand(rate_hz=9).to_bytes(), StartCommand(gyr_range_dps=3).to_bytes()):
        with pytest.raises(FrameError):
            firmware.command(wrong, 3.0, 244)
    assert firmware.is_streaming
    assert firmware.info.rate_hz == 52


def test_a_person_goes_on_where_time_is_after_a_break():
    """While nobody listens the person lives on: the device clock after a reconnect is true time."""
    from sensorsoma.simulate.difficulties import Difficulties
    from sensorsoma.simulate.live_person import LivePerson

    waveform = PersonWaveform(LivePerson(1, Difficulties.none()), "right-thigh")
    waveform.start(2.0, 104.0)
    first = waveform.read(4.0)
    waveform.start(30.0, 104.0)
    again = waveform.read(31.0)
    assert len(first.device_t_s) == pytest.approx(208, abs=2)
    assert len(again.device_t_s) == pytest.approx(104, abs=2)
    assert again.device_t_s[0] == pytest.approx(30.0, abs=0.02)
    assert np.linalg.norm(again.acc_sensor_mps2, axis=1) == pytest.approx(9.81, abs=0.3)
