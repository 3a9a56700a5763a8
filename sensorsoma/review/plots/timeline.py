"""The whole session on one line: steps, how the person lay, where data are missing, and the angles below."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sensorsoma.messages import PostureChanged, SessionContinued, SessionPaused
from sensorsoma.review import words
from sensorsoma.review.plots import drawing
from sensorsoma.review.plots.drawing import BAND, FAINT, INK, SHAKE, WIDTH_IN, styled
from sensorsoma.review.trace import SessionTrace

SIDE_FACE = {"right": "#F6D9C6", "left": "#C9E0F0", None: BAND}
SIDE_HATCH = {"right": "", "left": "..", None: ""}
LANE_IN, ANGLES_IN = 0.36, 3.3
"""Height of one lane, and of the angles below them."""
SHOW_GAP_S = 0.5
"""Shorter gaps are thinner than a line here; the table counts them all."""
WHERE_ZERO_IS = "0° is where a movement begins (knee up, knees closed, leg straight); the way there is drawn too"
LYING = {posture: text.removeprefix("on the ").removesuffix(" side") for posture, text in words.POSTURES.items()}
"""A word for each posture where "on the back" is too long."""


@styled
def plot_session(trace: SessionTrace) -> Figure:
    """The session's picture: lanes above, angles below, on one time axis."""
    figure = Figure(figsize=(WIDTH_IN, 5.4), layout="constrained")
    lanes, angles = figure.subplots(2, 1, sharex=True)
    plot_timeline(trace, lanes)
    plot_angles(trace, angles)
    # Lanes are equally high however many there are.
    lanes_in = LANE_IN * len(lanes.get_yticks())
    figure.set_size_inches(WIDTH_IN, lanes_in + ANGLES_IN)
    gridspec = lanes.get_gridspec()
    if gridspec is not None:
        gridspec.set_height_ratios((lanes_in, ANGLES_IN))
    lanes.set_xlabel("")
    lanes.tick_params(labelbottom=False)
    return figure


@styled
def plot_timeline(trace: SessionTrace, ax: Axes | None = None) -> Axes:
    """Lanes for steps (or movements, without a plan), posture, shaking and each sensor's samples."""
    ax = drawing.axes_of(ax, 2.6)
    end_s = session_end_s(trace)
    ax.set_xlim(0, end_s)
    lanes: list[str] = []

    def lane(name: str) -> float:
        lanes.append(name)
        return -float(len(lanes))

    if trace.steps:
        y = lane("step")
        for step in trace.steps:
            begin, end = trace.from_first_sample(step.start_s), trace.from_first_sample(step.end_s)
            _bar(ax, begin, end, y, str(step.index + 1), step.side, end_s, is_faint=not step.is_measured)
    elif trace.segments:
        y = lane("movement")
        for segment in trace.segments:
            name = drawing.title_of(segment)
            begin, end = float(segment.get("start_s") or 0), float(segment.get("end_s") or end_s)
            _bar(ax, begin, end, y, name, segment.get("side"), end_s)
    postures = posture_spans(trace, end_s)
    if postures:
        y = lane("lying")
        for begin, end, posture in postures:
            if words.POSTURES.get(posture):
                text = words.POSTURES[posture]
                is_long = not _fits(text, begin, end, end_s)
                _bar(ax, begin, end, y, LYING[posture] if is_long else text, None, end_s)
    shaken = [*trace.segments, *(rep for segment in trace.segments for rep in segment.get("reps") or ())]
    if any(one.get("tremor") for one in shaken):
        _shaking_lane(ax, trace, lane("shaking"))
    for source in trace.settings.sources:
        y = lane(source.placement.replace("-", " "))
        ax.broken_barh([(0, end_s)], (y + 0.12, 0.5), facecolors=BAND, edgecolors="none")
        for gap in trace.gaps:
            begin, end = trace.from_first_sample(gap.start_s), trace.from_first_sample(gap.end_s)
            if gap.channel == source.channel and end - begin >= SHOW_GAP_S:
                _gap(ax, begin, end, y)
    _pauses(ax, trace)
    ax.set_ylim(-len(lanes) - 0.1, -0.05)
    ax.set_yticks([-n + 0.38 for n in range(1, len(lanes) + 1)], lanes)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    drawing.clock_axis(ax)
    drawing.write_title(ax, trace, "The session" + (", steps numbered" if trace.steps else ""))
    return ax


