"""Cut, changed and mended files: nothing wrong is ever given out, and what is missing is said."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path
from random import Random

import pytest
from mcap.exceptions import McapError
from mcap.reader import make_reader
from mcap.records import Message as McapMessage
from mcap.stream_reader import StreamReader
from mcap.writer import Writer

from sensorsoma.errors import InputFileError, RecordingError
from sensorsoma.messages import Input, Message, SettingsSnapshot
from sensorsoma.recording.reader import open_recording
from sensorsoma.recording.repair import repair
from sensorsoma.recording.salvage import scan

from .sessions import SETTINGS, inputs_of, outputs_of

N_ROUNDS = 120


def is_subsequence(part: list[Input], whole: list[Input]) -> bool:
    rest = iter(whole)
    return all(any(item == other for other in rest) for item in part)


def n_messages_by_library(data: bytes) -> int:
    """How many messages the mcap package's own reader gets before the cut stops it."""
    n = 0
    try:
        for record in StreamReader(BytesIO(data), validate_crcs=True).records:
            n += isinstance(record, McapMessage)
    except (McapError, ValueError, struct.error):
        return n
    return n


def test_random_cuts_keep_everything_before_them(session: list[Message], recorded: Path, tmp_path: Path) -> None:
    """A file cut anywhere opens with a note, gives a beginning of the true inputs, and loses the cut chunk only."""
    data, inputs, path = recorded.read_bytes(), inputs_of(session), tmp_path / "cut.mcap"
    ends = [span.offset + span.length for span in scan(data).spans]
    random = Random(1)
    n_refused = 0
    for _ in range(N_ROUNDS):
        size = random.randrange(1, len(data))
        path.write_bytes(data[:size])
        try:
            recording = open_recording(path)
        except InputFileError:
            n_refused += 1
            assert size < ends[0]
            continue
        got = list(recording.inputs())
        assert got == inputs[: len(got)]
        assert recording.notes
        assert len(got) + len(list(recording.outputs())) == n_messages_by_library(data[:size])
        if len(got) < len(inputs):
            assert not recording.is_complete
    assert n_refused < 20


def test_random_byte_changes_are_never_silently_wrong(session: list[Message], recorded: Path, tmp_path: Path) -> None:
    """One changed byte anywhere: only true inputs come out, and when one is missing the notes say so."""
    data, inputs, path = recorded.read_bytes(), inputs_of(session), tmp_path / "changed.mcap"
    random = Random(2)
    n_read = 0
    for _ in range(N_ROUNDS):
        changed = bytearray(data)
        at = random.randrange(len(data))
        changed[at] ^= random.randrange(1, 256)
        path.write_bytes(changed)
        recording = open_recording(path)
        got = list(recording.inputs())
        n_read += len(got)
        assert recording.notes, f"a change of byte {at} went unnoticed"
        if got == inputs:
            continue
        assert is_subsequence(got, inputs)
        assert not recording.is_complete
        assert any("missing" in note for note in recording.notes)
        assert len(got) > 0.85 * len(inputs)
        assert recording.settings == SETTINGS
    assert n_read > 0.95 * N_ROUNDS * len(inputs)


def test_many_changes_and_cuts_never_give_a_traceback(session: list[Message], recorded: Path, tmp_path: Path) -> None:
    """Files with many damages give true inputs or one sentence."""
    data, inputs, path = recorded.read_bytes(), inputs_of(session), tmp_path / "torn.mcap"
    random = Random(3)
    for _ in range(N_ROUNDS):
        torn = bytearray(data)
        for _ in range(random.randint(2, 40)):
            torn[random.randrange(len(torn))] = random.randrange(256)
        if random.random() < 0.5:
            begin = random.randrange(len(torn))
            del torn[begin : begin + random.randrange(5000)]
        path.write_bytes(torn)
        try:
            recording = open_recording(path)
        except InputFileError as error:
            sentence = str(error)
            assert "\n" not in sentence
            continue
        assert is_subsequence(list(recording.inputs()), inputs)
        assert not recording.is_complete or list(recording.inputs()) == inputs


def test_a_lost_first_chunk_costs_only_its_messages(session: list[Message], recorded: Path, tmp_path: Path) -> None:
    """Definitions and settings stand outside the chunks as well."""
    data, inputs = bytearray(recorded.read_bytes()), inputs_of(session)
    first = scan(bytes(data)).spans[0]
    data[first.offset + 80] ^= 0xFF
    path = tmp_path / "headless.mcap"
    path.write_bytes(data)
    recording = open_recording(path)
    got = list(recording.inputs())
    assert got[0] == inputs[0]
    assert got[1:] == inputs[-(len(got) - 1) :]
    assert len(got) > 0.9 * len(inputs)
    assert recording.notes[0].startswith("Damaged: ")


