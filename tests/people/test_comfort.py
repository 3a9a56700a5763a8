"""Comfort before and after: asked, recorded, told, never judged."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sensorsoma.analysis import analyze_recording, differences_from_live
from sensorsoma.clock import Clock
from sensorsoma.decode.rows import encode_rows
from sensorsoma.errors import RecordingError
from sensorsoma.live.comfort import ComfortQuestion
from sensorsoma.messages import Message, Packet, SessionEnded, SettingsSnapshot, UserMark
from sensorsoma.people.comfort import comfort_of, parse_comfort
from sensorsoma.people.profile import read_profile
from sensorsoma.recording.reader import open_recording
from sensorsoma.recording.writer import Recorder
from sensorsoma.review.report import review
from sensorsoma.review.text import describe
from sensorsoma.session import Session
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.simulate import simulate_exercise

CLAMS = SessionSettings(
    sources=(
        SourceSettings(
            "right-thigh", "right-thigh", "file", "rows", link="simulated", config={"columns": 7, "rate_hz": 104}
        ),
    ),
    segments=(SegmentRequest("clamshell", "right", "right-thigh"),),
    usual_deg={"clamshell right": 50.0},
    usual_span_deg={"clamshell right": [48.0, 55.0]},
)
REST_PLAN = """schema_version = 1
name = "rest"
title = "Rest"
[[steps]]
id = "rest"
title = "Rest"
do = "rest"
seconds = 3
"""


@cache
def clams() -> Any:
    """Samples of two clamshells."""
    return simulate_exercise("clamshell", side="right", seed=5, n_reps=2).samples["right-thigh"]


class Clams:
    """Two clamshells as fast as they are taken, then the person says stop."""

    def __init__(self, clock: Clock, session: list[Session]) -> None:
        self._clock = clock
        self._session = session

    async def run(self, put: Any) -> None:
        samples = clams()
        first_ns = self._clock.now_ns()
        for begin in range(0, len(samples.t_s), 50):
            part = slice(begin, begin + 50)
            rows = encode_rows(samples.t_s[part], samples.acc_sensor_mps2[part], samples.gyr_sensor_radps[part])
            put(Packet(first_ns + round(float(samples.t_s[part][-1]) * 1e9), "right-thigh", rows))
        self._session[0].mark_stop()
        await asyncio.Event().wait()


def session_with(path: Path, question: ComfortQuestion) -> Session:
    """A session of clamshells that ends by the person and asks `question` before its file is closed."""
    clock, made = Clock(), list[Session]()
    session = Session(CLAMS, [Clams(clock, made)], clock, lambda settings: Recorder(path, settings), [question])
    made.append(session)
    return session


def test_what_is_said_after_the_end_is_in_the_recording(tmp_path: Path) -> None:
    """The file is closed when the question is answered; the replay is the same, and other marks change nothing."""
    path, question = tmp_path / "clams.mcap", ComfortQuestion()
    session = session_with(path, question)
    asked: list[str | None] = []

    async def answer() -> None:
        question.on_change.append(lambda: asked.append(question.asks))
        asyncio.get_running_loop().call_later(0.02, session.put, UserMark(7, "next"))
        asyncio.get_running_loop().call_later(0.05, session.put, UserMark(8, "comfort", "after 4"))
        await question.ask_after(5.0)

    session.before_close = answer
    session.put(UserMark(1, "comfort", "before 6"))
    assert asyncio.run(session.run()).ended_by == "person"
    assert asked == ["after", None]
    assert (question.before, question.after) == (6, 4)
    marks = [message for message in open_recording(path).inputs() if isinstance(message, UserMark)]
    assert [mark.detail or mark.kind for mark in marks] == ["before 6", "stop", "after 4"]
    assert open_recording(path).is_complete
    assert differences_from_live(path) == []
    assert analyze_recording(path).analysis["comfort"] == {"before": 6, "after": 4}


@pytest.mark.parametrize("how", ["skipped", "nobody answers"])
def test_a_question_that_is_left_says_nothing(tmp_path: Path, how: str) -> None:
    """Skipped or not answered in time: None, and the recording is whole."""
    path, question = tmp_path / "clams.mcap", ComfortQuestion()
    session = session_with(path, question)

    async def leave() -> None:
        if how == "skipped":
            asyncio.get_running_loop().call_later(0.02, question.skip)
        await question.ask_after(5.0 if how == "skipped" else 0.05)

    session.before_close = leave
    asyncio.run(session.run())
    assert question.asks is None
    assert open_recording(path).is_complete
    assert analyze_recording(path).analysis["comfort"] == {"before": None, "after": None}


def test_a_question_that_fails_or_is_cut_off_loses_nothing(tmp_path: Path) -> None:
    """A fault in asking is logged, a second Ctrl-C ends it; the file is closed either way."""

    async def fails() -> None:
        raise RuntimeError("a broken screen")

    async def cut(session: Session) -> None:
        task = asyncio.create_task(session.run())

        async def is_asked() -> None:
            asyncio.get_running_loop().call_soon(task.cancel)
            await asyncio.Event().wait()

        session.before_close = is_asked
        await task

    session = session_with(tmp_path / "fails.mcap", ComfortQuestion())
    session.before_close = fails
    assert asyncio.run(session.run()).ended_by == "person"
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cut(session_with(tmp_path / "cut.mcap", ComfortQuestion())))
    for name in ("fails.mcap", "cut.mcap"):
        assert open_recording(tmp_path / name).is_complete
        assert any(isinstance(output, SessionEnded) for output in open_recording(tmp_path / name).outputs())


def test_a_recording_that_fails_at_the_question_ends_it(tmp_path: Path) -> None:
    """Nobody is kept waiting for a disk that is full: the error is told at once."""

    class Full(Recorder):
        def write(self, message: Message) -> None:
            if isinstance(message, UserMark) and message.kind == "comfort":
                raise RecordingError("the disk is full")
            super().write(message)

    clock, made, question = Clock(), list[Session](), ComfortQuestion()
    session = Session(CLAMS, [Clams(clock, made)], clock, lambda found: Full(tmp_path / "full.mcap", found))
    made.append(session)

    async def answer() -> None:
        session.put(UserMark(8, "comfort", "after 4"))
        await question.ask_after(20.0)

    session.before_close = answer
    with pytest.raises(RecordingError, match="full"):
        asyncio.run(asyncio.wait_for(session.run(), 10.0))


def test_only_whole_numbers_from_0_to_10_are_comfort() -> None:
    """Everything else that stands in a recording or is typed is not counted as one."""
    assert [parse_comfort(text) for text in ("0", "10", " 7 ", "11", "-1", "6.5", "", "six")] == [0, 10, 7, *[None] * 5]
    strange = ["before 11", "before", "after -3", "during 5", "before 5 6", "after ²"]
    assert comfort_of(UserMark(1, "comfort", text) for text in strange) == {"before": None, "after": None}
    assert comfort_of([UserMark(1, "note", "before 5")]) == {"before": None, "after": None}


def test_text_and_report_show_comfort_and_what_is_usual(tmp_path: Path) -> None:
    """As said and as learnt, beside today's range, without a word of judgement; nothing said, nothing shown."""
    path, question = tmp_path / "clams.mcap", ComfortQuestion()
    session = session_with(path, question)
    for detail in ("before 6", "after 4"):
        session.put(UserMark(1, "comfort", detail))
    asyncio.run(session.run())
    trace = analyze_recording(path)
    assert trace.analysis["usual"] == {"clamshell right": {"range_deg": 50.0, "span_deg": [48.0, 55.0]}}
    text = describe(trace)
    assert "Comfort, 0 to 10: 6 before, 4 after." in text
    assert "usual: 48-55°" in text
    page = review(trace, tmp_path / "report").report_path.read_text(encoding="utf-8")
    assert "6 before, 4 after" in page
    assert "48 to 55" in page
    assert not [word for word in ("better", "worse", "improve", "score", "normal") if word in text.lower()]


