"""What is on the screen, for every kind of message."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest

from sensorsoma.live.draw import Ink, big_rows, draw_big, draw_line, width
from sensorsoma.live.keys import HELP
from sensorsoma.live.terminal import Terminal
from sensorsoma.live.view import SensorView, View, done_text
from sensorsoma.messages import (
    Cue,
    LiveAngle,
    Message,
    RepCompleted,
    SessionContinued,
    SessionEnded,
    SessionPaused,
    SettingsSnapshot,
    SourceStatus,
    StepFinished,
    StepStarted,
    StreamInterrupted,
    Tick,
)

SNAPSHOT = SettingsSnapshot(0, {"sources": [{"channel": "right-thigh", "link": "simulated"}]})
STREAMING = SourceStatus(0, "right-thigh", "streaming", battery_percent=87, is_simulated=True)
STEP = StepStarted(1.0, "clam-right", 2, 12, "Clamshell, right", "clamshell", "right", False, None, {"reps": 8})
SAID = Cue(1, 1.0, "clamshell.start", "say", "Open the knee, slowly.", 2.0)
REP = RepCompleted(5.0, 5.2, "clamshell", "right", 1, 3.0, 6.0, 32.0, False, None)
ANGLE = LiveAngle(5.0, "clamshell", "right", "right-thigh", 31.6)
FINISHED = StepFinished(
    9.0, "clam-right", 2, "Clamshell, right", "clamshell", "right", 1.0, 9.0, {"reps": 8}, {"reps": 7}, "reps", True
)
EVERYTHING: list[Message] = [
    SNAPSHOT, STREAMING, STEP, SAID, REP, ANGLE, Tick(0), FINISHED, SessionPaused(9.0), SessionContinued(9.5),
    StreamInterrupted(0, "right-thigh", "no data"), SessionEnded(10.0, "plan"),
]  # fmt: skip


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def seen(text: str) -> str:
    """The text without colours and cursor moves."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)


def filled() -> View:
    """A view amid a set."""
    view = View()
    for message in (SNAPSHOT, STREAMING, STEP, SAID, REP, REP, ANGLE):
        view.take(message)
    return view


def test_one_line_says_it_all() -> None:
    """Step of steps, count, angle, sentence, sensor with battery, and that it is simulated."""
    line = draw_line(filled(), 200, Ink(is_colored=False))
    assert line == ("3/12 Clamshell, right   2 of 8 · 32°   Open the knee, slowly.   simulated · right-thigh ok 87 %")


@pytest.mark.parametrize("columns", [1, 5, 20, 40, 60, 79, 100])
def test_the_line_never_wraps(columns: int) -> None:
    """However narrow the window, the line stays one line, and the sentence gives way first."""
    line = draw_line(filled(), columns, Ink(is_colored=False))
    assert width(line) <= columns
    if columns >= 79:
        assert "3/12" in line
        assert "2 of 8" in line
        assert "simulated" in line


def test_an_answer_to_a_key_is_seen_beside_two_sensors() -> None:
    """On 80 columns the question that a key asks, and a pause, can be read; the sensors give way to them."""
    view = replace(filled(), title="Right knee falls out", notice="Comfort, 0 (none) to 10 (whole):")
    for place in ("left-thigh", "pelvis"):
        view.sensors[place] = SensorView("streaming", 82)
    assert "Comfort, 0 (none) to" in draw_line(view, 79, Ink(is_colored=False))
    view.is_simulated = True
    assert "simulated" in draw_line(view, 79, Ink(is_colored=False))
    view.is_paused, view.notice = True, ""
    line = draw_line(view, 79, Ink(is_colored=False))
    assert "paused" in line
    assert len(line) <= 79


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize("places", [("right-thigh", "pelvis"), ("right-thigh", "left-thigh", "belly")])
def test_help_and_comfort_are_seen_whole_and_go_again(columns: int, places: tuple[str, ...]) -> None:
    """All keys stand above the line; a question stays until it is answered; the answer is read, then gone."""
    stream, now_s = Tty(), [0.0]
    terminal = Terminal(stream, "line", size=lambda: (columns, 24), now_s=lambda: now_s[0])
    snapshot = SettingsSnapshot(0, {"sources": [{"channel": place, "link": "simulated"} for place in places]})
    for message in (snapshot, *(replace(STREAMING, channel=place) for place in places), STEP, SAID, REP, ANGLE):
        terminal.on_message(message)
    terminal.notice(HELP)
    assert all(key in seen(stream.getvalue()) for key in HELP.split(" · "))

    def line_now() -> str:
        return seen(stream.getvalue()).rpartition("\r")[2]

    question = "Comfort afterwards, from 0 (not at all) to 10 (wholly):"
    terminal.notice(question)
    now_s[0] = 60.0
    terminal.on_message(Tick(1))
    assert question in line_now()
    terminal.on_message(SessionPaused(9.0))
    assert "simulated" in line_now()
    terminal.notice("Comfort 6, noted.")
    drawn = stream.getvalue().count("noted")
    for _ in range(30):
        terminal.on_message(Tick(2))
    assert (drawn, stream.getvalue().count("noted")) == (1, 1)
    assert width(line_now()) <= columns - 1
    now_s[0] = 70.0
    terminal.on_message(Tick(3))
    assert "noted" not in line_now()
    assert "paused" in line_now()


