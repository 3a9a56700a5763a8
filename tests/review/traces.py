"""Believable sessions made by hand, with known numbers, for looking at what the review makes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from sensorsoma.messages import Cue, Gap, HoldReached, PostureChanged, SegmentCurve, StepFinished
from sensorsoma.review.trace import SessionTrace
from sensorsoma.settings import Link, SessionSettings, SourceSettings

START_S = 1.5
RATE_HZ = 26.0


def smooth_step(t_s, begin_s, end_s):
    """0 before, 1 after, a cosine between."""
    share = np.clip((t_s - begin_s) / (end_s - begin_s), 0, 1)
    return 0.5 - 0.5 * np.cos(np.pi * share)


def shaking(share: float, freq_hz: float = 7.4, rms_mps2: float = 0.31, onset_s: float | None = None) -> dict[str, Any]:
    """A tremor object of the JSON."""
    found = {"freq_hz": freq_hz, "share": share, "rms_mps2": rms_mps2, "rms_radps": rms_mps2 / 13.0}
    return found if onset_s is None else {**found, "onset_s": onset_s}


def plain_segment(
    exercise: str, side: str | None, placement: str, start_s: float, end_s: float, **measures: Any
) -> dict[str, Any]:
    """A segment with what every segment has, plus its own measures."""
    return {
        "exercise": exercise,
        "side": side,
        "placement": placement,
        "start_s": start_s,
        "end_s": end_s,
        "count": None,
        "reps": [],
        "tremor": None,
        "plan": None,
        "weak": False,
        "notes": [],
        **measures,
    }


def curve(segment: dict[str, Any], angle_of, label: str) -> SegmentCurve:
    """A sampled curve over a segment, in session seconds."""
    t_s = np.arange(segment["start_s"], segment["end_s"], 1 / RATE_HZ)
    return SegmentCurve(
        exercise=segment["exercise"],
        side=segment["side"],
        placement=segment["placement"],
        t_s=t_s + START_S,
        angle_deg=angle_of(t_s),
        label=label,
    )


def knee_falls(
    side: str, start_s: float, finals_deg: list[float], supported: tuple[int, ...] = ()
) -> tuple[dict[str, Any], SegmentCurve]:
    """A stretch of knee falls, 80 s each, of the given final angles."""
    falls, begin_s = [], start_s
    for index, final in enumerate(finals_deg):
        arrival = final - 5.2
        falls.append(
            {
                "knee_up_s": begin_s + 2,
                "fall_start_s": begin_s + 9,
                "rest_start_s": begin_s + 13.5,
                "rest_end_s": begin_s + 66,
                "slide_end_s": begin_s + 71,
                "arrival_deg": arrival,
                "final_deg": final,
                "sink_deg": 5.2,
                "sink_deg_per_min": 5.9,
                "fall_s": 3.4,
                "began_on_exhale": None,
                "openness_kept_share": 0.81,
                "residual_deg": 3.2,
                "supported": index in supported,
                "pelvis_roll_deg": None,
                "breaths_per_min": None,
                "angle_uncertainty_deg": 1.6,
            }
        )
        begin_s += 80
    segment = plain_segment("knee_fall", side, f"{side}-thigh", start_s, begin_s, falls=falls)

    def angle(t_s):
        total = np.zeros_like(t_s)
        for fall in falls:
            down = smooth_step(t_s, fall["fall_start_s"], fall["rest_start_s"] - 1) * fall["arrival_deg"]
            sink = 5.2 * (1 - np.exp(-np.clip(t_s - fall["rest_start_s"], 0, None) / 18)) / (1 - np.exp(-52.5 / 18))
            total += (down + sink) * (1 - 0.65 * smooth_step(t_s, fall["rest_end_s"], fall["slide_end_s"]))
            total *= 1 - smooth_step(t_s, fall["slide_end_s"] + 2, fall["slide_end_s"] + 5)
        return total + 0.25 * np.sin(2 * np.pi * t_s / 6)

    return segment, curve(segment, angle, "fall-out (deg)")


def clamshells(
    side: str, start_s: float, ranges_deg: list[float], partial: tuple[int, ...] = ()
) -> tuple[dict[str, Any], SegmentCurve]:
    """A set of clamshells of the given ranges; the last two shake."""
    reps = []
    for index, range_deg in enumerate(ranges_deg):
        begin = start_s + 3 + 7.5 * index + 0.4 * (index % 3) + (12 if partial and index > partial[0] else 0)
        reps.append(
            {
                "start_s": begin,
                "peak_s": begin + 3.0,
                "end_s": begin + 6.4,
                "range_deg": range_deg,
                "out_s": 2.8,
                "hold_s": 0.5,
                "back_s": 3.1,
                "sparc": -1.9 - 0.03 * index,
                "partial": index in partial,
                "pelvis_roll_deg": None,
                "tremor": shaking(0.4, 7.4 + 0.2 * index) if index >= len(ranges_deg) - 2 else None,
            }
        )
    tremor = {**shaking(0.18), "onset_s": reps[max(0, len(reps) - 2)]["start_s"] - start_s}
    segment = plain_segment(
        "clamshell", side, f"{side}-thigh", start_s, reps[-1]["end_s"] + 4, count=len(reps), reps=reps, tremor=tremor
    )

    def angle(t_s):
        total = 0.4 * np.sin(2 * np.pi * t_s / 5)
        for rep in reps:
            up = smooth_step(t_s, rep["start_s"], rep["peak_s"]) - smooth_step(t_s, rep["peak_s"] + 0.4, rep["end_s"])
            total = total + rep["range_deg"] * up
            if rep["tremor"]:
                total = total + 0.35 * np.sin(2 * np.pi * 7.7 * t_s) * up
        return total

    return segment, curve(segment, angle, "opening (deg)")


def pelvic_rocks(start_s: float, n: int = 6) -> tuple[dict[str, Any], SegmentCurve]:
    """Pelvic rocking seen by a sensor at the pelvis."""
    cycles = [
        {
            "arch_s": start_s + 4 + 9 * i,
            "flatten_s": start_s + 8.5 + 9 * i,
            "anterior_deg": 7.5 + 0.3 * i,
            "posterior_deg": -6.1 + 0.1 * i,
        }
        for i in range(n)
    ]
    segment = plain_segment("pelvic_rock", None, "pelvis", start_s, start_s + 9 * n + 6, count=n, cycles=cycles)

    def angle(t_s):
        total = np.zeros_like(t_s)
        for c in cycles:
            total += c["anterior_deg"] * np.exp(-(((t_s - c["arch_s"]) / 1.5) ** 2))
            total += c["posterior_deg"] * np.exp(-(((t_s - c["flatten_s"]) / 1.5) ** 2))
        return total

    return segment, curve(segment, angle, "pelvic tilt, anterior + (deg)")


def knee_rolls(start_s: float) -> tuple[dict[str, Any], SegmentCurve]:
    """Three full knee rolls, 30° out and 25° in."""
    outs, ins = [start_s + 3 + 8 * i for i in range(3)], [start_s + 7 + 8 * i for i in range(3)]
    sides = {
        "out": {"count": 3, "peaks_s": outs, "range_deg": 30.0},
        "in": {"count": 3, "peaks_s": ins, "range_deg": 25.0},
    }
    segment = plain_segment("knee_roll", "right", "right-thigh", start_s, start_s + 26, count=3, sides=sides)

    def angle(t_s):
        total = np.zeros_like(t_s)
        for out_s, in_s in zip(outs, ins, strict=True):
            total += 30.0 * np.exp(-(((t_s - out_s) / 1.2) ** 2)) - 25.0 * np.exp(-(((t_s - in_s) / 1.2) ** 2))
        return total

    return segment, curve(segment, angle, "knee roll, outward + (deg)")


def flatten_hold(start_s: float) -> tuple[dict[str, Any], SegmentCurve]:
    """A flatten-hold of 15.4 s that shakes from second 6."""
    segment = plain_segment(
        "pelvic_hold", None, "pelvis", start_s, start_s + 22, hold_s=15.4, tremor=shaking(0.5, 8.6, 0.22, 6.0)
    )

    def angle(t_s):
        held = smooth_step(t_s, start_s + 1, start_s + 3) - smooth_step(t_s, start_s + 18.4, start_s + 20)
        shake = 0.3 * np.sin(2 * np.pi * 8.6 * t_s) * (t_s > start_s + 9) * held
        return -7 * held + shake

    return segment, curve(segment, angle, "pelvic tilt, anterior + (deg)")


def step(
    index: int,
    title: str,
    do: str,
    side: str | None,
    start_s: float,
    end_s: float,
    asked,
    done,
    ended_by,
    measured=True,
) -> StepFinished:
    """A finished step; times from the first sample."""
    return StepFinished(
        t_s=end_s + START_S,
        step_id=f"s{index + 1}",
        index=index,
        title=title,
        do=do,
        side=side,
        start_s=start_s + START_S,
        end_s=end_s + START_S,
        asked=asked,
        done=done,
        ended_by=ended_by,
        is_measured=measured,
    )


def settings(
    link: Link = "simulated", title: str = "Hips and core", placements=("right-thigh", "left-thigh", "pelvis")
) -> SessionSettings:
    """Sensors and a plan, as a session would have them."""
    kind = {"simulated": "virtual", "imported": "file", "real": "ble"}[link]
    return SessionSettings(
        sources=tuple(
            SourceSettings(channel=p, placement=p, kind=kind, decoder="soma_v1", link=link) for p in placements
        ),
        plan={"name": "hips-and-core", "title": title},
        started="2026-03-02T22:41:07+01:00",
        software={"sensorsoma": "0.1.0", "numpy": "2.0.0", "vqf": "2.1.1"},
    )


def posture(t_s: float, how: str) -> PostureChanged:
    """A posture change seen at the pelvis; time from the first sample."""
    return PostureChanged(
        t_s=t_s + START_S, known_s=t_s + START_S + 2, channel="pelvis", placement="pelvis", posture=how
    )


def trace_of(parts, link: Link = "simulated", **more: Any) -> SessionTrace:
    """A trace of (segment, curve) pairs."""
    segments = [segment for segment, _ in parts]
    given = {
        "settings": settings(link),
        "steps": (),
        "events": (),
        "cues": (),
        "gaps": (),
        "bad_packets": 0,
        "notes": (),
        "start_s": START_S,
        **more,
    }
    end_s = max((segment["end_s"] for segment in segments), default=0.0)
    analysis = {
        "schema": "sensorsoma.analysis/1",
        "input": {"path": "evening.mcap", "kind": "recording"},
        "link": link,
        "duration_s": end_s + 10.0,
        "rate_hz": 104.02,
        "segments": segments,
    }
    return SessionTrace(analysis=analysis, curves=tuple(line for _, line in parts), **given)


def whole_session(link: Link = "simulated") -> SessionTrace:
    """Practice B on both sides: one fall a side, rocking, a hold, eight clamshells a side, one gap, one timed step."""
    parts = [
        knee_falls("right", 40, [53.4]),
        knee_falls("left", 125, [47.8]),
        pelvic_rocks(215),
        flatten_hold(280),
        clamshells("right", 335, [44, 46, 45.5, 47, 21, 44, 43, 42.5, 41], partial=(4,)),
        clamshells("left", 440, [35, 36, 34.5, 36.2, 35.1, 33, 32.5, 33.8]),
    ]
    right, left = parts[4][0], parts[5][0]
    blind = (parts[4][1].t_s > 376 + START_S) & (parts[4][1].t_s < 386.4 + START_S)
    parts[4] = (right, replace(parts[4][1], angle_deg=np.where(blind, np.nan, parts[4][1].angle_deg)))
    steps = (
        step(0, "Settle", "rest", None, 0, 38, {"seconds": 40}, {"seconds": 38.2, "still_share": 0.93}, "seconds"),
        step(1, "Right knee falls out", "knee_fall", "right", 38, 54, {"seconds": 20}, {"arrival_deg": 48.2}, "event"),
        step(2, "Rest open", "knee_fall", "right", 54, 106, {"breaths": 6}, {"seconds": 52, "sink_deg": 5.2}, "timed"),
        step(
            3,
            "Slide down, compare",
            "leg_slide",
            "right",
            106,
            122,
            {"event": "straight"},
            {"openness_kept_share": 0.81},
            "event",
        ),
        step(
            4,
            "Left knee falls out",
            "knee_fall",
            "left",
            122,
            205,
            {"breaths": 6},
            {"arrival_deg": 42.6, "sink_deg": 5.2},
            "timed",
        ),
        step(5, "Pelvic rocking", "pelvic_rock", None, 210, 276, {"cycles": 6}, {"cycles": 6}, "reps"),
        step(6, "Hold the flatten", "pelvic_hold", None, 276, 304, {"seconds": 15}, {"hold_s": 15.4}, "seconds"),
        step(
            7,
            "Belly breathing",
            "breathing",
            None,
            304,
            315,
            {"breaths": 2},
            {"breaths": None},
            "timed",
            measured=False,
        ),
        step(
            8,
            "Roll onto the left side",
            "roll_over",
            "left",
            315,
            331,
            {"event": "posture"},
            {"posture": "right_up"},
            "event",
        ),
        step(9, "Clamshells, right", "clamshell", "right", 331, right["end_s"], {"reps": 8}, {"reps": 9}, "reps"),
        step(
            10,
            "Roll over",
            "roll_over",
            "right",
            right["end_s"],
            436,
            {"event": "posture"},
            {"posture": "left_up"},
            "event",
        ),
        step(11, "Clamshells, left", "clamshell", "left", 436, left["end_s"], {"reps": 8}, {"reps": 8}, "reps"),
        step(
            12,
            "Free movement",
            "free",
            None,
            left["end_s"],
            left["end_s"] + 9,
            {"open": True},
            {},
            "person",
            measured=False,
        ),
    )
    events = (
        posture(1, "supine"),
        posture(322, "right_up"),
        posture(425, "left_up"),
        HoldReached(t_s=283 + START_S, known_s=284 + START_S, exercise="pelvic_hold", side=None),
    )
    cues = tuple(
        Cue(cue_id=i + 1, t_s=s.start_s + 0.5, key=s.do, kind="say", text=s.title, length_s=2.0)
        for i, s in enumerate(steps)
    )
    gaps = (
        Gap("right-thigh", 376 + START_S, 386.4 + START_S, None, "link_lost"),
        *(Gap("left-thigh", t + START_S, t + 0.03 + START_S, 3, "lost_packets") for t in (50.0, 60.0, 300.0)),
    )
    return trace_of(
        parts,
        link,
        steps=steps,
        events=events,
        cues=cues,
        gaps=gaps,
        bad_packets=2,
        notes=("The right thigh was without a link for 10 s; guidance went on.",),
    )


def hips_check(right_deg: float = 55.0, left_deg: float = 44.0, supported: tuple[int, ...] = ()) -> SessionTrace:
    """Three rests and five clamshells a side, enough for a statement about the two hips."""
    clam_right, clam_left = right_deg - 8, left_deg - 8
    return trace_of(
        [
            knee_falls("right", 20, [right_deg - 1, right_deg, right_deg + 1], supported),
            knee_falls("left", 265, [left_deg - 1, left_deg, left_deg + 1]),
            clamshells("right", 520, [clam_right + d for d in (-1, 0, 1, 0.5, -0.5)]),
            clamshells("left", 580, [clam_left + d for d in (-1, 0, 1, 0.5, -0.5)]),
        ],
        settings=settings(title="Hips check"),
    )


def nothing_measured() -> SessionTrace:
    """A session in which no worn sensor saw a movement."""
    return trace_of([], "real")


def with_title(trace: SessionTrace, title: str) -> SessionTrace:
    """The same session under another plan title, also as the title of its first step."""
    steps = (replace(trace.steps[0], title=title), *trace.steps[1:])
    return replace(trace, settings=replace(trace.settings, plan={"name": "x", "title": title}), steps=steps)
