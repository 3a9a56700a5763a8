"""A recording read back: the same inputs in the same order, as far as they are intact, and what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from sensorsoma.errors import InputFileError, RecordingError
from sensorsoma.messages import Input, Message, Output, SettingsSnapshot, SourceStatus
from sensorsoma.recording.format import MESSAGE_TYPES
from sensorsoma.recording.salvage import (
    MAGIC,
    RawChannel,
    RawMessage,
    RawSchema,
    Scan,
    chunk_contents,
    chunk_records,
    digest,
    scan,
)
from sensorsoma.recording.sheet import PROFILE, metadata_digest
from sensorsoma.recording.topics import INPUT_TYPES, Topic, decode
from sensorsoma.settings import SessionSettings
from sensorsoma.units import NS_PER_S


@dataclass(frozen=True, slots=True)
class Recording:
    """An opened recording. `inputs` and `outputs` may be called as often as wanted."""

    path: Path
    settings: SessionSettings
    epoch_ns: int
    """Session time of the settings, where `t_s` is 0."""
    duration_s: float
    """From the settings to the last intact input."""
    is_complete: bool
    """True when the recording was finished and nothing in it is missing."""
    notes: tuple[str, ...]
    """What is missing or damaged, for people; empty for a sound file."""
    attachments: Mapping[str, bytes]
    """Intact files within the recording, by name."""
    contents: Contents
    """What the walk over the file found."""

    def inputs(self) -> Iterator[Input]:
        """What the pipeline was fed, in the order in which it was.

        Raises:
            InputFileError: an intact input of a kind that this version cannot read.
        """
        if self.contents.settings_from_metadata is not None:
            yield self.contents.settings_from_metadata
        for message in self.contents.messages(INPUT_TYPES):
            yield cast(Input, message)

    def outputs(self) -> Iterator[Output | SourceStatus]:
        """What was concluded and said during the session: events, cues, gaps, live angles, states of the sources."""
        for message in self.contents.messages(frozenset(MESSAGE_TYPES) - INPUT_TYPES):
            yield cast(Output | SourceStatus, message)


def open_recording(path: Path | str) -> Recording:
    """A recording of our own; unfinished, cut and damaged ones as far as they are intact, with a note.

    Raises:
        InputFileError: the file is missing or something else.
        RecordingError: it is a recording, but nothing in it is intact.
    """
    path = Path(path)
    contents = Contents(_read(path), path.name)
    settings = contents.settings()
    if settings is None:
        raise RecordingError(f"{path.name}: expected a recording that begins with its settings, found none intact.")
    return Recording(
        path=path,
        settings=SessionSettings.from_json(settings.settings),
        epoch_ns=settings.host_ns,
        duration_s=max(contents.last_ns - settings.host_ns, 0) / NS_PER_S,
        is_complete=contents.is_complete,
        notes=tuple(contents.notes(settings.host_ns)),
        attachments=contents.attachments,
        contents=contents,
    )


@dataclass(slots=True)
class Hole:
    """Messages that are missing between two that are there."""

    n: int
    after_ns: int
    before_ns: int


class Contents:
    """Everything intact in a file, decoded when asked for."""

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        self.scan: Scan = scan(data)
        self.channels: dict[int, RawChannel] = {}
        self.schemas: dict[int, RawSchema] = {}
        self.holes: list[Hole] = []
        self.n_messages = 0
        self.last_ns = 0
        self.settings_from_metadata: SettingsSnapshot | None = None
        """The settings, where the chunk that held them is lost."""
        self._data = data
        self._is_in_order = True
        self._survey()
        self._topics = {number: _topic(channel) for number, channel in self.channels.items()}
        self._check_whose()
        self._metadata = [(kind, texts) for kind, texts in self.scan.metadata if _is_sound(texts)]
        self._take_table()
        self.attachments = self._sound_attachments()

    @property
    def is_complete(self) -> bool:
        """True when the file was finished and no message is missing."""
        return self.scan.has_data_end and not (self.holes or self.repair_notes or self._is_tail_unsure)

    @property
    def repair_notes(self) -> list[str]:
        """What an earlier repair had to leave out."""
        return [note for kind, texts in self._metadata if kind == "repair" for note in json.loads(texts["notes"])]

    @property
    def metadata(self) -> list[tuple[str, dict[str, str]]]:
        """Sound metadata records."""
        return self._metadata

    @property
    def _is_tail_unsure(self) -> bool:
        """True when the last messages may be gone: no later number could show that they are missing."""
        if self.n_expected is None:
            return not self.scan.is_data_intact
        return self.n_messages + sum(hole.n for hole in self.holes) < self.n_expected

    @property
    def n_expected(self) -> int | None:
        """How many messages the writer wrote, where it got to say so."""
        for kind, texts in self._metadata:
            if kind == "end":
                return int(texts["n_messages"])
        return None

    def settings(self) -> SettingsSnapshot | None:
        """The first settings; from the metadata when their chunk is lost."""
        for message in self.messages(frozenset({"SettingsSnapshot"})):
            assert isinstance(message, SettingsSnapshot)
            return message
        for kind, texts in self._metadata:
            if kind == "session":
                self.settings_from_metadata = SettingsSnapshot(int(texts["host_ns"]), json.loads(texts["settings"]))
                return self.settings_from_metadata
        return None

    def raw_messages(self) -> Iterator[RawMessage]:
        """All message records, in the order in which they were written."""
        if self._is_in_order:
            yield from self._in_file_order()
        else:
            yield from sorted(self._in_file_order(), key=lambda message: message.sequence)

    def messages(self, type_names: frozenset[str]) -> Iterator[Message]:
        """The messages of these types; outputs that this version cannot read are left out, inputs are an error."""
        wanted = {number: topic for number, topic in self._topics.items() if topic and topic.type_name in type_names}
        for raw in self.raw_messages():
            topic = wanted.get(raw.channel_id)
            if topic is None:
                continue
            try:
                yield decode(topic, raw.log_ns, raw.data)
            except InputFileError:
                if topic.is_input:
                    raise

    def notes(self, epoch_ns: int) -> list[str]:
        """One sentence per thing that a reader should know."""
        notes = list(self.repair_notes)
        found = self.scan
        for hole in self.holes:
            at = f"between {_clock(hole.after_ns - epoch_ns)} and {_clock(hole.before_ns - epoch_ns)}"
            notes.append(f"Damaged: {hole.n} messages are missing {at}; the rest is intact.")
        if not found.has_data_end:
            notes.append(f"The recording was not finished; it ends at {_clock(self.last_ns - epoch_ns)}.")
        elif self._is_tail_unsure:
            notes.append(f"Damaged: the end is missing; it ends at {_clock(self.last_ns - epoch_ns)}.")
        elif not self.holes and not (found.is_data_intact and found.is_index_intact):
            notes.append("Some bytes outside of the samples are damaged; all samples are intact.")
        n_unknown = sum(topic is None for topic in self._topics.values())
        if n_unknown:
            notes.append(f"{n_unknown} topics were written by a newer version or another program and are left out.")
        return notes

    # ---------------------------------------------------------------------------------------- the survey

    def _in_file_order(self) -> Iterator[RawMessage]:
        for span in self.scan.spans:
            for record in chunk_records(chunk_contents(self._data, span) or b""):
                if isinstance(record, RawMessage):
                    yield record

    def _survey(self) -> None:
        """One walk over all chunks: definitions, holes in the numbering, the last time."""
        expected, previous_ns = 0, None
        for span in self.scan.spans:
            for record in chunk_records(chunk_contents(self._data, span) or b""):
                if not isinstance(record, RawMessage):
                    number, definition = record
                    if isinstance(definition, RawSchema):
                        self.schemas[number] = definition
                    else:
                        self.channels[number] = definition
                    continue
                if record.sequence > expected:
                    after = record.log_ns if previous_ns is None else previous_ns
                    self.holes.append(Hole(record.sequence - expected, after, record.log_ns))
                elif record.sequence < expected:
                    self._is_in_order = False
                expected = record.sequence + 1
                previous_ns = record.log_ns
                self.last_ns = max(self.last_ns, record.log_ns)
                self.n_messages += 1
        if not self._is_in_order:
            self._find_holes_out_of_order()

    def _find_holes_out_of_order(self) -> None:
        """Another program has put the messages in another order; the numbers still tell."""
        self.holes.clear()
        previous: RawMessage | None = None
        for raw in self.raw_messages():
            expected = 0 if previous is None else previous.sequence + 1
            if raw.sequence > expected:
                after = raw.log_ns if previous is None else previous.log_ns
                self.holes.append(Hole(raw.sequence - expected, after, raw.log_ns))
            previous = raw

    def _check_whose(self) -> None:
        """Refuses MCAP files of other programs."""
        is_ours = self.scan.profile.startswith("sensorsoma") or any(self._topics.values())
        if self.scan.profile and not is_ours:
            raise InputFileError(
                f"{self.name}: expected a SensorSoma recording, found an MCAP file of another program "
                f"(profile {self.scan.profile!r})."
            )
        if self.scan.profile.startswith("sensorsoma/") and self.scan.profile != PROFILE:
            raise InputFileError(
                f"{self.name}: expected a recording of format {PROFILE}, found {self.scan.profile}; update SensorSoma."
            )
        if not self.scan.spans:
            raise RecordingError(f"{self.name}: expected recorded samples, found nothing intact in the file.")

    def _take_table(self) -> None:
        """Topics from the metadata, for chunks whose definitions are lost."""
        for kind, texts in self._metadata:
            if kind == "channels":
                for number, (name, type_name, channel) in json.loads(texts["table"]).items():
                    self._topics.setdefault(int(number), Topic(name, type_name, channel))

    @property
    def topics(self) -> dict[int, Topic]:
        """Channel number → what its messages are; unknown ones are left out."""
        return {number: topic for number, topic in self._topics.items() if topic is not None}

    def _sound_attachments(self) -> dict[str, bytes]:
        known = {texts["content_sha256"] for kind, texts in self._metadata if kind == "attachment"}
        return {item.name: item.data for item in self.scan.attachments if digest(item.data) in known}


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputFileError(f"{path}: expected a recording, found no such file; check the path.") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputFileError(f"{path}: expected a readable recording, found this instead: {reason}.") from None
    if not data:
        raise InputFileError(f"{path.name}: expected a recording, found an empty file.")
    is_ours = data.startswith(MAGIC) or PROFILE.encode() in data[:128]
    if not is_ours:
        raise InputFileError(f"{path.name}: expected a SensorSoma recording (.mcap), found something else.")
    return data


def _topic(channel: RawChannel) -> Topic | None:
    """What a channel's messages are; None when this version does not know them."""
    type_name = channel.metadata.get("type", "")
    if type_name not in MESSAGE_TYPES:
        return None
    return Topic(channel.topic, type_name, channel.metadata.get("channel", ""))


def _is_sound(texts: Mapping[str, str]) -> bool:
    rest = {key: value for key, value in texts.items() if key != "sha256"}
    return texts.get("sha256") == metadata_digest(rest)


def _clock(ns: int) -> str:
    """Minutes and seconds.

    >>> _clock(83_500_000_000)
    '1:23.5'
    """
    minutes, seconds = divmod(max(ns, 0) / NS_PER_S, 60.0)
    return f"{int(minutes)}:{seconds:04.1f}"
