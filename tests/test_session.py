"""A session from source to closed file: what is recorded, shown and ended, also when something goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sensorsoma.analysis import analyze_recording, differences_from_live
from sensorsoma.cli.samples import bundled_sample
from sensorsoma.clock import Clock
from sensorsoma.decode.rows import encode_rows
from sensorsoma.errors import DeviceNotFoundError, RecordingError
from sensorsoma.messages import (
    Input,
    Message,
    Packet,
    RepCompleted,
    SegmentMeasured,
    SessionEnded,
    SettingsSnapshot,
    SourceStatus,
    StepStarted,
    UserMark,
)
from sensorsoma.recording.reader import open_recording
from sensorsoma.recording.writer import Recorder
from sensorsoma.session import Session
from sensorsoma.settings import AUTO, SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.simulate import simulate_exercise
from sensorsoma.sources.playback import PlaybackSource

Put = Callable[[Input | SourceStatus], None]

SETTINGS = SessionSettings(
    sources=(
        SourceSettings(
            "right-thigh", "right-thigh", "file", "rows", link="simulated", config={"columns": 7, "rate_hz": 104}
        ),
    ),
    segments=(SegmentRequest("clamshell", "right", "right-thigh"),),
)


class RowsSource:
    """Delivers a simulated exercise as fast as it is taken."""

    def __init__(self, clock: Clock, *, n_reps: int = 3, waits_forever: bool = False) -> None:
        samples = simulate_exercise("clamshell", side="right", seed=5, n_reps=n_reps).samples["right-thigh"]
        self._rows = (samples.t_s, samples.acc_sensor_mps2, samples.gyr_sensor_radps)
        self._clock = clock
        self._waits_forever = waits_forever
        self.was_cancelled = False

    async def run(self, put: Put) -> None:
        try:
            await self._deliver(put)
            if self._waits_forever:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise

    async def _deliver(self, put: Put) -> None:
        t_s, acc, gyr = self._rows
        first_ns = self._clock.now_ns()
        for begin in range(0, len(t_s), 20):
            part = slice(begin, begin + 20)
            host_ns = first_ns + round(float(t_s[part][-1]) * 1e9)
            put(Packet(host_ns, "right-thigh", encode_rows(t_s[part], acc[part], gyr[part])))
            await asyncio.sleep(0)


class NobodyThere:
    """A sensor that is never heard."""

    async def run(self, put: Put) -> None:
        await asyncio.sleep(0.01)
        raise DeviceNotFoundError("Listened for a sensor and did not hear it; wake it.")


class Listening:
    """Keeps what it is told; may be made to fail."""

    def __init__(self, *, fails: bool = False) -> None:
        self.heard: list[Message] = []
        self._fails = fails

    def on_message(self, message: Message) -> None:
        self.heard.append(message)
        if self._fails:
            raise RuntimeError("a broken screen")


def test_what_was_counted_live_is_counted_again_from_the_file(tmp_path: Path) -> None:
    """The recording of a session gives the same events when it is replayed, and the same count when it is analysed."""
    clock, listener = Clock(), Listening()
    path = tmp_path / "session.mcap"
    session = Session(SETTINGS, [RowsSource(clock)], clock, lambda settings: Recorder(path, settings), [listener])
    outcome = asyncio.run(session.run())
    assert outcome.ended_by == "sources"
    live = [m for m in listener.heard if isinstance(m, SegmentMeasured)]
    assert live[0].measures["count"] >= 3
    assert differences_from_live(path) == []
    assert analyze_recording(path).segments[0]["count"] == live[0].measures["count"]


def test_settings_come_first_and_packets_are_recorded_untouched(tmp_path: Path) -> None:
    """A recording begins with all that was chosen, and holds the bytes as they came."""
    clock, listener = Clock(), Listening()
    path = tmp_path / "session.mcap"
    asyncio.run(
        Session(SETTINGS, [RowsSource(clock)], clock, lambda settings: Recorder(path, settings), [listener]).run()
    )
    inputs = list(open_recording(path).inputs())
    assert isinstance(inputs[0], SettingsSnapshot)
    sent = [m for m in listener.heard if isinstance(m, Packet)]
    assert [m for m in inputs if isinstance(m, Packet)] == sent


def test_a_comfort_number_given_while_sensors_are_looked_for_is_kept(tmp_path: Path) -> None:
    """It stands right after the settings, stamped with the beginning; other early marks are no part of the session."""
    clock = Clock()
    path = tmp_path / "session.mcap"
    session = Session(SETTINGS, [RowsSource(clock)], clock, lambda settings: Recorder(path, settings))
    session.put(UserMark(5, "next"))
    session.put(UserMark(6, "comfort", "before 6"))
    asyncio.run(session.run())
    first, second, *others = open_recording(path).inputs()
    assert isinstance(first, SettingsSnapshot)
    assert second == UserMark(first.host_ns, "comfort", "before 6")
    assert not any(isinstance(message, UserMark) for message in others)
    assert differences_from_live(path) == []


def test_a_sensor_that_is_never_heard_ends_it_in_one_sentence_and_leaves_no_file(tmp_path: Path) -> None:
    """Before anything was measured there is nothing to keep."""
    clock = Clock()
    path = tmp_path / "session.mcap"
    session = Session(SETTINGS, [NobodyThere()], clock, lambda settings: Recorder(path, settings))
    with pytest.raises(DeviceNotFoundError, match="did not hear it"):
        asyncio.run(session.run())
    assert not path.exists()


def test_a_failing_screen_is_left_out_and_the_session_goes_on(tmp_path: Path) -> None:
    """A listener that raises is dropped after its first failure; counting and recording are untouched."""
    clock, broken, whole = Clock(), Listening(fails=True), Listening()
    path = tmp_path / "session.mcap"
    asyncio.run(
        Session(SETTINGS, [RowsSource(clock)], clock, lambda settings: Recorder(path, settings), [broken, whole]).run()
    )
    assert len(broken.heard) == 1
    assert sum(isinstance(m, RepCompleted) for m in whole.heard) >= 3


def test_a_failing_recorder_ends_the_session() -> None:
    """What cannot be kept is not practised on: a full disk is told at once."""

    class FullDisk:
        def write(self, message: Message) -> None:
            if isinstance(message, Packet):
                raise RecordingError("The disk is full; free some space and start again.")

        def close(self) -> None:
            pass

    clock = Clock()
    source = RowsSource(clock, waits_forever=True)
    with pytest.raises(RecordingError, match="disk is full"):
        asyncio.run(Session(SETTINGS, [source], clock, lambda _settings: FullDisk()).run())
    assert source.was_cancelled


def test_stop_ends_it_and_the_device_is_released(tmp_path: Path) -> None:
    """The stop key closes the file with everything in it and lets every source say goodbye."""
    clock, listener = Clock(), Listening()
    path = tmp_path / "session.mcap"
    source = RowsSource(clock, waits_forever=True)

    async def run() -> str:
        session = Session(SETTINGS, [source], clock, lambda settings: Recorder(path, settings), [listener])
        asyncio.get_running_loop().call_later(0.8, session.mark_stop)
        return (await session.run()).ended_by

    assert asyncio.run(run()) == "person"
    assert source.was_cancelled
    assert open_recording(path).is_complete
    assert any(isinstance(m, SegmentMeasured) for m in listener.heard)


def test_being_cancelled_again_while_a_sensor_stops_still_closes_the_file(tmp_path: Path) -> None:
    """However often Ctrl-C is pressed while a slow sensor says goodbye, the recording gets its end."""

    class SlowToStop(RowsSource):
        async def run(self, put: Put) -> None:
            try:
                await super().run(put)
            finally:
                await asyncio.sleep(0.5)

    clock = Clock()
    path = tmp_path / "session.mcap"

    async def run() -> None:
        session = Session(
            SETTINGS, [SlowToStop(clock, waits_forever=True)], clock, lambda settings: Recorder(path, settings)
        )
        running = asyncio.create_task(session.run())
        await asyncio.sleep(0.4)
        for _ in range(3):
            running.cancel()
            await asyncio.sleep(0.05)
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(run())
    assert open_recording(path).is_complete


def test_a_replay_that_is_stopped_ends_at_its_own_time() -> None:
    """Not at today's: the step that was left did not take the days since the recording was made."""
    recording = open_recording(bundled_sample("short"))
    clock = Clock(40.0)

    class Stopping(Listening):
        """Asks for the end once the first step has begun."""

        def on_message(self, message: Message) -> None:
            super().on_message(message)
            if isinstance(message, StepStarted):
                session.mark_stop()

    listener = Stopping()
    playback = PlaybackSource(recording.inputs(), clock)
    session = Session(recording.settings, [playback], clock, listeners=[listener], is_replay=True)
    asyncio.run(session.run())
    begun = next(m for m in listener.heard if isinstance(m, StepStarted))
    ended = next(m for m in listener.heard if isinstance(m, SessionEnded))
    assert begun.t_s <= ended.t_s < begun.t_s + 10


