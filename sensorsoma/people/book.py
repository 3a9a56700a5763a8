"""Everybody who practises on this computer: found, remembered, forgotten, rebuilt from the recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sensorsoma.errors import InputFileError
from sensorsoma.people.learning import Learnt, learn
from sensorsoma.people.names import key_of
from sensorsoma.people.profile import Profile, SessionNote, profile_path, read_profile, write_profile
from sensorsoma.people.safety import SafetyText


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A profile as the recordings make it, beside what is remembered now."""

    path: Path
    profile: Profile
    n_before: int
    """Sessions that are remembered now; 0 when there is nothing, or nothing readable."""

    @property
    def n_lost(self) -> int:
        """Sessions that are remembered and have no recording any more."""
        return max(0, self.n_before - len(self.profile.sessions))


class Book:
    """The folder of profiles.

    Args:
        folder: beside the configuration; need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def profile(self, name: str | None, is_simulated: bool = False) -> Profile:
        """What is remembered of a person; an empty profile of a new one.

        Raises:
            InputFileError: the file is there and cannot be understood.
        """
        try:
            return read_profile(profile_path(self.folder, name, is_simulated))
        except FileNotFoundError:
            return Profile(name, is_simulated)

    def profile_or_empty(self, name: str | None, is_simulated: bool = False) -> Profile:
        """What is remembered of a person; an empty profile where that cannot be read."""
        try:
            return self.profile(name, is_simulated)
        except InputFileError:
            return Profile(name, is_simulated)

    def is_known(self, name: str | None) -> bool:
        """Whether anything is remembered of a person."""
        return any(profile_path(self.folder, name, is_simulated).exists() for is_simulated in (False, True))

    def profiles(self) -> Iterator[Profile | InputFileError]:
        """All profiles, by file name; in the place of a damaged one what is wrong with it."""
        for path in self._files():
            try:
                yield read_profile(path)
            except (InputFileError, FileNotFoundError) as error:
                yield error if isinstance(error, InputFileError) else InputFileError(str(error))

    def names(self) -> list[str]:
        """Names of everybody who has one."""
        found = {key_of(p.name): p.name for p in self.profiles() if isinstance(p, Profile) and p.name is not None}
        return sorted(found.values(), key=key_of)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.json")) if self.folder.is_dir() else []

    # ------------------------------------------------------------------------------------------- what was read

    def note_read(self, name: str | None, text: SafetyText, date: str) -> None:
        """Remembers that a person has read the text.

        Raises:
            InputFileError: it cannot be written down.
        """
        profile = self.profile(name)
        read = {**profile.safety_read, text.language: {"version": text.version, "date": date}}
        write_profile(profile_path(self.folder, name, False), replace(profile, safety_read=read))

    # --------------------------------------------------------------------------------------- what was practised

    def remember(self, path: Path) -> Learnt | None:
        """Adds what a recording tells to the person's profile; a session that is there already is replaced.

        Gives None when there is nothing to remember.

        Raises:
            InputFileError: the recording or the profile cannot be read, or the profile not written.
        """
        learnt = learn(path)
        if learnt is None:
            return None
        profile = self.profile(learnt.name, learnt.is_simulated)
        where = profile_path(self.folder, learnt.name, learnt.is_simulated)
        write_profile(where, replace(profile, sessions=_with(profile.sessions, learnt.note)))
        return learnt

    def files_of(self, name: str | None) -> list[Path]:
        """Files that `forget` would remove."""
        paths = (profile_path(self.folder, name, is_simulated) for is_simulated in (False, True))
        return [path for path in paths if path.exists()]

    def forget(self, name: str | None) -> list[Path]:
        """Removes what is remembered of a person; recordings stay. Gives the removed files."""
        removed = self.files_of(name)
        for path in removed:
            path.unlink(missing_ok=True)
        return removed

    def rebuilt(
        self, folders: Iterable[Path], on_refused: Callable[[Path, InputFileError], None] = lambda _path, _error: None
    ) -> list[Rebuilt]:
        """Every profile as the recordings below `folders` make it, nothing written yet.

        Args:
            folders: searched with everything below them.
            on_refused: told of a recording that cannot be read; it is left out.
        """
        made: dict[Path, Profile] = {}
        for path in sorted({path for folder in folders for path in folder.rglob("*.mcap")}):
            try:
                learnt = learn(path)
            except InputFileError as error:
                on_refused(path, error)
                continue
            if learnt is not None:
                where = profile_path(self.folder, learnt.name, learnt.is_simulated)
                profile = made.get(where) or Profile(learnt.name, learnt.is_simulated)
                made[where] = replace(profile, sessions=_with(profile.sessions, learnt.note))
        return [self._beside(path, made.get(path)) for path in sorted({*made, *self._files()})]

    def _beside(self, path: Path, made: Profile | None) -> Rebuilt:
        try:
            now: Profile | None = read_profile(path)
        except (InputFileError, FileNotFoundError):
            now = None
        empty = Profile(None if now is None else now.name, path.stem.endswith(".simulated"))
        profile = made or (now and replace(now, sessions=())) or empty
        if now is not None:  # that a text was read stands in no recording
            profile = replace(profile, name=now.name, safety_read=now.safety_read)
        return Rebuilt(path, profile, 0 if now is None else len(now.sessions))

    def write_rebuilt(self, rebuilt: Iterable[Rebuilt]) -> None:
        """Puts rebuilt profiles in the place of those that are remembered.

        Raises:
            InputFileError: a file cannot be written.
        """
        for one in rebuilt:
            write_profile(one.path, one.profile)


def _with(sessions: tuple[SessionNote, ...], note: SessionNote) -> tuple[SessionNote, ...]:
    others = [each for each in sessions if each.epoch_ns != note.epoch_ns]
    return tuple(sorted([*others, note], key=lambda each: each.epoch_ns))