# ------------------------------------------------------------------------------------- the program on a terminal


class OnTerminal:
    """`sensorsoma` on a pseudo-terminal, with somebody who answers what it asks."""

    def __init__(self, home: Path, *words: str) -> None:
        import pty

        self._pid, self._terminal = pty.fork()
        if not self._pid:
            os.chdir(home)
            environment = {**os.environ, "HOME": str(home), "SENSORSOMA_CONFIG": str(home / "config.toml")}
            os.execve(sys.executable, [sys.executable, "-m", "sensorsoma", *words], environment | {"TERM": "xterm"})
        self.said = ""
        self._seen = 0

    def wait_for(self, text: str, within_s: float = 40.0) -> None:
        """Reads until a text that was not waited for yet is there."""
        limit = time.monotonic() + within_s
        while text not in self.said[self._seen :]:
            assert time.monotonic() < limit, f"waited in vain for {text!r}: {self.said[-2000:]}"
            if not self._read():
                break
        assert text in self.said[self._seen :], self.said[-2000:]
        self._seen = self.said.index(text, self._seen) + len(text)

    def _read(self) -> bool:
        import select

        if not select.select([self._terminal], [], [], 0.2)[0]:
            return True
        try:
            data = os.read(self._terminal, 65536)
        except OSError:  # how Linux tells that the other end is gone
            data = b""
        self.said += data.decode(errors="replace")
        return bool(data)

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def interrupt(self) -> None:
        """Ctrl-C, which a terminal sends to all of its processes; nobody presses it the moment it is asked."""
        time.sleep(0.2)
        self.type("\x03")

    def ended(self) -> int:
        """Its exit code."""
        while self._read():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


