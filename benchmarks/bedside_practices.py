"""Whole practices at the bedside: simulated people, the virtual Bluetooth link, the real coach, every set of sensors.

    python benchmarks/bedside_practices.py [--speed 10] [--seed 21] [--only SET ...] [--practice NAME ...] [--quick]
                                           [--keep FOLDER] [--json FILE]

Both full practices, unshortened, with right thigh, left thigh or both, each with nothing, pelvis or belly, and with
pelvis or belly alone; every sensor is found, connected and read by the real Bluetooth client over the virtual radio, at
scaled time. With nothing worn there is no link: those two are led without one. Each evening is judged by
`tests/bedside/judging.py` against what the simulated person really did. An open step is ended by a key after a while.

One evening after the other: 22 of them, 6 hours together, take about 45 minutes at eight to ten times real time, on a
computer that does nothing else; beside other work the person hears late. `--only right-thigh+pelvis` runs a part;
`--quick` two evenings.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from figures import add_json, progress, row, tell

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from bedside.evening import Evening
from bedside.judging import figures as quiet_and_prompt
from bedside.judging import violations
from bedside.sets import PRACTICES, SETS, fitted, name_of
from bedside.transcript import transcript

from sensorsoma.analysis import differences_from_live
from sensorsoma.cli.opening import open_sources, session_settings
from sensorsoma.cli.running import LiveChoices, recording_path
from sensorsoma.clock import Clock
from sensorsoma.live.speech import Speaker
from sensorsoma.messages import CueFinished, Message, Packet, StepStarted, UserMark
from sensorsoma.session import Session
from sensorsoma.sources.spec import parse_sources
from sensorsoma.units import NS_PER_S

OPEN_FOR_S = 25.0
"""So long a person stays in a step that has no end of its own."""
QUICK = (("hips-and-core", ("right-thigh", "pelvis")), ("soft-hips", ("left-thigh", "belly")))


class Finger:
    """Presses `next` when a step without an end has gone on for a while; a listener of the session."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    def on_message(self, message: Message) -> None:
        """Waits from the beginning of an open step."""
        if isinstance(message, StepStarted) and message.asked.get("open"):
            real_s = self._clock.real_seconds(OPEN_FOR_S)
            asyncio.get_running_loop().call_later(real_s, self._press)

    def _press(self) -> None:
        self._session.put(UserMark(self._clock.now_ns(), "next"))


