"""What is remembered of people: kept apart, written once, rebuilt, forgotten."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from sensorsoma.errors import InputFileError
from sensorsoma.people.book import Book
from sensorsoma.people.profile import Profile
from sensorsoma.people.safety import safety_text


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """A book with nobody in it."""
    return Book(tmp_path / "config" / "people")


def test_a_session_is_remembered_once_however_often_it_is_told(book: Book, recorded) -> None:
    """The same recording, also under another name, is one session."""
    path = recorded("one")
    for _ in range(2):
        book.remember(path)
    book.remember(path.rename(path.with_name("other.mcap")))
    (session,) = book.profile("anna").sessions
    assert session.recording == "other.mcap"


def test_people_are_kept_apart(book: Book, recorded) -> None:
    """Each has a file that its owner alone can read, and so has whoever gave no name."""
    for day, person in enumerate(("Anna", "Ben", None), start=1):
        book.remember(recorded(f"evening-{day}", person=person, day=day))
    assert [len(book.profile(name).sessions) for name in ("Anna", "Ben", None)] == [1, 1, 1]
    assert book.names() == ["Anna", "Ben"]
    assert sorted(path.name for path in book.folder.iterdir()) == ["_nameless.json", "anna.json", "ben.json"]
    if os.name == "posix":
        assert {stat.S_IMODE(path.stat().st_mode) for path in book.folder.iterdir()} == {0o600}


def test_simulated_sessions_never_meet_real_ones(book: Book, recorded) -> None:
    """They are remembered in a profile that says so."""
    book.remember(recorded("real"))
    book.remember(recorded("simulated", day=2, link="simulated"))
    real, simulated = book.profile("Anna"), book.profile("Anna", is_simulated=True)
    assert [session.recording for session in real.sessions] == ["real.mcap"]
    assert [session.recording for session in simulated.sessions] == ["simulated.mcap"]
    assert json.loads((book.folder / "anna.simulated.json").read_text())["is_simulated"] is True


def test_everything_learnt_can_be_rebuilt(book: Book, recorded, tmp_path: Path) -> None:
    """From the recordings the same profiles come again; that the safety text was read is not forgotten by it."""
    book.note_read("Anna", safety_text(), "2026-03-01")
    for day, link in enumerate(("real", "real", "simulated", "imported"), start=1):
        book.remember(recorded(f"evening-{day}", day=day, link=link, comfort=(f"before {day}",)))
    before = {path.name: path.read_bytes() for path in book.folder.iterdir()}
    damaged = tmp_path / "rec" / "damaged.mcap"
    damaged.write_bytes(b"\x89MCAP0\r\n nothing in it")
    (book.folder / "anna.json").write_text("{")
    refused: list[Path] = []
    rebuilt = book.rebuilt([tmp_path / "rec"], on_refused=lambda path, _error: refused.append(path))
    assert refused == [damaged]
    book.write_rebuilt(rebuilt)
    again = {path.name: path.read_bytes() for path in book.folder.iterdir()}
    assert again["anna.simulated.json"] == before["anna.simulated.json"]
    assert book.profile("Anna").sessions == Profile("Anna", sessions=book.profile("Anna").sessions).sessions
    assert len(book.profile("Anna").sessions) == 2
    book.note_read("Anna", safety_text(), "2026-03-01")
    book.write_rebuilt(book.rebuilt([tmp_path / "rec"]))
    assert (book.folder / "anna.json").read_bytes() == before["anna.json"]


def test_rebuilding_tells_what_would_be_lost(book: Book, recorded) -> None:
    """A session whose recording is gone would be forgotten: that is known before anything is written."""
    paths = [recorded(f"evening-{day}", day=day) for day in (1, 2)]
    for path in paths:
        book.remember(path)
    paths[0].unlink()
    (rebuilt,) = book.rebuilt([paths[0].parent])
    assert (rebuilt.n_before, rebuilt.n_lost, len(rebuilt.profile.sessions)) == (2, 1, 1)
    assert len(book.profile("Anna").sessions) == 2


def test_forgetting_leaves_recordings_and_other_people(book: Book, recorded) -> None:
    """Profile and simulated profile go, the recording stays."""
    path = recorded("one")
    book.remember(path)
    book.remember(recorded("two", day=2, link="simulated"))
    book.remember(recorded("three", day=3, person="Ben"))
    assert [removed.name for removed in book.forget("ANNA")] == ["anna.json", "anna.simulated.json"]
    assert path.exists()
    assert book.names() == ["Ben"]
    assert not book.is_known("Anna")


def test_what_cannot_be_read_is_one_sentence_and_is_left_as_it_is(book: Book, recorded) -> None:
    """A profile that is damaged, or of another version, is neither trusted nor written over by the next session."""
    path = recorded("one")
    book.remember(path)
    profile = book.folder / "anna.json"
    for damaged in ("{", "[]", '{"schema": "sensorsoma.person/9"}', '{"schema": "sensorsoma.person/1"}'):
        profile.write_text(damaged)
        with pytest.raises(InputFileError, match="people rebuild"):
            book.remember(path)
        assert profile.read_text() == damaged
    assert [type(found) for found in book.profiles()] == [InputFileError]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="only a plain user can be refused by a folder")
def test_a_folder_that_cannot_be_written_is_one_sentence(book: Book, recorded) -> None:
    """Nothing is changed there, and no half-written file is left behind."""
    book.remember(recorded("one"))
    book.folder.chmod(0o500)
    with pytest.raises(InputFileError, match="nothing was changed"):
        book.remember(recorded("two", day=2))
    book.folder.chmod(0o700)
    assert [path.name for path in book.folder.iterdir()] == ["anna.json"]
