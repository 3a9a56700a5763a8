"""From a cue to the first sound that a player hands to the sound system: prepared, not prepared, and in a live session.

    python benchmarks/bench_speech.py [--rounds 40] [--json FILE] [--quick]

Needs espeak-ng and aplay (on Debian: apt-get install espeak-ng alsa-utils). No sound card is needed and none is
measured: ALSA's default device is a pipe that this process reads, so a stamp is taken when the first audible sample
(-48 dB) leaves the player. What a sound card, a sound server or Bluetooth headphones add comes on top.

- prepared: the cue is handed to the `Speaker`, the rendered file lies in the cache (all sentences of a plan do);
- not prepared: the sentence is rendered now by espeak-ng, then played; beside it espeak-ng alone to its first sample;
- live: `coach` with a virtual sensor over the virtual link, recording and pipeline running, counts and sentences; from
  the event (a completed repetition, a step) to the first sample, and from the notification that completed it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from figures import add_json, progress, row, tell

from sensorsoma.clock import Clock
from sensorsoma.coach.plan import load_plan, plan_from_json
from sensorsoma.coach.sentences import sentences_of
from sensorsoma.coach.words import load_words
from sensorsoma.live.computer import SoundMouth
from sensorsoma.live.players import ProgramPlayer
from sensorsoma.live.rendering import Renderer
from sensorsoma.live.speech import Speaker
from sensorsoma.live.voices import ESPEAK_RATE, find_rendering_voice
from sensorsoma.live.wav import FULL_SCALE, TrimParams
from sensorsoma.messages import Cue, Message, Packet, RepCompleted, StepStarted

TARGET_MS = 150.0
PLAN = {
    "name": "counting", "title": "Counting",
    "steps": [
        {"id": "turn", "title": "Turn", "do": "roll_over", "side": "right", "event": "turned"},
        {"id": "shells", "title": "Clamshells", "do": "clamshell", "side": "right", "reps": 8},
    ],
}  # fmt: skip


class Ear(threading.Thread):
    """Reads what ALSA would give to a sound card; the first audible sample of each sound is stamped."""

    def __init__(self, pipe: Path) -> None:
        super().__init__(daemon=True)
        self.pipe = pipe
        self.heard_ns: list[int] = []
        self._something = threading.Condition()
        os.mkfifo(pipe)

    def run(self) -> None:
        """Until the process ends."""
        while True:
            with self.pipe.open("rb", buffering=0) as sound:
                is_heard = False
                while chunk := sound.read(2048):
                    loudest = np.abs(np.frombuffer(chunk[: len(chunk) // 2 * 2], "<i2")).max(initial=0)
                    if not is_heard and loudest > TrimParams().silent_level * FULL_SCALE:
                        is_heard = True
                        with self._something:
                            self.heard_ns.append(time.monotonic_ns())
                            self._something.notify()

    def wait_for_more(self, n: int) -> None:
        """Returns when more than `n` sounds were heard, at the latest after five seconds."""
        with self._something:
            self._something.wait_for(lambda: len(self.heard_ns) > n, timeout=5.0)


def deaf_sound_system(folder: Path) -> Ear:
    """Makes a pipe the default sound device of this process and its children, and the cache a new folder."""
    ear = Ear(folder / "ear")
    device = f"type file slave.pcm null file {ear.pipe} format raw"
    (folder / ".asoundrc").write_text(f"pcm.!default {{ {device} }}\n", encoding="utf-8")
    os.environ |= {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
    ear.start()
    return ear


def say_texts() -> list[str]:
    """What a practice says, counts among it."""
    return [" ".join(saying.sentences) for saying in sentences_of(load_plan("hips-and-core"), load_words())]


async def time_cues(ear: Ear, texts: Sequence[str], rounds: int, *, is_prepared: bool) -> dict[str, Any]:
    """Milliseconds from handing a cue to the speaker to its first sample; each sentence is cut off once it is heard."""
    renderer = Renderer(find_rendering_voice())
    speaker = Speaker(Clock(), lambda _: None, [SoundMouth(renderer, ProgramPlayer("aplay", "-q"))])
    began = time.monotonic()
    await renderer.prepare(texts if is_prepared else [])
    figures: dict[str, Any] = {"prepared_s": round(time.monotonic() - began, 2), "sentences": len(set(texts))}
    taken: list[float] = []
    for number in range(rounds):
        text = texts[number % len(texts)]
        before = len(ear.heard_ns)
        start_ns = time.monotonic_ns()
        speaker.on_message(Cue(number, 0.0, "bench", "say", text, 0.5, is_interrupting=True))
        await asyncio.to_thread(ear.wait_for_more, before)
        taken.append((ear.heard_ns[-1] - start_ns) / 1e6 if len(ear.heard_ns) > before else float("inf"))
        await asyncio.sleep(0.02)
    await speaker.close()
    files = list(renderer.folder.glob("*.wav"))
    return {**figures, **spread(taken), "cache_mb": round(sum(file.stat().st_size for file in files) / 1e6, 1)}


def espeak_alone(texts: Sequence[str], rounds: int) -> dict[str, Any]:
    """Milliseconds from starting espeak-ng to its first audible sample on standard output."""
    taken = []
    for number in range(rounds):
        start_ns = time.monotonic_ns()
        command = ["espeak-ng", "-v", "en", "-s", str(ESPEAK_RATE), "--stdout", texts[number % len(texts)]]
        with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as process:
            assert process.stdout is not None
            process.stdout.read(44)
            while chunk := process.stdout.read(512):
                if np.abs(np.frombuffer(chunk[: len(chunk) // 2 * 2], "<i2")).max(initial=0) > 131:
                    break
            taken.append((time.monotonic_ns() - start_ns) / 1e6)
            process.kill()
    return spread(taken)


def spread(taken: Sequence[float]) -> dict[str, Any]:
    """Median, 95th percentile and largest."""
    ordered = sorted(taken)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return {
        "n": len(taken), "median_ms": round(statistics.median(ordered), 1), "p95_ms": round(p95, 1),
        "max_ms": round(ordered[-1], 1),
    }  # fmt: skip


class Watch:
    """Notes when an event and its cue came by; a listener before the speaker."""

    def __init__(self) -> None:
        self.packet_ns = 0
        self.event: tuple[str, int, int] | None = None
        self.cues: list[tuple[str, int, int, int]] = []
        """What led to it, its stamp, that of the notification before, that of the cue."""

    def on_message(self, message: Message) -> None:
        """Stamps."""
        now_ns = time.monotonic_ns()
        if isinstance(message, Packet):
            self.packet_ns = now_ns
        elif isinstance(message, RepCompleted | StepStarted):
            self.event = ("count" if isinstance(message, RepCompleted) else "step", now_ns, self.packet_ns)
        elif isinstance(message, Cue) and self.event is not None:
            if (message.kind == "count") == (self.event[0] == "count"):
                self.cues.append((*self.event, now_ns))
            self.event = None


async def live(ear: Ear, folder: Path) -> dict[str, Any]:
    """A coached session at real speed; the counts of eight clamshells."""
    from sensorsoma.cli.running import LiveChoices, run_live
    from sensorsoma.sources.spec import parse_sources

    watch = Watch()
    plan = plan_from_json({"schema_version": 1, **PLAN})
    choices = LiveChoices(
        parse_sources(["right-thigh=virtual"]), folder, "bench", plan=plan.model_dump(mode="json"), mode="plain",
    )  # fmt: skip
    heard_before = len(ear.heard_ns)
    await run_live(choices, [watch])
    from_event, from_packet, from_cue = [], [], []
    for kind, event_ns, packet_ns, cue_ns in watch.cues:
        first_ns = next((at for at in ear.heard_ns[heard_before:] if at > cue_ns), None)
        if first_ns is None or kind != "count":
            continue
        from_event.append((first_ns - event_ns) / 1e6)
        from_packet.append((first_ns - packet_ns) / 1e6)
        from_cue.append((first_ns - cue_ns) / 1e6)
    return {
        "counts": spread(from_event), "from_packet": spread(from_packet), "from_cue": spread(from_cue),
    }  # fmt: skip


def lines(figures: dict[str, Any]) -> Iterator[str]:
    """The readable form."""
    yield figures["said"]
    for each in figures["rows"]:
        target = f"  (target {each['target']})" if each["target"] else ""
        yield f"  {each['what']:<72}{each['measured']}{target}{'' if each['is_met'] else '   FALLS SHORT'}"


def rows_of(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """The table."""

    def text(part: dict[str, Any]) -> str:
        return f"median {part['median_ms']} ms, 95 % {part['p95_ms']} ms, longest {part['max_ms']} ms (n = {part['n']})"

    ready, late, alone = figures["prepared"], figures["not_prepared"], figures["espeak_alone"]
    found = [
        row("A prepared sentence: cue to first sample out of the player", text(ready), "< 150 ms (95 %)",
            is_met=ready["p95_ms"] < TARGET_MS),
        row("One that was not prepared: rendered now, then played", text(late), plain=f"espeak-ng alone {text(alone)}"),
        row(f"Preparing all {ready['sentences']} sentences of hips-and-core",
            f"{ready['prepared_s']} s in the background, {ready['cache_mb']} MB"),
    ]  # fmt: skip
    if "live" in figures:
        counts = figures["live"]["counts"]
        found.insert(0, row(
            "In a live session: completed repetition to first sample of its count", text(counts), "< 150 ms (95 %)",
            is_met=counts["p95_ms"] < TARGET_MS,
        ))  # fmt: skip
        found.insert(1, row("The same from the notification that completed it", text(figures["live"]["from_packet"])))
    return found


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--quick", action="store_true", help="20 rounds, no live session")
    add_json(parser)
    options = parser.parse_args()
    for program in ("espeak-ng", "aplay"):
        if shutil.which(program) is None:
            sys.exit(f"Expected {program}, found none; on Debian: apt-get install espeak-ng alsa-utils")
    rounds = 20 if options.quick else options.rounds
    texts = say_texts()
    figures: dict[str, Any] = {"benchmark": "speech", "target_ms": TARGET_MS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ear = deaf_sound_system(folder)
        progress("not prepared")
        figures["not_prepared"] = asyncio.run(time_cues(ear, texts, rounds, is_prepared=False))
        shutil.rmtree(folder / "cache")
        progress("prepared")
        figures["prepared"] = asyncio.run(time_cues(ear, texts, rounds, is_prepared=True))
        figures["espeak_alone"] = espeak_alone(texts, rounds)
        if not options.quick:
            progress("a live session of two minutes")
            figures["live"] = asyncio.run(live(ear, folder))
        progress("")
    figures["said"] = (
        "From handing a cue to the speaker to the first audible sample out of aplay, with espeak-ng as the voice; a "
        "pipe stands in for the sound card, so what a card, a sound server or headphones add comes on top."
    )
    figures["rows"] = rows_of(figures)
    tell(figures, lines(figures), options.json)


if __name__ == "__main__":
    main()
