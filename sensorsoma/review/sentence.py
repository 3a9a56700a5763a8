"""What a report begins with: two or three sentences to take in just out of bed, and a list of what was measured."""

from __future__ import annotations

import re
from collections.abc import Callable
from statistics import fmean

from sensorsoma.review import words
from sensorsoma.review.sides import SidesParams, compare_sides
from sensorsoma.review.tables import counts_of, is_finding, shaking_table
from sensorsoma.review.trace import Segment, SessionTrace

SIDES = ("right", "left")
UNIT_SPACE = re.compile(r"(\d) (s|min|Hz)\b")


def summary_sentences(trace: SessionTrace, params: SidesParams | None = None) -> str:
    """How long, what was done, what can be said of the two hips, and comfort as it was said.

    Weak evidence and what was not measured stay out of it.

    Args:
        trace: the session.
        params: how much evidence a statement about the two sides needs.
    """
    length = words.span(float(trace.analysis.get("duration_s") or 0))
    done = _done(trace) or _without_a_name(trace) or _without_movement(trace)
    comfort = words.comfort(trace.analysis.get("comfort") or {})
    sentences = (
        f"{_when(trace)}, {length}: {done}.",
        _hips(trace, params),
        f"Comfort, 0 to 10: {comfort}." if comfort else None,
    )
    return _kept_together(" ".join(filter(None, sentences)))


def summary_points(trace: SessionTrace) -> tuple[str, ...]:
    """The same session in numbers, a line for every movement; weak evidence and what was not measured stay out."""
    found = (build(trace) for build in CLAUSES)
    return tuple(_kept_together(words.as_sentence(clause)) for clause in found if clause)


def _kept_together(text: str) -> str:
    """A number stays on one line with its unit."""
    return UNIT_SPACE.sub("\\1\u00a0\\2", text)


def _done(trace: SessionTrace) -> str | None:
    """Names of what was measured, those of the hips with their sides: "clamshells on both sides, and rocking"."""
    groups: dict[str, list[str]] = {}
    for exercise, name, build in DONE:
        if build(trace) is None:
            continue
        sides = {segment.get("side") for segment in _of(trace, exercise)} & set(SIDES)
        where = "on both sides" if len(sides) == 2 else f"on the {sides.pop()}" if sides else ""
        groups.setdefault(where, []).append(name)
    # Those without a side come last, where no side can be read into them.
    ordered = sorted(groups.items(), key=lambda group: not group[0])
    return ", and ".join(f"{words.listed(names)} {where}".strip() for where, names in ordered) or None


def _hips(trace: SessionTrace, params: SidesParams | None) -> str | None:
    """What can be said of right and left, in one sentence; None for a one-sided session."""
    compared = compare_sides(trace, params)
    if not compared:
        return None
    beyond = [one for one in compared if one.delta_deg is not None]
    if beyond:
        most = max(beyond, key=lambda one: abs(one.delta_deg or 0.0))
        delta_deg = most.delta_deg or 0.0
        side = "right" if delta_deg > 0 else "left"
        movement = _movement(most.measure)
        return f"In {movement} the {side} side went {abs(delta_deg):.0f}° further, more than measuring again can bring."
    within = list(dict.fromkeys(_movement(one.measure) for one in compared if one.verdict == "within"))
    if within:
        return f"In {words.listed(within)} right and left differ by no more than measuring again can bring."
    return "The repeats are too few to compare the two hips."


def _movement(measure: str) -> str:
    name = measure.partition(",")[0]
    return {"Clamshell": "the clamshells"}.get(name, f"the {name.lower()}")


def _when(trace: SessionTrace) -> str:
    if trace.link == "simulated":
        return "A simulated session"
    if trace.link == "imported":
        return "A file of another program"
    hour = trace.settings.started[11:13]
    return "Tonight" if hour.isdigit() and (int(hour) >= 18 or int(hour) < 5) else "This session"


def _of(trace: SessionTrace, exercise: str) -> list[Segment]:
    return [segment for segment in trace.segments if segment.get("exercise") == exercise and not segment.get("weak")]


def _counts(trace: SessionTrace, exercise: str, one: str, many: str) -> str | None:
    counted = [s for s in _of(trace, exercise) if s.get("count") is not None and not is_finding(s)]
    parts: list[str] = []
    has_small = False
    for side in (*SIDES, None):
        counts = [counts_of(segment) for segment in counted if segment.get("side") == side]
        if counts:
            n_whole, n_small = sum(n or 0 for n, _ in counts), sum(n for _, n in counts)
            text = words.counted(n_whole, n_small, *(("", "") if parts else (one, many)))
            parts.append(text + (f" on the {side}" if side else ""))
            has_small |= n_small > 0
    # "8 and a small one and 7 and a small one" has an "and" too many.
    return (", ".join(parts) if has_small else words.listed(parts)) or None