class Age:
    """How late packets are taken, worst case; a listener of the session."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.worst_s = 0.0

    def on_message(self, message: Message) -> None:
        """Every packet tells when it arrived."""
        if isinstance(message, Packet):
            self.worst_s = max(self.worst_s, (self._clock.now_ns() - message.host_ns) / NS_PER_S)


async def practise(
    name: str, worn: Sequence[str], speed: float, seed: int, folder: Path
) -> tuple[Evening, Path, float]:
    """One evening over the link: what happened, its recording, and the session seconds that packets waited at worst."""
    from sensorsoma.recording.writer import Recorder
    from sensorsoma.virtual.launcher import start_virtual

    choices = LiveChoices(
        specs=parse_sources([f"{place}=virtual" for place in worn]), folder=folder, name=f"{name}_{name_of(worn)}",
        plan=fitted(name, worn).model_dump(mode="json"), speed=speed, seed=seed, has_voice=False,
    )  # fmt: skip
    clock, path = Clock(speed), recording_path(folder, choices.name)
    async with AsyncExitStack() as stack:
        world = await start_virtual([f"{place}=person" for place in worn], speed=speed, seed=seed)
        stack.push_async_callback(world.close)
        sources = await open_sources(choices, clock, world, stack)
        session = Session(session_settings(choices), sources, clock, lambda found: Recorder(path, found))
        speaker = Speaker(clock, lambda cue_id: session.put(CueFinished(clock.now_ns(), cue_id)), ())
        stack.push_async_callback(speaker.close)
        age = Age(clock)
        session.add_listeners(age, speaker, world, Finger(session, clock))
        await session.run()
        truth = await world.truth()
    return Evening.of_recording(path, truth), path, age.worst_s


def without_link(name: str, seed: int) -> Evening:
    """With nothing worn."""
    from coached import practise as led

    return Evening.of_practice(led(fitted(name, ()).model_dump(mode="json"), (), seed=seed))


def judged(name: str, worn: tuple[str, ...], options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """One row of the kept figures."""
    began = time.monotonic()
    waited_s, differing = 0.0, 0
    if worn:
        evening, path, waited_s = asyncio.run(practise(name, worn, options.speed, options.seed, folder))
        differing = len(differences_from_live(path))
    else:
        evening = without_link(name, options.seed)
    if options.keep is not None:
        (options.keep / f"{name}_{name_of(worn)}.txt").write_text(transcript(evening), encoding="utf-8")
    found = violations(evening)
    wrong_steps = {line.split(":")[0] for line in found} & {step.id for step in evening.plan.steps}
    ended = [span[2] for span in evening.spans()]
    return {
        "practice": name, "worn": name_of(worn), "violations": found, "n_steps": len(evening.plan.steps),
        "n_steps_as_expected": len(evening.plan.steps) - len(wrong_steps), "replay_differs": differing,
        "waited_s": round(waited_s, 3), "session_s": round(max(ended, default=0.0)),
        "took_s": round(time.monotonic() - began), **quiet_and_prompt(evening),
    }  # fmt: skip


def table(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """All evenings together."""

    def worst(name: str) -> float:
        return max((one[name] for one in rows if one[name] is not None), default=0.0)

    clean = sum(not one["violations"] for one in rows)
    steps, expected = (sum(one[name] for one in rows) for name in ("n_steps", "n_steps_as_expected"))
    counts = sum(one["n_counts"] for one in rows)
    off = sum("reps" in line or "comes" in line or "said twice" in line for one in rows for line in one["violations"])
    same = sum(not one["replay_differs"] for one in rows)
    return [
        row("practices of all sets without a breach", f"{clean} of {len(rows)}", "all", None, clean == len(rows)),
        row("steps that began, ended and were measured as the practice says", f"{expected} of {steps}", "all", None,
            expected == steps),
        row("spoken counts beside the person's own repetitions", f"{counts - off} of {counts}", "all", None, not off),
        row("cues over another cue, a fall, a slide, a repetition or a pose",
            str(sum("said over" in line or "begins while" in line for one in rows for line in one["violations"])), "0",
            None, not any("said over" in line or "begins while" in line for one in rows for line in one["violations"])),
        row("most sentences in any minute of a step", f"{worst('max_sentences_per_min'):.0f}", "6", None,
            worst("max_sentences_per_min") <= 6),
        row("latest count after its repetition", f"{worst('worst_count_late_s'):.1f} s"),
        row("latest end of a fall's step after the knee's arrival", f"{worst('worst_arrival_late_s'):.1f} s"),
        row("replays that differ from what was heard live", str(len(rows) - same), "0", None, same == len(rows)),
        row("longest that a packet waited", f"{worst('waited_s'):.2f} s of session time"),
    ]  # fmt: skip


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speed", type=float, default=10.0, help="session seconds per second")
    parser.add_argument("--seed", type=int, default=21, help="which person")
    parser.add_argument("--only", nargs="+", default=None, choices=[name_of(worn) for worn in SETS], metavar="SET")
    parser.add_argument("--practice", nargs="+", default=PRACTICES)
    parser.add_argument("--keep", type=Path, default=None, help="folder for the transcripts")
    parser.add_argument("--quick", action="store_true", help="two evenings")
    add_json(parser)
    options = parser.parse_args()
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
    evenings: list[tuple[str, tuple[str, ...]]] = [
        (name, worn) for worn in SETS if options.only is None or name_of(worn) in options.only
        for name in options.practice
    ]  # fmt: skip
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, worn in QUICK if options.quick else evenings:
            rows.append(judged(name, worn, options, Path(folder)))
            progress(f"{len(rows)} of {len(QUICK if options.quick else evenings)} evenings")
    progress("")
    hours = sum(one["session_s"] for one in rows) / 3600
    figures = {
        "benchmark": "bedside_practices", "speed": options.speed, "seed": options.seed, "evenings": rows,
        "rows": table(rows),
        "said": f"{len(rows)} unshortened practices, {hours:.1f} hours of a simulated person's evening at "
        f"{options.speed:g} times real time, every difficulty of the simulator, judged by the person's own times.",
    }  # fmt: skip
    lines = [
        f"  {line['what']}: {line['measured']}" + ("" if line["is_met"] else "  FALLS SHORT") for line in table(rows)
    ]
    lines += [f"  {one['practice']}, {one['worn']}: {line}" for one in rows for line in one["violations"]]
    tell(figures, lines, options.json)


if __name__ == "__main__":
    main()