def test_stop_before_anything_came_leaves_nothing_behind(tmp_path: Path) -> None:
    """Stopping while a sensor is still being looked for records nothing."""

    class Searching:
        async def run(self, put: Put) -> None:
            put(SourceStatus(0, "right-thigh", "searching"))
            await asyncio.sleep(60)

    clock = Clock()
    path = tmp_path / "session.mcap"

    async def run() -> bool:
        session = Session(SETTINGS, [Searching()], clock, lambda settings: Recorder(path, settings))
        asyncio.get_running_loop().call_later(0.1, session.mark_stop)
        return (await session.run()).has_begun

    assert asyncio.run(run()) is False
    assert not path.exists()


def test_regrouped_samples_give_the_same_reps() -> None:
    """The same rows in packets of any size give the same reps."""
    from sensorsoma.pipeline import Pipeline

    samples = simulate_exercise("clamshell", side="right", seed=8, n_reps=3).samples["right-thigh"]

    def reps(size: int) -> list[RepCompleted]:
        pipeline = Pipeline()
        said = list(pipeline.feed(SettingsSnapshot(0, SETTINGS.to_json())))
        for begin in range(0, len(samples.t_s), size):
            part = slice(begin, begin + size)
            rows = encode_rows(samples.t_s[part], samples.acc_sensor_mps2[part], samples.gyr_sensor_radps[part])
            said += pipeline.feed(Packet(round(float(samples.t_s[part][-1]) * 1e9), "right-thigh", rows))
        said += pipeline.finish()
        return [m for m in said if isinstance(m, RepCompleted)]

    assert reps(1) == reps(7) == reps(500)
    assert np.all(np.diff([rep.t_s for rep in reps(7)]) > 0)


