"""What a report says, section by section: pictures with what they show in words, tables, statements."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sensorsoma.review import plots, tables, words
from sensorsoma.review.numbers import movement_tables
from sensorsoma.review.page import PageFigure, PageSection, PageTable, page_table, png_bytes, svg_text
from sensorsoma.review.plots.drawing import title_of
from sensorsoma.review.plots.hips import has_both_sides
from sensorsoma.review.sensors import sensor_remarks, sensors_table
from sensorsoma.review.sides import SidesParams, compare_sides
from sensorsoma.review.tables import TREMOR_FIELDS
from sensorsoma.review.trace import Segment, SessionTrace

log = logging.getLogger(__name__)

PAGE_ORDER = (
    "knee_fall", "knee_in", "leg_slide", "knee_roll", "pelvic_rock", "pelvic_hold", "clamshell", "leg_back", "rocking",
    "unknown", "breathing", "roll_over",
)  # fmt: skip
"""Movements as the page lists them; what is not named here comes last."""
QUIET = ("stillness", "rest", "free")
"""Stretches without a movement to count: one section, since they are told by the same measures."""


@dataclass(slots=True)
class Pictures:
    """Draws pictures one after another: SVG for the page, PNG to lie beside it."""

    done: Callable[[str], None]
    """Told the title of each picture, for those who wait."""
    pngs: list[tuple[str, bytes]]
    """Name without ending, and content."""

    def add(self, name: str, alt: str, draw: Callable[[], Figure | Axes]) -> tuple[PageFigure, ...]:
        """One picture in a tuple, or an empty one: a picture that fails is logged and left out, never the report."""
        name = f"{len(self.pngs) + 1:02d}-{name}"
        try:
            drawn = draw()
            figure = drawn if isinstance(drawn, Figure) else drawn.figure
            assert isinstance(figure, Figure), "plots draw on figures of their own here"
            picture = PageFigure(name, svg_text(figure, f"p{len(self.pngs) + 1}"), alt)
            self.pngs.append((name, png_bytes(figure)))
        except Exception:
            log.warning("The picture %s could not be drawn and is left out.", name, exc_info=True)
            return ()
        self.done(alt)
        return (picture,)


def all_sections(trace: SessionTrace, pictures: Pictures, params: SidesParams | None = None) -> tuple[PageSection, ...]:
    """The whole page below its first sentence."""
    sections = [session_section(trace, pictures)]
    found = {str(segment.get("exercise")) for segment in trace.segments}
    ordered = [name for name in PAGE_ORDER if name in found] + sorted(found - {*PAGE_ORDER, *QUIET})
    sections += [movement_section(trace, (exercise,), pictures) for exercise in ordered]
    quiet = tuple(exercise for exercise in QUIET if exercise in found)
    sections += [movement_section(trace, quiet, pictures)] if quiet else []
    sections += [
        section for section in (sides_section(trace, pictures, params), shaking_section(trace, pictures)) if section
    ]
    return (*sections, data_section(trace))


def session_section(trace: SessionTrace, pictures: Pictures) -> PageSection:
    """Timeline, and planned against done."""
    length = words.span(float(trace.analysis.get("duration_s") or 0))
    alt = f"Timeline of the session, {length}, with the measured angles."
    figures = pictures.add("session", alt, lambda: plots.plot_session(trace))
    if not trace.steps:
        planned = "No step of the plan was begun." if trace.settings.plan else "There was no plan."
        if any(segment.get("is_found") for segment in trace.segments):
            planned += " Nobody said what was done: stretches and their names were found in the samples. Every name is "
            planned += "an inference; where the samples do not tell, there is none."
        return PageSection("The session", (planned,), figures)
    frame = tables.steps_table(trace)
    frame["side"] = frame["side"].map(lambda side: side or "–")
    columns = ("step", "title", "side", "start_s", "asked", "done", "ended_by")
    note = (
        "“Timed” means that nothing worn could see the end of a step, so it was guided by time. "
        "“Not measured” means what it says: it is not a zero. Times of what was done include words and pauses."
    )
    return PageSection("The session", (), figures, (page_table(frame, f"Planned and done. {note}", columns),))


def movement_section(trace: SessionTrace, exercises: Sequence[str], pictures: Pictures) -> PageSection:
    """All stretches of one movement, or of a few that belong together: their pictures, then their numbers."""
    segments = [segment for segment in trace.segments if segment.get("exercise") in exercises]
    figures = tuple(figure for segment in segments for figure in _figures_of(trace, segment, pictures))
    notes = [
        _note(segment, str(note), len(exercises) > 1) for segment in segments for note in segment.get("notes") or ()
    ]
    if any(segment.get("weak") for segment in segments):
        seen = "" if "unknown" in exercises else "Seen from the thigh alone this is "
        notes.append(words.as_sentence(f"{seen}weak evidence: take the numbers as a hint"))
    names = [words.EXERCISES.get(exercise, exercise) for exercise in exercises]
    heading = words.listed([names[0], *(name.lower() for name in names[1:])])
    return PageSection(heading, tuple(dict.fromkeys(notes)), figures, tuple(movement_tables(trace, exercises)))


def sides_section(trace: SessionTrace, pictures: Pictures, params: SidesParams | None = None) -> PageSection | None:
    """Both hips on the same axes, and what can be said; None for a one-sided session."""
    figures: tuple[PageFigure, ...] = ()
    if has_both_sides(trace, "knee_fall"):
        alt = "Knee falls of the right and left leg on the same axes, aligned where the knee was let go."
        figures += pictures.add("hips-falls", alt, lambda: plots.plot_falls_overlaid(trace))
    if has_both_sides(trace, "clamshell"):
        alt = "Range of each clamshell, left hip and right hip on the same scale."
        figures += pictures.add("hips-clamshells", alt, lambda: plots.plot_clams_side_by_side(trace))
    comparisons = compare_sides(trace, params)
    if not figures and not comparisons:
        return None
    rows = tuple(
        (c.measure, *(text for values in (c.right_deg, c.left_deg) for text in (_mean(values), str(len(values)))))
        for c in comparisons
    )
    headers = ("Measure", "Right, mean (°)", "Repeats", "Left, mean (°)", "Repeats")
    text = (
        "One evening's numbers vary by themselves. A difference is named only when there are enough repeats and it is "
        "larger than measuring again would bring. Rests on a support and partial repetitions are left out."
    )
    said: dict[str, list[str]] = {}
    for comparison in comparisons:
        said.setdefault(comparison.sentence, []).append(comparison.measure)
    statements = tuple((_together(measures), sentence) for sentence, measures in said.items())
    table = (PageTable("Right and left in numbers.", headers, rows),) if rows else ()
    return PageSection("Right and left", (text,), figures, table, statements)


def shaking_section(trace: SessionTrace, pictures: Pictures) -> PageSection | None:
    """Where muscles shook; None when no shaking was seen."""
    frame = tables.shaking_table(trace)
    if frame.empty:
        return None
    n_places = int((~frame["is_sum"].astype(bool)).sum())
    alt = f"Frequency of the shaking over time, seen in {n_places} {'place' if n_places == 1 else 'places'}."
    figures = pictures.add("shaking", alt, lambda: plots.plot_shaking(trace))
    text = (
        "Shaking is welcome: it is common when muscles work slowly or hold, and it comes and goes. Share is the part "
        "of the time in which it was seen; strength is its size at the sensor (root mean square)."
    )
    # Repetitions of a set are told in its own table.
    frame = frame[~frame["is_part"].astype(bool)].copy()
    frame["side"] = frame["side"].map(lambda side: side or "–")
    band = ("band",) if frame["band"].notna().any() else ()
    columns = ("exercise", "side", "where", "t_s", *band, *TREMOR_FIELDS)
    return PageSection("Shaking", (text,), figures, (page_table(frame, "Shaking of sets and holds.", columns),))


def data_section(trace: SessionTrace) -> PageSection:
    """How complete the data are: gaps, packets that made no sense, notes."""
    gaps = tables.gaps_table(trace)
    n_lost = sum(1 for gap in trace.gaps if gap.reason == "link_lost")
    link = {0: "The link was never lost.", 1: "The link was lost once."}.get(
        n_lost, f"The link was lost {n_lost} times."
    )
    packets = {0: "Every packet could be understood.", 1: "One packet could not be understood and was left out."}.get(
        trace.bad_packets, f"{trace.bad_packets} packets could not be understood and were left out."
    )
    whole = (
        "No samples are known to be missing." if gaps.empty else "Stretches without data are hatched in the pictures."
    )
    # A file from elsewhere has neither link nor packets; it speaks of them only when something happened.
    is_silent = trace.link == "imported" and not n_lost and not trace.bad_packets
    facts = whole if is_silent else f"{link} {packets} {whole}"
    remarks = (words.as_sentence(note) for note in (*sensor_remarks(trace), *trace.notes))
    sensors = sensors_table(trace)
    shown = () if gaps.empty else (page_table(gaps, "Missing samples.", missing="–"),)
    return PageSection("The data", (facts, *remarks), (), shown if sensors is None else (sensors, *shown))


def _figures_of(trace: SessionTrace, segment: Segment, pictures: Pictures) -> Iterator[PageFigure]:
    exercise, side = str(segment.get("exercise")), segment.get("side")
    name = f"{exercise.replace('_', '-')}{f'-{side}' if side else ''}"
    title = title_of(segment)
    for index, fall in enumerate(segment.get("falls") or (), start=1):
        facts = [
            words.fact(field, float(fall[field]))
            for field in ("arrival_deg", "final_deg", "sink_deg")
            if fall.get(field) is not None
        ]
        alt = f"{title}, fall {index}: {words.listed(facts) or 'angle over time'}."
        yield from pictures.add(name, alt, lambda fall=fall: plots.plot_fall(trace, segment, fall))  # type: ignore[misc]  # a bound loop variable
    if segment.get("falls"):
        return
    draw, alt = _picture_of(trace, segment, title)
    if draw is not None:
        yield from pictures.add(name, alt, lambda: draw(trace, segment))


def _picture_of(trace: SessionTrace, segment: Segment, title: str) -> tuple[Callable[..., Axes] | None, str]:
    n_whole, n_small = tables.counts_of(segment)
    counted = f"{title}: {words.counted(n_whole, n_small)} counted" if n_whole is not None else f"{title}"
    if segment.get("sides"):
        return plots.plot_rolls, f"{counted}, the angle over time, outward above and inward below."
    if segment.get("reps"):
        return plots.plot_reps, f"{counted}, the angle over time with numbered repetitions."
    if segment.get("cycles"):
        return plots.plot_cycles, f"{counted}, the tilt over time with numbered cycles."
    if segment.get("hold_s") is not None:
        return plots.plot_hold, f"{title}: held {words.quantity('hold_s', float(segment['hold_s']))}."
    return (plots.plot_curve if trace.curve_of(segment) is not None else None), f"{title}: the angle over time."


def _note(segment: Segment, note: str, with_name: bool) -> str:
    """A remark; where movements share a section it says which it is about."""
    note = note.removeprefix(words.FOUND) if segment.get("is_found") else note
    name = words.EXERCISES.get(str(segment.get("exercise")), "") if with_name else ""
    return words.as_sentence(f"{name}: {note}" if name else note)


def _together(measures: Sequence[str]) -> str:
    """Measures of one sentence, each movement named once: "Knee fall: angle on arrival, sink during the rest"."""
    movements: dict[str, list[str]] = {}
    for measure in measures:
        movement, _, what = measure.partition(", ")
        movements.setdefault(movement, []).append(what)
    return "; ".join(f"{movement}: {', '.join(whats)}" for movement, whats in movements.items())


def _mean(values: Sequence[float]) -> str:
    return words.number("mean_deg", sum(values) / len(values))