def _without_a_name(trace: SessionTrace) -> str | None:
    """What was found and could not be named: the only thing to say when nothing else was seen."""
    found = [s for s in trace.segments if s.get("seen_as") in words.SEEN_AS and s.get("count") is not None]
    parts = [f"{words.SEEN_AS[s['seen_as']].lower()}, about {words.times(int(s['count']))}" for s in found]
    return words.listed(parts) or None


def _without_movement(trace: SessionTrace) -> str:
    if any(segment.get("still_share") is not None for segment in trace.segments):
        return "rest, and no movement that could be named"
    if any(segment.get("weak") and segment.get("count") for segment in trace.segments):
        return "only weak evidence of a movement"
    if trace.segments or trace.settings.segments:
        return "nothing that was worn could measure a movement"
    return "nothing was measured"


def _clamshells(trace: SessionTrace) -> str | None:
    return _counts(trace, "clamshell", "clamshell", "clamshells")


def _knee_rolls(trace: SessionTrace) -> str | None:
    return _counts(trace, "knee_roll", "knee roll", "knee rolls")


def _rocks(trace: SessionTrace) -> str | None:
    return _counts(trace, "pelvic_rock", "pelvic rock", "pelvic rocks")


def _tilt(trace: SessionTrace) -> str | None:
    found = [segment for segment in _of(trace, "pelvic_rock") if is_finding(segment) and segment.get("count")]
    return f"the pelvic tilt {words.times(sum(int(s['count']) for s in found))}, to find it" if found else None


def _falls(trace: SessionTrace) -> str | None:
    parts = []
    for side in SIDES:
        falls = [fall for s in _of(trace, "knee_fall") if s.get("side") == side for fall in s.get("falls") or ()]
        free = [fall for fall in falls if fall.get("supported") is not True]
        is_carried, falls = not free, free or falls
        finals = [float(fall["final_deg"]) for fall in falls if fall.get("final_deg") is not None]
        sinks = [float(fall["sink_deg"]) for fall in falls if fall.get("sink_deg") is not None]
        if not finals:
            continue
        text = f"the {side} knee resting open {'on a support ' if is_carried else ''}at {fmean(finals):.0f}°"
        if sinks and round(fmean(sinks)) > 0:
            text += f" after sinking {fmean(sinks):.0f}°"
        parts.append(text + (f" (mean of {len(finals)} falls)" if len(finals) > 1 else ""))
    return words.listed(parts) or None


def _holds(trace: SessionTrace) -> str | None:
    holds = [float(s["hold_s"]) for s in _of(trace, "pelvic_hold") if s.get("hold_s") is not None]
    if not holds:
        return None
    return f"the flatten held for {words.listed([words.span(hold) for hold in holds])}"


def _leg_back(trace: SessionTrace) -> str | None:
    parts = [
        f"the {s.get('side')} leg behind the body for {words.span(float(s['hold_s']))}"
        for s in _of(trace, "leg_back")
        if s.get("hold_s") is not None and s.get("side")
    ]
    return words.listed(parts) or None


def _rocking(trace: SessionTrace) -> str | None:
    parts = [f"rocking at {float(s['freq_hz']):.1f} Hz" for s in _of(trace, "rocking") if s.get("freq_hz") is not None]
    return words.listed(parts) or None


def _breathing(trace: SessionTrace) -> str | None:
    rates = [float(s["rate_per_min"]) for s in _of(trace, "breathing") if s.get("rate_per_min") is not None]
    return f"{fmean(rates):.0f} breaths a minute" if rates else None


def _shaking(trace: SessionTrace) -> str | None:
    found = shaking_table(trace)["freq_hz"].dropna()
    if found.empty:
        return None
    low, high = round(found.min()), round(found.max())
    return f"some shaking at about {low} Hz" if low == high else f"some shaking at {low} to {high} Hz"


CLAUSES: tuple[Callable[[SessionTrace], str | None], ...] = (
    _clamshells, _knee_rolls, _falls, _tilt, _rocks, _holds, _leg_back, _rocking, _breathing, _shaking,
)  # fmt: skip
"""In the order in which they are told."""
DONE: tuple[tuple[str, str, Callable[[SessionTrace], str | None]], ...] = (
    ("knee_fall", "the knee fall", _falls),
    ("clamshell", "clamshells", _clamshells),
    ("leg_back", "the leg back", _leg_back),
    ("knee_roll", "knee rolls", _knee_rolls),
    ("pelvic_rock", "pelvic rocking", _rocks),
    ("pelvic_hold", "the flatten-hold", _holds),
    ("rocking", "rocking", _rocking),
    ("breathing", "breathing", _breathing),
)
"""What a movement is called in the first sentence, and what must have been measured for it."""