def test_a_battery_told_again_is_no_news_and_there_is_no_minus_zero() -> None:
    """In plain lines a sensor is named when its state changes; an angle about zero is zero."""
    stream = io.StringIO()
    terminal = Terminal(stream)
    for message in (STREAMING, replace(STREAMING, battery_percent=86), replace(STREAMING, battery_percent=None)):
        terminal.on_message(message)
    assert stream.getvalue().splitlines() == ["right-thigh (simulated): ok"]
    for state in ("lost", "searching", "connecting", "starting", "streaming"):
        terminal.on_message(replace(STREAMING, state=state))
    assert [line.partition(": ")[2] for line in stream.getvalue().splitlines()[1:]] == [
        "away, coming back by itself", "ok",
    ]  # fmt: skip
    terminal.on_message(replace(ANGLE, angle_deg=-0.4))
    assert terminal.view.angle_text == "0°"
    assert "0°" in done_text(replace(FINISHED, done={"final_deg": -0.3}))
    assert "-0" not in done_text(replace(FINISHED, done={"final_deg": -0.3}))


def test_colours_are_dark() -> None:
    """Only three dark, warm colours are used."""
    line = draw_line(filled(), 200, Ink())
    assert set(re.findall(r"38;5;(\d+)", line)) <= {"52", "94", "130"}
    assert seen(line) == draw_line(filled(), 200, Ink(is_colored=False))


def test_the_big_screen_shows_the_count() -> None:
    """The count stands in large digits, and every row fits the window."""
    page = seen(draw_big(filled(), 60, 24, Ink()))
    lines = page.split("\r\n")
    assert len(lines) == 24
    assert all(width(line) <= 60 for line in lines)
    assert all(any(row in line for line in lines) for row in big_rows("2"))
    assert "Open the knee, slowly." in page
    assert "simulated · right-thigh ok 87 %" in lines[-1]


@pytest.mark.parametrize("mode", ["line", "big"])
def test_a_terminal_is_left_as_it_was(mode: str) -> None:
    """The cursor is hidden once and shown again at the end; closing twice changes nothing."""
    stream = Tty()
    terminal = Terminal(stream, mode, size=lambda: (80, 24))  # type: ignore[arg-type] # a literal
    for message in EVERYTHING:
        terminal.on_message(message)
    terminal.close()
    text = stream.getvalue()
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1
    assert text.count("\x1b[?1049h") == text.count("\x1b[?1049l") == (mode == "big")
    assert text.rindex("\x1b[?25h") > text.rindex("3/12")


def test_angles_wait_for_the_next_tick() -> None:
    """Ten angles between two ticks are drawn once."""
    stream = Tty()
    terminal = Terminal(stream, size=lambda: (80, 24))
    terminal.on_message(STEP)
    length = len(stream.getvalue())
    for degrees in range(10):
        terminal.on_message(LiveAngle(5.0, "clamshell", "right", "right-thigh", float(degrees)))
    assert len(stream.getvalue()) == length
    terminal.on_message(Tick(0))
    terminal.on_message(Tick(1))
    assert seen(stream.getvalue()[length:]).count("9°") == 1


def test_without_a_terminal_plain_lines_are_printed() -> None:
    """A log file gets one line for each thing that happens, without control characters."""
    stream = io.StringIO()
    terminal = Terminal(stream)
    for message in EVERYTHING:
        terminal.on_message(message)
    terminal.notice("The voice is away.")
    assert stream.getvalue().splitlines() == [
        "right-thigh (simulated): ok",
        "3/12 Clamshell, right",
        "  Open the knee, slowly.",
        "    looking back at Clamshell, right: 7 of 8 reps",
        "The voice is away.",
    ]


