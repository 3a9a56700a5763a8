"""Sessions that are cut short: Ctrl-C at any moment, a full disk, a reader that goes away, a terminal."""

from __future__ import annotations

import os
import pty
import resource
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from sensorsoma.analysis import analyze_recording, differences_from_live
from sensorsoma.recording.reader import open_recording

pytestmark = pytest.mark.link

RECORD = (
    "record",
    "right-thigh=virtual",
    "--exercise",
    "clamshell",
    "--side",
    "right",
    "--speed",
    "10",
    "--out",
    "rec",
)
COACH = ("coach", "short", "right-thigh=virtual", "--yes", "--silent", "--speed", "10", "--out", "rec")
DEMO = ("demo", "--speed", "10", "--out", "rec", "--json")


def is_whole(path: Path) -> bool:
    """Complete, and a replay says again all that was said live."""
    return open_recording(path).is_complete and differences_from_live(path) == []


@pytest.mark.parametrize(
    ("words", "n_bytes"),
    [(RECORD, 4_000), (COACH, 30_000), (DEMO, 60_000)],
    ids=["record", "coach", "demo"],
)
def test_ctrl_c_keeps_everything(cli, words, n_bytes, is_alive):
    """Interrupted while it streams: exit code 130, the file whole and replayable, no process left behind."""
    running = cli.start(*words)
    running.wait_for(lambda: running.has_recorded(n_bytes))
    rooms = running.rooms()
    assert len(rooms) == 1
    running.interrupt()
    done = running.done()
    assert done.code == 130
    (path,) = running.recordings()
    assert is_whole(path)
    assert analyze_recording(path).analysis["link"] == "simulated"
    assert not any(is_alive(pid) for pid in rooms)


@pytest.mark.parametrize(
    "after_s", [0.2, pytest.param(0.6, marks=pytest.mark.soak), 1.2, pytest.param(2.0, marks=pytest.mark.soak), 2.8]
)
def test_ctrl_c_at_any_moment_leaves_a_whole_file_or_none(cli, after_s, is_alive):
    """Also while it starts, scans, connects: the exit code is 130, nothing is left half done, nobody is orphaned."""
    running = cli.start(*COACH)
    limit = time.monotonic() + after_s
    rooms: set[int] = set()
    while time.monotonic() < limit:
        rooms.update(running.rooms())
        time.sleep(0.02)
    rooms.update(running.rooms())
    running.interrupt()
    done = running.done()
    assert done.code == 130 or done.is_of_python_itself
    assert all(is_whole(path) for path in running.recordings())
    time.sleep(0.1)
    assert not any(is_alive(pid) for pid in rooms)


def test_ctrl_c_before_the_sensor_is_found(cli):
    """While a sensor is still looked for, nothing is recorded, and that is said."""
    running = cli.start(*COACH, troubles={"address": "C0:00:00:00:00:01", "scan_s": 30})
    running.wait_for(lambda: bool(running.rooms()))
    time.sleep(4.0)  # until the program itself listens to Ctrl-C, also on a busy computer
    running.interrupt()
    done = running.done()
    assert done.code == 130
    assert "nothing was recorded" in done.err
    assert running.recordings() == []


def test_a_second_ctrl_c_ends_at_once(cli, is_alive):
    """Who presses twice does not wait; the file is whole all the same."""
    running = cli.start(*COACH)
    running.wait_for(lambda: running.has_recorded(30_000))
    rooms = running.rooms()
    running.interrupt()
    time.sleep(0.02)
    running.interrupt()
    began = time.monotonic()
    done = running.done()
    assert time.monotonic() - began < 12.0
    assert done.code == 130
    (path,) = running.recordings()
    assert is_whole(path)
    assert not any(is_alive(pid) for pid in rooms)


def test_a_killed_program_leaves_a_readable_file_and_no_sensor(cli, is_alive):
    """Not even a crash loses more than about the last second, and the virtual room ends by itself."""
    running = cli.start(*RECORD)
    running.wait_for(lambda: running.has_recorded(20_000))
    rooms = running.rooms()
    running.process.kill()
    running.process.communicate()
    (path,) = running.recordings()
    recording = open_recording(path)
    assert not recording.is_complete
    assert differences_from_live(path) == []
    assert analyze_recording(path).analysis["duration_s"] > 2
    limit = time.monotonic() + 10
    while any(is_alive(pid) for pid in rooms):
        assert time.monotonic() < limit
        time.sleep(0.05)


def test_a_full_disk_is_one_sentence_and_what_was_written_opens(cli):
    """When nothing more can be written the session ends and says why; the file holds everything up to there."""
    limit = 40_000

    def small_disk() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    running = cli.start(*COACH, preexec_fn=small_disk)
    done = running.done()
    assert done.code == 2
    sentence = done.the_one_sentence()
    assert "write the recording" in sentence
    (path,) = running.recordings()
    assert 20_000 < path.stat().st_size <= limit
    assert differences_from_live(path) == []
    assert analyze_recording(path).analysis["duration_s"] > 5


def test_a_folder_without_permission(cli, one_recording):
    """A recording that cannot be begun is refused in one sentence before anybody moves."""
    (cli.home / "rec").write_text("a file where the folder should be")
    done = cli(*RECORD)
    assert done.code == 2
    assert "rec" in done.the_one_sentence()


@pytest.mark.parametrize("words", [("plan", "list"), ("replay", "FILE", "--json"), ("analyze", "FILE", "--json")])
def test_a_reader_that_goes_away_is_no_fault(cli, one_recording, words):
    """`| head -1` ends quietly."""
    words = tuple(str(one_recording) if word == "FILE" else word for word in words)
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(
        [sys.executable, "-m", "sensorsoma", *words], stdout=writing, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        text=True, env=cli.environment, cwd=cli.home, timeout=60,
    )  # fmt: skip
    os.close(writing)
    assert process.stderr == ""
    assert process.returncode in (0, 1)


def test_the_terminal_is_as_before_after_ctrl_c(cli):
    """Keys echo again, the cursor is there, and the first screen is back, after Ctrl-C typed on the big screen."""
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    running = cli.start(
        *COACH, "--big", stdin=theirs, stdout=theirs, stderr=theirs, text=False, start_new_session=True,
        preexec_fn=lambda: __import__("fcntl").ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    shown = bytearray()

    def read() -> None:
        while select.select([ours], [], [], 0)[0]:
            shown.extend(os.read(ours, 65536))

    def has_begun() -> bool:
        read()
        return running.has_recorded(20_000)

    running.wait_for(has_begun)
    assert termios.tcgetattr(theirs)[3] != before[3]
    os.write(ours, b"\x03")
    limit = time.monotonic() + 30
    while running.process.poll() is None:
        assert time.monotonic() < limit
        read()
        time.sleep(0.02)
    read()
    assert running.process.returncode == 130
    assert termios.tcgetattr(theirs) == before
    assert shown.rfind(b"\x1b[?25h") > shown.rfind(b"\x1b[?25l") > 0
    assert shown.rfind(b"\x1b[?1049l") > shown.rfind(b"\x1b[?1049h") >= 0
    assert b"Traceback" not in shown
    assert is_whole(running.recordings()[0])
    for end in (ours, theirs):
        os.close(end)