COACH = ("coach", "rest.toml", "right-thigh=virtual", "--speed", "20", "--silent", "--no-report")
ON_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal exists on POSIX systems only")


@pytest.mark.link
@ON_POSIX
def test_first_use_on_a_terminal(tmp_path: Path) -> None:
    """The safety text is read, comfort said before and after; next time one line, and a slip in the name is caught."""
    (tmp_path / "rest.toml").write_text(REST_PLAN)
    first = OnTerminal(tmp_path, *COACH, "--person", "Anna")
    first.wait_for("New here: Anna")
    first.wait_for("Go to emergency care now")
    first.wait_for("Read and understood?")
    first.type("y\n")
    first.wait_for("How comfortable is your body right now")
    first.type("12\n")
    first.wait_for("A whole number from 0 to 10")
    first.type("6\n")
    first.wait_for("Begin?")
    first.type("y\n")
    first.wait_for("And now, from 0 to 10?")
    first.type("x4")
    first.wait_for("Comfort 4, noted.")
    assert first.ended() == 0, first.said

    (recording,) = (tmp_path / "recordings" / "anna").glob("*.mcap")
    opened = open_recording(recording)
    settings, mark = list(opened.inputs())[:2]
    assert opened.is_complete
    assert isinstance(settings, SettingsSnapshot)
    assert mark == UserMark(settings.host_ns, "comfort", "before 6")
    (note,) = read_profile(tmp_path / "people" / "anna.simulated.json").sessions
    assert (note.plan, note.is_finished, note.comfort) == ("rest", True, {"before": 6, "after": 4})

    second = OnTerminal(tmp_path, *COACH, "--person", "Annna")
    second.wait_for("Did you mean Anna?")
    second.type("\n")
    second.wait_for("Do less when anything hurts")
    second.wait_for("How comfortable")
    second.interrupt()
    second.wait_for("Begin?")
    second.type("n\n")
    assert second.ended() == 0, second.said
    assert "emergency" not in second.said
    assert not (tmp_path / "people" / "annna.json").exists()


@pytest.mark.link
@pytest.mark.soak
@ON_POSIX
def test_ctrl_c_at_the_last_question_skips_it_and_loses_nothing(tmp_path: Path) -> None:
    """The session was done: exit code 0, a whole recording, remembered as finished, nothing said of comfort."""
    (tmp_path / "rest.toml").write_text(REST_PLAN)
    session = OnTerminal(tmp_path, *COACH)
    session.wait_for("Read and understood?")
    session.type("y\n")
    session.wait_for("How comfortable")
    session.type("\n")
    session.wait_for("Begin?")
    session.type("y\n")
    session.wait_for("And now, from 0 to 10?")
    session.interrupt()
    assert session.ended() == 0, session.said
    (recording,) = (tmp_path / "recordings").glob("*.mcap")
    assert open_recording(recording).is_complete
    (note,) = read_profile(tmp_path / "people" / "_nameless.simulated.json").sessions
    assert (note.is_finished, note.comfort) == (True, {"before": None, "after": None})
