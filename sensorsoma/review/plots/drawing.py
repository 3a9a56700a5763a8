"""What all pictures share: colours, letters, axes, and lines thinned without losing their peaks."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sensorsoma.messages import Floats, SegmentCurve
from sensorsoma.review import words
from sensorsoma.review.tables import is_finding
from sensorsoma.review.trace import Segment, SessionTrace

RIGHT, LEFT, MIDDLE = "#C44E00", "#0067A5", "#4D4D4D"
"""Vermilion and blue, apart for every common colour vision (after Okabe and Ito 2008); grey for pelvis and belly."""
INK, FAINT, BAND, SHAKE = "#222222", "#8A8A8A", "#E9E9E9", "#7A4FA3"
SIDE_STYLE: dict[str | None, dict[str, Any]] = {
    "right": {"color": RIGHT, "linestyle": "-", "marker": "s"},
    "left": {"color": LEFT, "linestyle": (0, (6, 2)), "marker": "o"},
    None: {"color": MIDDLE, "linestyle": "-", "marker": "D"},
}
"""Never colour alone: the left side is dashed and round, the right side solid and square."""

BOX = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5}
"""Behind letters that stand on lines."""

WIDTH_IN = 9.6
"""All pictures are equally wide, so that letters have one size on the page."""
MAX_POINTS = 2000
"""Points that a line keeps: about two per pixel column."""

STYLE: Any = {
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.labelsize": 11,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "text.color": INK,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "hatch.linewidth": 0.6,
    # A plan's title may hold a dollar sign; it is text, not mathematics.
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "sensorsoma",
}


P = ParamSpec("P")
R = TypeVar("R")


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """The same function, drawing with this project's letters and colours; matplotlib's settings come back after."""

    @functools.wraps(draw)
    def drawing(*args: P.args, **kwargs: P.kwargs) -> R:
        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return drawing


def axes_of(ax: Axes | None, height_in: float = 3.2) -> Axes:
    """The given axes, or new ones on a figure of their own."""
    if ax is not None:
        return ax
    return Figure(figsize=(WIDTH_IN, height_in), layout="constrained").add_subplot()


def min_max(t_s: Floats, values: Floats, max_points: int = MAX_POINTS) -> tuple[Floats, Floats]:
    """Fewer points through which a line looks the same: lowest and highest of each bin, gaps (NaN) kept.

    Striding would drop bursts of shaking between its steps.

    >>> t_s, thin = min_max(np.arange(10_000.0), np.arange(10_000) % 100 / 1.0, max_points=100)
    >>> len(t_s) <= 102, thin.max()
    (True, np.float64(99.0))
    """
    if t_s.size <= max_points:
        return t_s, values
    edges = np.linspace(0, t_s.size, max_points // 2 + 1).astype(int)
    keep: set[int] = {0, t_s.size - 1}
    for begin, end in itertools.pairwise(edges):
        piece = values[begin:end]
        missing = np.isnan(piece)
        if missing.any():
            keep.add(begin + int(np.argmax(missing)))
        if not missing.all():
            keep.update((begin + int(np.nanargmin(piece)), begin + int(np.nanargmax(piece))))
    index = np.array(sorted(keep))
    return t_s[index], values[index]


def clock_axis(ax: Axes, label: str = "time from the first sample (min:s)") -> None:
    """Minutes and seconds below the horizontal axis, at round times."""
    ax.xaxis.set_major_locator(ClockLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: words.clock(seconds)))
    ax.set_xlabel(label)


class ClockLocator(MaxNLocator):
    """Ticks at steps that a clock has: 1, 2, 5, 10, 15, 30 s, 1, 2, 5, 10, 15, 30 min, whole hours."""

    STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """Tick places within the view, at most about nine of them."""
        step = next((s for s in self.STEPS_S if (vmax - vmin) / s <= 9), self.STEPS_S[-1])
        return [float(tick) for tick in np.arange(np.ceil(vmin / step) * step, vmax + 1e-9, step)]


def draw_curve(
    ax: Axes, trace: SessionTrace, curve: SegmentCurve, is_solid: bool = True, label: str | None = None
) -> None:
    """A thinned angle curve in the colour of its side; dashed too, where the sides share axes and it is the left."""
    t_s, angle_deg = min_max(curve.t_s - trace.start_s, curve.angle_deg)
    style = SIDE_STYLE[curve.side]
    ax.plot(t_s, angle_deg, color=style["color"], linestyle="-" if is_solid else style["linestyle"], label=label)


GAP_WORDS_SHARE = 0.14
"""Part of the width that the words at a gap take; where another gap's would touch them, the hatching speaks."""


def hatch_gaps(
    ax: Axes, trace: SessionTrace, placement: str | None, at_least_s: float = 0.5, label: bool = True
) -> None:
    """Hatches where a sensor's samples are missing for longer than `at_least_s`; all sensors when placement is None."""
    channels = {source.channel for source in trace.settings.sources if placement in (None, source.placement)}
    low, high = ax.get_xlim()
    last_end = -np.inf
    for gap in sorted(trace.gaps, key=lambda gap: gap.start_s):
        begin, end = trace.from_first_sample(gap.start_s), trace.from_first_sample(gap.end_s)
        if gap.channel not in channels or end - begin < at_least_s or end < low or begin > high:
            continue
        ax.axvspan(begin, end, facecolor="none", edgecolor=FAINT, hatch="////", linewidth=0.0)
        middle = (max(begin, low) + min(end, high)) / 2
        half = GAP_WORDS_SHARE / 2 * (high - low)
        if label and middle - half > last_end:
            last_end = middle + half
            text = f"{words.GAP_REASONS.get(gap.reason, gap.reason)}\n{words.span(end - begin)}"
            box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5}
            ax.text(
                middle, 0.5, text, transform=ax.get_xaxis_transform(), ha="center", va="center", fontsize=9, bbox=box
            )


def write_title(ax: Axes, trace: SessionTrace, text: str) -> None:
    """The title; a picture of a simulated or imported session says so even when it travels alone."""
    ax.set_title(text if trace.link == "real" else f"{text} ({trace.link})")


def title_of(segment: Segment) -> str:
    """A stretch's name: "Clamshells, right"; what was seen, where it has none."""
    exercise, side = str(segment.get("exercise")), segment.get("side")
    name = words.SEEN_AS.get(segment.get("seen_as") or "") or words.EXERCISES.get(exercise, exercise)
    name = words.FINDING if is_finding(segment) else name
    return f"{name}, {side}" if side else name