def test_what_a_sensor_turned_out_to_be_stands_in_the_settings(tmp_path: Path) -> None:
    """Its format and what it said of its stream are in the first input, so the file can be decoded years later; until
    they are known, packets of other sensors are not recorded."""

    class FoundLate(RowsSource):
        """Says what it is only when it is heard."""

        async def run(self, put: Put) -> None:
            put(Packet(clock.now_ns(), "right-thigh", b"of no known format"))
            await asyncio.sleep(0)
            put(SourceStatus(clock.now_ns(), "right-thigh", "streaming", decoder="rows", config={"columns": 7}))
            await super().run(put)

    clock, path = Clock(), tmp_path / "session.mcap"
    unknown = replace(SETTINGS.sources[0], decoder=AUTO, config={})
    settings = replace(SETTINGS, sources=(unknown,))
    asyncio.run(Session(settings, [FoundLate(clock)], clock, lambda found: Recorder(path, found)).run())
    recording = open_recording(path)
    assert (recording.settings.sources[0].decoder, recording.settings.sources[0].config) == ("rows", {"columns": 7})
    assert not any(isinstance(m, Packet) and m.payload == b"of no known format" for m in recording.inputs())
    assert analyze_recording(path).segments[0]["count"] >= 3


def test_nothing_is_recorded_before_every_sensor_has_said_how_it_is_read(tmp_path: Path) -> None:
    """A sensor whose kind is kept is waited for too: its factors are told at its start, and the file begins with them,
    even when another sensor was ready first."""

    class StartedLate(RowsSource):
        """Tells the width of its rows when it is started, after the other one already streams."""

        async def run(self, put: Put) -> None:
            for i in range(3):
                put(Packet(clock.now_ns() + i, "pelvis", b"early bird"))
                await asyncio.sleep(0)
            put(SourceStatus(clock.now_ns(), "right-thigh", "starting"))
            put(SourceStatus(clock.now_ns(), "right-thigh", "streaming", decoder="rows", config={"columns": 7}))
            await super().run(put)

    clock, path = Clock(), tmp_path / "session.mcap"
    kept = replace(SETTINGS.sources[0], kind="ble", config={})
    settings = replace(SETTINGS, sources=(SourceSettings("pelvis", "pelvis", "file", "rows"), kept))
    asyncio.run(Session(settings, [StartedLate(clock)], clock, lambda found: Recorder(path, found)).run())
    recording = open_recording(path)
    assert [source.config for source in recording.settings.sources] == [{}, {"columns": 7}]
    assert not any(isinstance(m, Packet) and m.payload == b"early bird" for m in recording.inputs())
    assert analyze_recording(path).segments[0]["count"] >= 3
