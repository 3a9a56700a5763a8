"""Sessions to write down: every kind of message, in the order of a real session."""

from __future__ import annotations

from pathlib import Path
from random import Random

from sensorsoma.messages import (
    BadPacket,
    Cue,
    CueFinished,
    DeviceInfo,
    Gap,
    Input,
    LiveAngle,
    Message,
    Packet,
    RepCompleted,
    SegmentMeasured,
    SettingsSnapshot,
    SourceStatus,
    StreamInterrupted,
    StreamResumed,
    Tick,
    Tremor,
    UserMark,
)
from sensorsoma.recording.writer import Recorder
from sensorsoma.settings import SessionSettings, SourceSettings

START_NS = 1_790_000_000_123_456_789
CHANNEL = "right-thigh"
SETTINGS = SessionSettings(
    sources=(SourceSettings(CHANNEL, "right-thigh", "ble", "soma_v1", link="simulated", config={"sign": 1}),),
    plan={"name": "short", "steps": [{"do": "clamshell", "reps": 8, "side": None}]},
)


def session_messages(seconds: int = 20, seed: int = 0) -> list[Message]:
    """Inputs and outputs as a session hands them to its recorder: 25 packets and 10 ticks a second, and events."""
    random = Random(seed)
    out: list[Message] = [SettingsSnapshot(START_NS, SETTINGS.to_json())]
    out.append(SourceStatus(START_NS, CHANNEL, "streaming", "The sensor is on.", 80, -61, True, "Soma", None))
    for k in range(seconds * 25):
        at_ns, t_s = START_NS + k * 40_000_000, k * 0.04
        out.append(Packet(at_ns, CHANNEL, random.randbytes(random.choice((0, 20, 102, 240)))))
        if k % 5 in (0, 2):
            out.append(Tick(at_ns + 1))
        if k % 4 == 0:
            out.append(LiveAngle(t_s, "clamshell", "right", "right-thigh", random.uniform(-5, 60)))
        if k % 50 == 25:
            tremor = Tremor(8.25, 0.5, 0.031, None, 1.5)
            out.append(RepCompleted(t_s - 1, t_s, "clamshell", "right", k // 50, t_s - 2, t_s, 31.4, False, tremor))
            out.append(Cue(k, t_s, "count", "count", f"{k // 50}", 0.5))
            out.append(CueFinished(at_ns + 2, k))
        if k == 100:
            out.append(UserMark(at_ns + 3, "comfort", "before 6"))
            out.append(StreamInterrupted(at_ns + 4, CHANNEL, "No data for 2 s."))
            out.append(Gap(CHANNEL, t_s - 2, t_s, 208, "link_lost"))
            out.append(BadPacket(at_ns + 5, CHANNEL, "too short"))
            out.append(DeviceInfo(at_ns + 5, CHANNEL, 79, None))
            out.append(StreamResumed(at_ns + 6, CHANNEL))
    measures = {"count": 8, "tremor": None, "reps": [{"range_deg": 31.4, "partial": False}], "notes": ["ü"]}
    out.append(SegmentMeasured(seconds, seconds, "clamshell", "right", "right-thigh", 0.0, seconds, measures, "clam"))
    return out


def inputs_of(messages: list[Message]) -> list[Input]:
    return [message for message in messages if isinstance(message, Input)]


def outputs_of(messages: list[Message]) -> list[Message]:
    return [message for message in messages if not isinstance(message, Input)]


def write_session(path: Path, messages: list[Message]) -> Path:
    """A finished recording, cut into chunks of about a second of session time as a live one is."""
    recorder = Recorder(path, SETTINGS)
    for message in messages:
        recorder.write(message)
        if isinstance(message, Packet) and (message.host_ns - START_NS) % 1_000_000_000 == 0:
            recorder.flush()
    recorder.close()
    return path