def test_no_colour_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR gives the line without colours."""
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Tty()
    Terminal(stream, size=lambda: (80, 24)).on_message(STEP)
    assert "38;5" not in stream.getvalue()


def test_a_stream_that_lacks_letters_still_gets_the_rest() -> None:
    """On an ASCII terminal the degree sign is replaced, nothing fails."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    terminal = Terminal(stream, "line", size=lambda: (80, 24))
    terminal.on_message(STEP)
    terminal.on_message(ANGLE)
    terminal.on_message(Tick(0))
    stream.flush()
    assert b"32?" in raw.getvalue()


def test_what_was_not_measured_is_said() -> None:
    """A step that was guided by time says so instead of a zero."""
    timed = StepFinished(
        9.0, "x", 0, "Rocking", "rocking", None, 0.0, 9.0, {"seconds": 60}, {"reps": None}, "timed", False
    )
    assert done_text(timed) == "not measured"
    assert done_text(FINISHED) == "7 of 8 reps"


def test_a_step_that_took_longer_than_asked_reads_well() -> None:
    """What was done comes first, what was asked stands behind it; small repetitions are named."""
    longer = replace(FINISHED, asked={"seconds": 30}, done={"seconds": 43.8}, ended_by="seconds")
    assert done_text(longer) == "44 s, words included"
    assert done_text(replace(longer, ended_by="timed")) == "44 s, words included (timed)"
    assert done_text(replace(FINISHED, done={"reps": 8, "partial_reps": 1})) == "8 of 8 reps and a small one"


def test_a_new_step_begins_with_a_clean_line() -> None:
    """The words of the step before are gone; a sensor that was already heard stays heard when the session begins."""
    view = filled()
    view.take(STEP)
    assert (view.sentence, view.count_text, view.angle_text) == ("", "0 of 8", "")
    view.take(SNAPSHOT)
    assert view.sensors_text == "simulated · right-thigh ok 87 %"


def test_a_lost_sensor_is_calm() -> None:
    """A sensor that is away is said to come back by itself; a pause shows."""
    view = filled()
    view.take(StreamInterrupted(0, "right-thigh", "no data"))
    view.take(SessionPaused(3.0))
    line = draw_line(view, 200, Ink(is_colored=False))
    assert "right-thigh away, coming back by itself 87 %" in line
    assert "paused" in line


def test_what_nobody_speaks_stands_whole() -> None:
    """Without a voice the whole sentence is printed above the line, wrapped; with a voice it is not."""
    sentence = "Keep the ankles together, and let the right knee open towards the ceiling, slow and easy."
    said = Cue(1, 1.0, "clamshell.start", "say", sentence, 6.0)
    for is_unspoken in (True, False):
        stream = Tty()
        terminal = Terminal(stream, size=lambda: (60, 24))
        terminal.is_unspoken = lambda answer=is_unspoken: answer  # type: ignore[misc] # bound now
        for message in (SNAPSHOT, STREAMING, STEP, said, Tick(1)):
            terminal.on_message(message)
        lines = seen(stream.getvalue()).replace("\r", "\n").split("\n")
        assert all(width(line) <= 59 for line in lines)
        assert ("slow and easy." in " ".join(lines)) == is_unspoken


@pytest.mark.parametrize("mode", ["line", "big"])
def test_what_a_source_asks_for_stands_on_the_screen(mode: str) -> None:
    """The address that must be typed into a phone is shown whole, also where one line is rewritten."""
    text = "In Sensor Logger, push to http://192.168.1.20:8000/abcdefghjk/data and start recording."
    screen = io.StringIO()
    terminal = Terminal(screen, mode=mode, size=lambda: (100, 30))  # type: ignore[arg-type] # one of the literals
    terminal.on_message(SourceStatus(0, "right-thigh", "searching", text))
    assert "http://192.168.1.20:8000/abcdefghjk/data" in screen.getvalue()


def test_why_a_source_failed_is_left_to_the_end_of_the_program() -> None:
    """A failure is one sentence, said once, when the program ends."""
    screen = io.StringIO()
    terminal = Terminal(screen, mode="line", size=lambda: (100, 30))
    terminal.on_message(SourceStatus(0, "right-thigh", "failed", "No sensor was heard."))
    assert "No sensor was heard." not in screen.getvalue()
