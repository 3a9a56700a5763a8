"""One person between sessions: what was read, and what each session left behind. Derived from recordings, but for the
note that the safety text was read; never a score.

A file a person beside the configuration, readable by its owner only, written at once or not at all. What simulated
people do stands in a file of its own, so that it never meets what a body did.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sensorsoma.errors import InputFileError
from sensorsoma.messages import Side
from sensorsoma.people.names import shown, slug_of
from sensorsoma.private_files import write_private

SCHEMA = "sensorsoma.person/1"


@dataclass(frozen=True, slots=True)
class Range:
    """How far one movement went in one session."""

    median_deg: float
    n_reps: int
    """Whole repetitions; far smaller ones are left out."""


@dataclass(frozen=True, slots=True)
class SessionNote:
    """What one session left behind."""

    epoch_ns: int
    """When it began, session time: tells sessions apart, whatever their files are called."""
    recording: str
    """Name of the file, without its folder."""
    started: str
    """Local wall time, ISO 8601."""
    plan: str | None
    """The plan's name; None without one."""
    is_finished: bool
    """True when the plan was practised to its end, or up to its last step."""
    comfort: Mapping[str, int | None] = field(default_factory=lambda: {"before": None, "after": None})
    sides: tuple[Side, ...] = ()
    """Hips that were practised."""
    ranges: Mapping[str, Range] = field(default_factory=dict)
    """By movement and side: "clamshell right", "pelvic_rock"."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One person, or whoever practises without a name."""

    name: str | None
    is_simulated: bool = False
    safety_read: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By language: {"en": {"version": "3f2a...", "date": "2026-11-25"}}."""
    sessions: tuple[SessionNote, ...] = ()
    """In the order in which they began."""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data."""
        data: dict[str, Any] = json.loads(json.dumps({"schema": SCHEMA, **asdict(self)}))
        return data


def profile_path(folder: Path, name: str | None, is_simulated: bool) -> Path:
    """Where a profile lies."""
    return folder / f"{slug_of(name)}{'.simulated' if is_simulated else ''}.json"


def read_profile(path: Path) -> Profile:
    """A profile from its file.

    Raises:
        InputFileError: it cannot be read, or is something else; one sentence.
        FileNotFoundError: there is none.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["schema"] != SCHEMA:
            raise InputFileError(
                f"Expected {SCHEMA} in {path}, found {data['schema']!r}, which another version wrote; "
                "`sensorsoma people rebuild` makes it anew from the recordings."
            )
        sessions = tuple(_note(each) for each in data["sessions"])
        read = {str(language): dict(entry) for language, entry in data["safety_read"].items()}
        return Profile(shown(data["name"]), bool(data["is_simulated"]), read, sessions)
    except FileNotFoundError:
        raise
    except InputFileError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputFileError(
            f"Expected what is remembered of a person in {path}, found something else ({type(error).__name__}); "
            "`sensorsoma people rebuild` makes it anew from the recordings."
        ) from error


def _note(data: Mapping[str, Any]) -> SessionNote:
    return SessionNote(
        epoch_ns=int(data["epoch_ns"]),
        recording=str(data["recording"]),
        started=str(data["started"]),
        plan=data["plan"],
        is_finished=bool(data["is_finished"]),
        comfort={when: data["comfort"].get(when) for when in ("before", "after")},
        sides=tuple(data["sides"]),
        ranges={key: Range(float(one["median_deg"]), int(one["n_reps"])) for key, one in data["ranges"].items()},
    )


def write_profile(path: Path, profile: Profile) -> None:
    """Writes a profile at once or not at all, readable by its owner only.

    Raises:
        InputFileError: the file cannot be written; the old one is untouched.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = json.dumps(profile.to_json(), ensure_ascii=False, indent=1)
        write_private(path, f"{text}\n".encode())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputFileError(
            f"Expected to write what is remembered of a person to {path}, found this instead: {reason}; "
            "nothing was changed."
        ) from error