def test_a_repaired_file_is_whole_and_the_original_untouched(
    session: list[Message], recorded: Path, tmp_path: Path
) -> None:
    """A cut file with a changed byte becomes a clean one with everything intact, and says what it lacks."""
    data = bytearray(recorded.read_bytes())
    middle = scan(bytes(data)).spans[8]
    data[middle.offset + 80] ^= 0xFF
    path = tmp_path / "broken.mcap"
    path.write_bytes(data[: int(len(data) * 0.9)])
    before = path.read_bytes()
    mended = repair(path)
    assert mended == tmp_path / "broken.repaired.mcap"
    assert path.read_bytes() == before
    broken, whole = open_recording(path), open_recording(mended)
    assert list(whole.inputs()) == list(broken.inputs())
    assert list(whole.outputs()) == list(broken.outputs())
    assert set(broken.notes) <= set(whole.notes)
    assert not whole.is_complete
    assert mended.stat().st_mode & 0o777 == 0o600
    with mended.open("rb") as file:
        assert sum(1 for _ in make_reader(file, validate_crcs=True).iter_messages()) > 0.8 * len(session)
    assert repair(path).name == "broken.repaired-2.mcap"


def test_repairing_a_sound_file_changes_nothing_in_it(session: list[Message], recorded: Path, tmp_path: Path) -> None:
    """A sound file's copy holds the same messages and is complete."""
    path = tmp_path / "sound.mcap"
    path.write_bytes(recorded.read_bytes())
    recording = open_recording(repair(path))
    assert list(recording.inputs()) == inputs_of(session)
    assert list(recording.outputs()) == outputs_of(session)
    assert (recording.is_complete, recording.notes) == (True, ())


def test_another_program_may_reorder_the_messages(session: list[Message], recorded: Path, tmp_path: Path) -> None:
    """A copy that an MCAP tool has sorted by topic still gives the inputs in their order."""
    path = tmp_path / "sorted.mcap"
    with recorded.open("rb") as source, path.open("wb") as target:
        reader, writer = make_reader(source), Writer(target)
        writer.start("sensorsoma/1", "another tool")
        summary = reader.get_summary()
        assert summary is not None
        schemas = {n: writer.register_schema(s.name, s.encoding, s.data) for n, s in summary.schemas.items()}
        channels = {
            n: writer.register_channel(c.topic, c.message_encoding, schemas[c.schema_id], c.metadata)
            for n, c in summary.channels.items()
        }
        for _, channel, m in sorted(reader.iter_messages(), key=lambda item: item[1].topic):
            writer.add_message(channels[channel.id], m.log_time, m.data, m.publish_time, m.sequence)
        writer.finish()  # type: ignore[no-untyped-call]
    recording = open_recording(path)
    assert list(recording.inputs()) == inputs_of(session)
    assert isinstance(next(recording.inputs()), SettingsSnapshot)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "x.mcap: expected a recording, found an empty file."),
        (b"time_s,acc_x\n0,1\n", "x.mcap: expected a SensorSoma recording (.mcap), found something else."),
        (b"\x89MCAP0\r\n", "x.mcap: expected recorded samples, found nothing intact in the file."),
    ],
)
def test_other_files_are_one_sentence(tmp_path: Path, data: bytes, sentence: str) -> None:
    """What is no recording is refused, saying what was expected and found."""
    path = tmp_path / "x.mcap"
    path.write_bytes(data)
    with pytest.raises(InputFileError) as caught:
        open_recording(path)
    assert str(caught.value) == sentence


def test_mcap_files_of_other_programs_are_refused(tmp_path: Path) -> None:
    """An MCAP file of a robot names its profile."""
    path = tmp_path / "robot.mcap"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start("ros2", "robot")
        channel = writer.register_channel("/scan", "cdr", 0)
        writer.add_message(channel, 1, b"x", 1)
        writer.finish()  # type: ignore[no-untyped-call]
    with pytest.raises(InputFileError, match="found an MCAP file of another program"):
        open_recording(path)


def test_newer_formats_are_refused_with_advice(recorded: Path, tmp_path: Path) -> None:
    """A file whose format number is higher says to update."""
    path = tmp_path / "newer.mcap"
    path.write_bytes(recorded.read_bytes().replace(b"sensorsoma/1", b"sensorsoma/2", 1))
    with pytest.raises(InputFileError, match=r"found sensorsoma/2; update SensorSoma\."):
        open_recording(path)


def test_missing_files_and_folders_are_one_sentence(tmp_path: Path) -> None:
    """A path that leads nowhere, or to a folder, is named."""
    with pytest.raises(InputFileError, match=r"expected a recording, found no such file; check the path\."):
        open_recording(tmp_path / "gone.mcap")
    with pytest.raises(InputFileError, match="expected a readable recording, found this instead: is a directory"):
        open_recording(tmp_path)


def test_only_the_header_was_written(recorded: Path, tmp_path: Path) -> None:
    """A file that ends before its first chunk holds nothing to replay."""
    path = tmp_path / "x.mcap"
    path.write_bytes(recorded.read_bytes()[:60])
    with pytest.raises(RecordingError, match="found nothing intact"):
        open_recording(path)
