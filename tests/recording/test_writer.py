"""What the recorder writes, and that it says so when it cannot."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from mcap.reader import make_reader

from sensorsoma.errors import InputFileError, RecordingError
from sensorsoma.messages import ImuBlock, Message, Packet, SettingsSnapshot, Tick
from sensorsoma.recording.reader import Recording, open_recording
from sensorsoma.recording.writer import Recorder

from .sessions import CHANNEL, SETTINGS, START_NS, inputs_of, outputs_of

WRITING_PROCESS = """
import sys, time
from random import Random
from sensorsoma.messages import Packet, SettingsSnapshot, Tick
from sensorsoma.recording.writer import Recorder
from sensorsoma.settings import SessionSettings, SourceSettings

path, seed, n, pause_s = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
settings = SessionSettings((SourceSettings("right-thigh", "right-thigh", "ble", "soma_v1"),))
random = Random(seed)
recorder = Recorder(path, settings)
recorder.write(SettingsSnapshot(0, settings.to_json()))
begin = time.monotonic_ns()
for k in range(n):
    at_ns = time.monotonic_ns() - begin
    recorder.write(Packet(at_ns, "right-thigh", k.to_bytes(4, "little") + random.randbytes(98)))
    recorder.write(Tick(at_ns))
    print(k, at_ns, flush=True)
    time.sleep(pause_s)
recorder.close()
"""


def start_writing(path: Path, seed: int, n: int = 10_000, pause_s: float = 0.01) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITING_PROCESS, str(path), str(seed), str(n), str(pause_s)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until_readable(path: Path) -> Recording:
    """The recording as soon as its settings are in the file."""
    deadline = time.monotonic() + 5.0
    while True:
        try:
            return open_recording(path)
        except InputFileError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def test_inputs_and_outputs_come_back_in_their_order(session: list[Message], recorded: Path) -> None:
    """Every input and every output is read back equal, across topics, from a complete file."""
    recording = open_recording(recorded)
    assert list(recording.inputs()) == inputs_of(session)
    assert list(recording.outputs()) == outputs_of(session)
    assert (recording.is_complete, recording.notes) == (True, ())
    assert recording.settings == SETTINGS
    assert recording.epoch_ns == START_NS
    assert recording.duration_s == pytest.approx(19.96, abs=0.01)
    assert list(recording.inputs()) == inputs_of(session)


def test_only_the_owner_may_read_it(recorded: Path) -> None:
    """Recordings are personal: mode 0600."""
    if os.name != "posix":
        pytest.skip("file modes are a matter of POSIX systems")
    assert recorded.stat().st_mode & 0o777 == 0o600


def test_the_library_reader_finds_a_sound_indexed_file(session: list[Message], recorded: Path) -> None:
    """The mcap package reads the file by its index with all checksums, and every topic has a schema."""
    with recorded.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        assert len(list(reader.iter_messages())) == len(session)
        summary = reader.get_summary()
        assert summary is not None
        for channel in summary.channels.values():
            schema = summary.schemas[channel.schema_id]
            is_raw = channel.topic.startswith("/raw/")
            assert (channel.message_encoding, schema.encoding) == (
                ("protobuf", "protobuf") if is_raw else ("json", "jsonschema")
            )
            if not is_raw:
                assert json.loads(schema.data)["type"] == "object"


def test_definitions_come_before_the_first_sample(recorded: Path) -> None:
    """All topics and the settings are in the first chunk, so that a file cut anywhere after it is understood."""
    with recorded.open("rb") as file:
        topics = [channel.topic for _, channel, _ in make_reader(file).iter_messages(log_time_order=False)]
    assert topics[0] == "/session"


def test_blocks_of_samples_are_not_written(tmp_path: Path) -> None:
    """A replay makes them again out of the packets."""
    recorder = Recorder(tmp_path / "x.mcap", SETTINGS)
    recorder.write(SettingsSnapshot(START_NS, SETTINGS.to_json()))
    recorder.write(ImuBlock(CHANNEL, 100.0, [0.0], [[0.0, 0.0, 9.8]], None))  # type: ignore[arg-type]
    recorder.close()
    recording = open_recording(tmp_path / "x.mcap")
    assert not list(recording.outputs())
    assert recording.is_complete


def test_a_channel_that_the_settings_do_not_list_is_written_too(tmp_path: Path) -> None:
    """A packet is never lost because nobody announced it."""
    packet = Packet(START_NS + 1, "pelvis", b"abc")
    recorder = Recorder(tmp_path / "x.mcap", SETTINGS)
    recorder.write(SettingsSnapshot(START_NS, SETTINGS.to_json()))
    recorder.write(packet)
    recorder.close()
    assert list(open_recording(tmp_path / "x.mcap").inputs())[1] == packet


def test_attachments_come_back(tmp_path: Path) -> None:
    """A file within the recording is kept byte for byte."""
    recorder = Recorder(tmp_path / "x.mcap", SETTINGS)
    recorder.write(SettingsSnapshot(START_NS, SETTINGS.to_json()))
    recorder.attach("plan.toml", b"name = 'short'", "application/toml")
    recorder.close()
    recording = open_recording(tmp_path / "x.mcap")
    assert dict(recording.attachments) == {"plan.toml": b"name = 'short'"}
    assert recording.is_complete


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    """The name of a recording that exists is refused and the old one stays."""
    path = tmp_path / "x.mcap"
    path.write_bytes(b"precious")
    with pytest.raises(RecordingError, match=r"Expected a new file for the recording, but .* exists"):
        Recorder(path, SETTINGS)
    assert path.read_bytes() == b"precious"


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    """A file where a folder should be: said at once, before any session starts."""
    (tmp_path / "folder").write_text("no folder")
    with pytest.raises(RecordingError, match=r"Expected to write the recording .*: file exists; free some space"):
        Recorder(tmp_path / "folder" / "x.mcap", SETTINGS)


def test_closing_twice_is_harmless_and_writing_after_it_is_not(tmp_path: Path) -> None:
    """The second close does nothing; a message after it would be lost, so it is refused."""
    recorder = Recorder(tmp_path / "x.mcap", SETTINGS)
    recorder.write(SettingsSnapshot(START_NS, SETTINGS.to_json()))
    recorder.close()
    recorder.close()
    with pytest.raises(RecordingError, match="is closed; nothing more is written"):
        recorder.write(Tick(START_NS))


def test_settings_are_on_disk_at_once(tmp_path: Path) -> None:
    """Without waiting for the first second, an unfinished file opens with its settings."""
    path = tmp_path / "x.mcap"
    recorder = Recorder(path, SETTINGS)
    recorder.write(SettingsSnapshot(START_NS, SETTINGS.to_json()))
    recording = wait_until_readable(path)
    assert recording.settings == SETTINGS
    assert recording.notes == ("The recording was not finished; it ends at 0:00.0.",)
    recorder.close()


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a matter of POSIX systems")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_killed_process_loses_at_most_about_a_second(tmp_path: Path, seed: int) -> None:
    """SIGKILL at a random moment: what is read is exactly what was written, up to a second before the end."""
    path = tmp_path / "x.mcap"
    process = start_writing(path, seed)
    assert process.stdout is not None
    assert process.stdout.readline()
    time.sleep(Random(seed).uniform(0.8, 2.6))
    process.send_signal(signal.SIGKILL)
    written, _ = process.communicate()
    last, last_ns = (int(word) for word in written.strip().splitlines()[-1].split())
    recording = open_recording(path)
    packets = [message for message in recording.inputs() if isinstance(message, Packet)]
    random = Random(seed)
    for k, packet in enumerate(packets):
        assert packet.payload == k.to_bytes(4, "little") + random.randbytes(98)
    lost_s = (last_ns - (packets[-1].host_ns if packets else 0)) / 1e9
    assert lost_s < 1.3
    assert last - len(packets) < 140
    assert not recording.is_complete
    assert any("was not finished" in note for note in recording.notes)


@pytest.mark.skipif(os.name != "posix", reason="file size limits are a matter of POSIX systems")
def test_a_full_disk_ends_in_one_sentence_and_keeps_what_was_written(tmp_path: Path) -> None:
    """A write that the system refuses raises at the next message; the file holds whole chunks and opens."""
    path = tmp_path / "x.mcap"
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))\n" + WRITING_PROCESS
    command = [sys.executable, "-c", limited, str(path), "5", "100000", "0.002"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "RecordingError: Expected to write the recording" in done.stderr
    assert "file too large; free some space or choose another folder" in done.stderr
    assert path.stat().st_size <= 150_000
    recording = open_recording(path)
    packets = [message for message in recording.inputs() if isinstance(message, Packet)]
    random = Random(5)
    assert len(packets) > 50
    for k, packet in enumerate(packets):
        assert packet.payload == k.to_bytes(4, "little") + random.randbytes(98)


CLOSING_PROCESS = """
import resource, sys, time
from pathlib import Path
from sensorsoma.errors import RecordingError
from sensorsoma.messages import SettingsSnapshot, Tick
from sensorsoma.recording.writer import Recorder
from sensorsoma.settings import SessionSettings, SourceSettings

