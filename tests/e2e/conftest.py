"""The program as people start it: real processes with a home folder of their own, and what they leave behind."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sensorsoma.simulate.difficulties import Difficulties
from sensorsoma.simulate.exercise import simulate_exercise
from sensorsoma.simulate.files import write_csv

HERE = Path(__file__).resolve().parent
MODULE = ("-m", "sensorsoma")
TROUBLED = str(HERE / "troubled.py")


@dataclass(frozen=True)
class Done:
    """How a process ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def sentences(self) -> list[str]:
        """What the program said about its own end."""
        return [line.removeprefix("sensorsoma: ") for line in self.err.splitlines() if line.startswith("sensorsoma: ")]

    @property
    def is_of_python_itself(self) -> bool:
        """Whether Ctrl-C came before the first line of ours had run: nothing can be done about what Python says."""
        return self.code == -signal.SIGINT and "sensorsoma/cli" not in self.err.replace(os.sep, "/")

    def the_one_sentence(self) -> str:
        """The only sentence about the end, said last, once, and ending like a sentence."""
        (sentence,) = self.sentences
        assert self.err.rstrip().endswith(sentence), self.err
        assert self.err.count(sentence) == 1, self.err
        assert sentence[-1] in ".?!", sentence
        return sentence


class Started:
    """A running process."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process = process
        self.folder = folder

    def wait_for(self, is_so: Callable[[], bool], within_s: float = 40.0) -> None:
        """Waits until something is so; fails when the process ends before."""
        limit = time.monotonic() + within_s
        while not is_so():
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.process.communicate()}"
            assert time.monotonic() < limit, "waited in vain"
            time.sleep(0.05)

    def recordings(self) -> list[Path]:
        return sorted(self.folder.glob("*.mcap"))

    def has_recorded(self, n_bytes: int) -> bool:
        """Whether a recording of at least that size is there."""
        return any(path.stat().st_size >= n_bytes for path in self.recordings())

    def rooms(self) -> list[int]:
        """Process ids of its virtual rooms."""
        return [pid for pid, parent in _parents().items() if parent == self.process.pid and _is_room(pid)]

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def done(self, within_s: float = 40.0) -> Done:
        """Waits for its end."""
        out, err = self.process.communicate(timeout=within_s)
        done = Done(self.process.returncode, out, err)
        return done if done.is_of_python_itself else _checked(done)


def _parents() -> dict[int, int]:
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # ended meanwhile
            continue
    return found


def _is_room(pid: int) -> bool:
    try:
        return b"sensorsoma.virtual" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _is_alive(pid: int) -> bool:
    """Whether a process still runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _checked(done: Done) -> Done:
    """Nobody ever sees the inside of the program."""
    assert "Traceback" not in done.out + done.err, done.err
    assert "inside SensorSoma" not in done.err, done.err
    return done


class Cli:
    """The command line in processes of their own.

    Args:
        home: home folder of all of them: configuration and recordings go there.
        matplotlib: where matplotlib remembers its fonts, since finding them takes seconds.
    """

    def __init__(self, home: Path, matplotlib: Path) -> None:
        self.home = home
        self._started: list[subprocess.Popen[str]] = []
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT") if name in os.environ}
        self.environment = {
            **kept,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
            "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere/at/all",  # no Bluetooth, also where there is some
            "COLUMNS": "200",
            "MPLCONFIGDIR": str(matplotlib),
            "PYTHONWARNINGS": "error::ResourceWarning",
        }

    def __call__(self, *words: str | Path, answers: str = "", within_s: float = 60.0) -> Done:
        """Runs to its end."""
        done = subprocess.run(
            self._command(MODULE, words), input=answers, capture_output=True, text=True, timeout=within_s,
            env=self.environment, cwd=self.home,
        )  # fmt: skip
        return _checked(Done(done.returncode, done.stdout, done.stderr))

    def start(self, *words: str | Path, troubles: Mapping[str, Any] | None = None, **options: Any) -> Started:
        """Starts and goes on; with `troubles` the virtual link behaves as `troubled.py` says."""
        program = MODULE if troubles is None else (TROUBLED, json.dumps(dict(troubles)))
        process = subprocess.Popen(
            self._command(program, words),
            **({
                "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True,
                "env": self.environment, "cwd": self.home,
            } | options),
        )  # fmt: skip
        self._started.append(process)
        return Started(process, self.home / "rec")

    @staticmethod
    def _command(program: tuple[str, ...], words: tuple[str | Path, ...]) -> list[str]:
        return [sys.executable, *program, *(str(word) for word in words)]

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture
def cli(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """The command line, with an empty home; recordings are expected in `rec` there."""
    running = Cli(tmp_path, tmp_path_factory.getbasetemp() / "matplotlib")
    yield running
    running.close()


@pytest.fixture(scope="session")
def clams(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one minute of a simulated person's clamshells, as `simulate` writes them."""
    folder = tmp_path_factory.mktemp("clams")
    write_csv(simulate_exercise("clamshell", side="right", seed=7, difficulties=Difficulties.none(), n_reps=5), folder)
    return folder


@pytest.fixture
def one_recording(clams: Path, tmp_path: Path) -> Path:
    """A recording of our own of those clamshells, with the outputs that the live session had."""
    from sensorsoma.messages import SettingsSnapshot
    from sensorsoma.pipeline import Pipeline
    from sensorsoma.recording.imports import imported_inputs
    from sensorsoma.recording.writer import Recorder, RecorderParams
    from sensorsoma.settings import SegmentRequest, SessionSettings

    path = tmp_path / "clams.mcap"
    pipeline, recorder = Pipeline(), None
    asked = (SegmentRequest("clamshell", "right", "right-thigh"),)
    for message in imported_inputs(clams / "right-thigh.csv", placement="right-thigh", segments=asked):
        if isinstance(message, SettingsSnapshot):
            recorder = Recorder(path, SessionSettings.from_json(message.settings), RecorderParams(chunk_bytes=8192))
        assert recorder is not None
        recorder.write(message)
        for output in pipeline.feed(message):
            recorder.write(output)
    assert recorder is not None
    for output in pipeline.finish():
        recorder.write(output)
    recorder.close()
    return path


@pytest.fixture(scope="session")
def coached() -> ModuleType:
    """The coached person of `tests/coached.py`."""
    spec = importlib.util.spec_from_file_location("e2e_coached", HERE.parent / "coached.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def is_alive() -> Callable[[int], bool]:
    """Whether a process still runs; test modules cannot import a conftest."""
    return _is_alive
