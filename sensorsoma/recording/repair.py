"""A damaged or unfinished recording mended into a new file; the original stays as it is."""

from __future__ import annotations

import json
from pathlib import Path

from sensorsoma.errors import RecordingError
from sensorsoma.recording.disk import DiskFile, write_error
from sensorsoma.recording.reader import Contents, open_recording
from sensorsoma.recording.sheet import Sheet, SheetAttachment, SheetMessage, SheetMetadata
from sensorsoma.recording.topics import Topic
from sensorsoma.recording.writer import RecorderParams
from sensorsoma.units import NS_PER_S


def repair(path: Path | str) -> Path:
    """The path of a new, complete file `NAME.repaired.mcap` with everything that is intact in the old one.

    What is missing stays missing and is noted in the new file.

    Raises:
        InputFileError: the file is missing, something else, or nothing in it is intact.
        RecordingError: the new file cannot be written.
    """
    path = Path(path)
    recording = open_recording(path)
    target = _free_name(path)
    file = DiskFile(target)
    try:
        _write(file, recording.contents, recording.notes)
        file.sync()
    except OSError as error:
        target.unlink(missing_ok=True)
        raise write_error(target, error) from None
    finally:
        file.close()
    return target


def _write(file: DiskFile, contents: Contents, notes: tuple[str, ...]) -> None:
    params = RecorderParams()
    sheet = Sheet(file, params.chunk_bytes)
    topics = contents.topics
    sheet.define(tuple(dict.fromkeys(topic for _, topic in sorted(topics.items()))))
    for name, texts in contents.metadata:
        if name not in ("channels", "attachment", "repair", "end"):
            sheet.add(SheetMetadata(name, {key: text for key, text in texts.items() if key != "sha256"}))
    flush_ns: int | None = None
    for raw in contents.raw_messages():
        topic: Topic | None = topics.get(raw.channel_id)
        if topic is None:
            continue
        if flush_ns is None or raw.log_ns >= flush_ns:
            sheet.flush()
            flush_ns = raw.log_ns + round(params.flush_s * NS_PER_S)
        sheet.add(SheetMessage(topic, raw.data, raw.log_ns, raw.publish_ns, raw.sequence))
    for item in contents.scan.attachments:
        if item.name in contents.attachments:
            sheet.add(SheetAttachment(item.name, item.media_type, item.data, item.log_ns))
    if notes:
        sheet.add(SheetMetadata("repair", {"notes": json.dumps(list(notes))}))
    sheet.add(SheetMetadata("end", {"n_messages": str(sheet.n_messages)}))
    sheet.finish()


def _free_name(path: Path) -> Path:
    """`NAME.repaired.mcap`, or with a number when that exists."""
    for number in range(1, 1000):
        suffix = ".repaired.mcap" if number == 1 else f".repaired-{number}.mcap"
        target = path.with_name(path.name.removesuffix(".mcap") + suffix)
        if not target.exists():
            return target
    raise RecordingError(f"Expected a free name for the repaired copy of {path.name}, found none; remove old copies.")