path, is_tried_before = Path(sys.argv[1]), sys.argv[2] == "True"
settings = SessionSettings((SourceSettings("right-thigh", "right-thigh", "ble", "soma_v1"),))
recorder = Recorder(path, settings)
recorder.write(SettingsSnapshot(1, settings.to_json()))
sizes = [0]
while len(sizes) < 20 or sizes[-20] != sizes[-1] or not sizes[-1]:
    time.sleep(0.01)
    sizes.append(path.stat().st_size)
resource.setrlimit(resource.RLIMIT_FSIZE, (sizes[-1], sizes[-1]))
recorder.write(Tick(2))
if is_tried_before:
    recorder.flush()
    time.sleep(0.2)
try:
    recorder.close()
except RecordingError as error:
    print(error)
recorder.close()
"""


@pytest.mark.skipif(os.name != "posix", reason="file size limits are a matter of POSIX systems")
@pytest.mark.parametrize("is_tried_before", [False, True])
def test_a_refused_write_at_the_very_end_is_told_by_close(tmp_path: Path, is_tried_before: bool) -> None:
    """When only the last second cannot be written, closing says so, once, even if the system had refused before."""
    path = tmp_path / "x.mcap"
    command = [sys.executable, "-c", CLOSING_PROCESS, str(path), str(is_tried_before)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "file too large; free some space or choose another folder" in done.stdout
    assert [source.channel for source in open_recording(path).settings.sources] == ["right-thigh"]