@styled
def plot_angles(trace: SessionTrace, ax: Axes | None = None) -> Axes:
    """All angle curves over the session; right solid, left dashed, gaps hatched."""
    ax = drawing.axes_of(ax)
    named: set[str] = set()
    is_one_sided = len({curve.side for curve in trace.curves} & {"right", "left"}) < 2
    for curve in trace.curves:
        # A movement without a side is drawn grey, whichever sensor saw it.
        label = f"{curve.side} thigh" if curve.side else curve.placement.replace("-", " ")
        drawing.draw_curve(ax, trace, curve, is_one_sided, None if label in named else label)
        named.add(label)
    ax.set_xlim(0, session_end_s(trace))
    drawing.hatch_gaps(ax, trace, None, SHOW_GAP_S)
    if trace.curves:
        ax.legend(loc="upper left", ncols=3, bbox_to_anchor=(0, 1.14), borderaxespad=0)
    else:
        ax.text(0.5, 0.5, "no angle was measured", transform=ax.transAxes, ha="center", color=FAINT)
        ax.set_yticks([])
    ax.axhline(0, color=FAINT, linewidth=0.6)
    ax.set_ylabel("angle in the\nmovement's own plane (°)")
    drawing.clock_axis(ax)
    if trace.curves:
        ax.set_xlabel(f"{ax.get_xlabel()}\n{WHERE_ZERO_IS}")
    return ax


def session_end_s(trace: SessionTrace) -> float:
    """Where the time axis ends: the recording's length, or the last step where that is later; at least 1 s."""
    ends = [trace.from_first_sample(step.end_s) for step in trace.steps]
    return max([1.0, float(trace.analysis.get("duration_s") or 0.0), *ends])


def posture_spans(trace: SessionTrace, end_s: float) -> list[tuple[float, float, str]]:
    """Start, end and name of each posture, from the pelvis if it was worn, else from the thigh that told most."""
    changes = [event for event in trace.events if isinstance(event, PostureChanged)]
    placements = [change.placement for change in changes]
    if not placements:
        return []
    best = "pelvis" if "pelvis" in placements else max(sorted(set(placements)), key=placements.count)
    mine = [change for change in changes if change.placement == best]
    begins = [max(0.0, trace.from_first_sample(change.t_s)) for change in mine]
    return [(begin, end, change.posture) for begin, end, change in zip(begins, [*begins[1:], end_s], mine, strict=True)]


def _bar(
    ax: Axes, begin: float, end: float, y: float, text: str, side: str | None, whole_s: float, is_faint: bool = False
) -> None:
    if end <= begin:
        return
    ax.broken_barh(
        [(begin, end - begin)], (y + 0.05, 0.66), facecolors="white" if is_faint else SIDE_FACE[side],
        edgecolors=FAINT, linewidth=0.8, linestyle="--" if is_faint else "-",
    )  # fmt: skip
    if _fits(text, begin, end, whole_s):
        ax.text((begin + end) / 2, y + 0.37, text, ha="center", va="center", fontsize=9, color=INK, clip_on=True)


def _fits(text: str, begin: float, end: float, whole_s: float) -> bool:
    """A letter is about 1/115 of the width of the picture; words that do not fit are left to the table."""
    return (end - begin) / whole_s * 115 > len(text)


def _gap(ax: Axes, begin: float, end: float, y: float) -> None:
    ax.broken_barh(
        [(begin, end - begin)], (y + 0.12, 0.5), facecolors="white", edgecolors=INK, hatch="/////", linewidth=0.6
    )


def _shaking_lane(ax: Axes, trace: SessionTrace, y: float) -> None:
    for segment in trace.segments:
        for rep in segment.get("reps") or ():
            if rep.get("tremor") and rep.get("start_s") is not None and rep.get("end_s") is not None:
                _wave(ax, float(rep["start_s"]), float(rep["end_s"]), y)
        tremor = segment.get("tremor")
        if tremor and not any(rep.get("tremor") for rep in segment.get("reps") or ()):
            begin = (trace.shaking_from_s(segment) or 0.0) + float(tremor.get("onset_s") or 0)
            _wave(ax, begin, float(segment.get("end_s") or begin), y)


def _wave(ax: Axes, begin: float, end: float, y: float) -> None:
    ax.broken_barh(
        [(begin, end - begin)], (y + 0.2, 0.34), facecolors="white", edgecolors=SHAKE, hatch="xxxx", linewidth=0.8
    )


def _pauses(ax: Axes, trace: SessionTrace) -> None:
    for event in trace.events:
        if isinstance(event, SessionPaused | SessionContinued):
            ax.axvline(trace.from_first_sample(event.t_s), color=INK, linewidth=0.8, linestyle=":")
