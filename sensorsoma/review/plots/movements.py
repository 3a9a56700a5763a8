"""One stretch, close up: numbered reps, a fall with its sink, rocking cycles, a hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from sensorsoma.messages import SegmentCurve
from sensorsoma.review import words
from sensorsoma.review.plots import drawing
from sensorsoma.review.plots.drawing import BAND, BOX, FAINT, INK, SHAKE, SIDE_STYLE, styled
from sensorsoma.review.tables import counts_of, has_swings, numbered_reps
from sensorsoma.review.trace import Segment, SessionTrace

SHAKE_TEXT = "shaking"
MANY_REPS = 20
"""From here on their numbers are written smaller, so that they do not touch."""


@styled
def plot_reps(trace: SessionTrace, segment: Segment, ax: Axes | None = None) -> Axes:
    """The angle of a set, reps numbered as they were counted; small ones hollow, without a number; shaking shaded."""
    ax = drawing.axes_of(ax)
    curve = _begin(ax, trace, segment)
    style = SIDE_STYLE[segment.get("side")]
    shaken = False
    for label, rep in numbered_reps(segment):
        if rep.get("peak_s") is None:
            continue
        peak_s, top_deg = float(rep["peak_s"]), _height(trace, curve, rep)
        if curve is None:
            ax.vlines(peak_s, 0, top_deg, color=style["color"], linewidth=2)
        face = "white" if label is None else style["color"]
        ax.plot(peak_s, top_deg, marker=style["marker"], color=style["color"], markerfacecolor=face, markersize=6)
        is_below = rep.get("direction") == "in" and top_deg < 0
        ax.annotate(
            "small" if label is None else str(label), (peak_s, top_deg), xytext=(0, -7 if is_below else 7),
            textcoords="offset points", ha="center", va="top" if is_below else "bottom",
            fontsize=9 if label is None or len(segment["reps"]) > MANY_REPS else 11,
        )  # fmt: skip
        if rep.get("tremor") and rep.get("start_s") is not None and rep.get("end_s") is not None:
            ax.axvspan(
                float(rep["start_s"]), float(rep["end_s"]), 0, 0.06, facecolor="white", edgecolor=SHAKE, hatch="xxx",
                linewidth=0.8, label=None if shaken else f"with {SHAKE_TEXT}",
            )  # fmt: skip
            shaken = True
    if shaken:
        ax.legend(loc="upper right", bbox_to_anchor=(1, 1.16), borderaxespad=0)
    swings = f" ({len(segment['reps'])} swings)" if has_swings(segment) and segment.get("count") is not None else ""
    return _end(ax, trace, segment, curve, _counted(segment) + swings)


@styled
def plot_fall(trace: SessionTrace, segment: Segment, fall: Mapping[str, Any], ax: Axes | None = None) -> Axes:
    """One knee fall: let go, arrival, sink during the rest, slide down."""
    ax = drawing.axes_of(ax, 3.6)
    curve = _begin(ax, trace, segment)
    moments = {name: float(fall[name]) for name in FALL_MOMENTS if fall.get(name) is not None}
    if moments:
        first, last = min(moments.values()), max(moments.values())
        ax.set_xlim(first - 2, last + 4)
    _fade_outside(ax, moments.get("knee_up_s"), moments.get("rest_end_s"))
    _phases(ax, moments)
    arrival, final = fall.get("arrival_deg"), fall.get("final_deg")
    color = SIDE_STYLE[segment.get("side")]["color"]
    if arrival is not None and "rest_start_s" in moments:
        text = f"arrives at {_degrees(arrival, fall.get('angle_uncertainty_deg'))}"
        at_deg = _at(trace, curve, moments["rest_start_s"], float(arrival))
        _note_point(ax, moments["rest_start_s"], at_deg, text, color, (10, -26), "left")
    if final is not None and "rest_end_s" in moments:
        text = f"rests at {_degrees(final, fall.get('angle_uncertainty_deg'), has_both=True)}"
        at_deg = _at(trace, curve, moments["rest_end_s"], float(final))
        _note_point(ax, moments["rest_end_s"], at_deg, text, color, (-8, -30), "right")
    if {"rest_start_s", "rest_end_s"} <= moments.keys() and arrival is not None:
        ax.hlines(float(arrival), moments["rest_start_s"], moments["rest_end_s"], color=FAINT, linestyle=":")
        if fall.get("sink_deg") is not None:
            middle = (moments["rest_start_s"] + moments["rest_end_s"]) / 2
            top = max(float(arrival), float(final) if final is not None else float(arrival))
            ax.annotate(
                _sink_text(fall), (middle, top), xytext=(0, 12), textcoords="offset points", ha="center", bbox=BOX
            )
    ax.margins(y=0.2)
    remarks = []
    if fall.get("supported"):
        remarks.append("on a support, left out of any comparison")
    if fall.get("openness_kept_share") is not None:
        kept = words.quantity("openness_kept_share", float(fall["openness_kept_share"]))
        remarks.append(f"{kept} of the openness kept in the slide")
    return _end(ax, trace, segment, curve, f": {'; '.join(remarks)}" if remarks else "")


@styled
def plot_cycles(trace: SessionTrace, segment: Segment, ax: Axes | None = None) -> Axes:
    """Pelvic rocking: arch above, flatten below, cycles numbered."""
    ax = drawing.axes_of(ax)
    curve = _begin(ax, trace, segment)
    for number, cycle in enumerate(segment.get("cycles") or (), start=1):
        for moment, size, sign, marker in (("arch_s", "anterior_deg", 1, "^"), ("flatten_s", "posterior_deg", -1, "v")):
            if cycle.get(moment) is None:
                continue
            size_deg = sign * abs(float(cycle[size])) if cycle.get(size) is not None else 0.0
            ax.plot(float(cycle[moment]), size_deg, marker=marker, color=INK, linestyle="none", markersize=7)
            if sign > 0:
                ax.annotate(str(number), (float(cycle[moment]), size_deg), xytext=(0, 8), textcoords="offset points",
                            ha="center")  # fmt: skip
    ax.text(1, 1.02, "▲ arch   ▼ flatten", transform=ax.transAxes, ha="right", va="bottom", fontsize=10)
    for cycle in segment.get("partial_cycles") or ():
        if cycle.get("arch_s") is not None:
            peak = {"peak_s": cycle["arch_s"], "range_deg": cycle.get("anterior_deg")}
            ax.annotate("small", (float(cycle["arch_s"]), _height(trace, curve, peak)), xytext=(0, 8),
                        textcoords="offset points", ha="center", fontsize=9)  # fmt: skip
    weak = ", from the thigh alone: weak evidence" if segment.get("weak") else ""
    return _end(ax, trace, segment, curve, _counted(segment, "cycle", "cycles") + weak)


@styled
def plot_rolls(trace: SessionTrace, segment: Segment, ax: Axes | None = None) -> Axes:
    """Knee rolls: where the knees went furthest out and in."""
    ax = drawing.axes_of(ax)
    curve = _begin(ax, trace, segment)
    for direction, marker in (("out", "^"), ("in", "v")):
        one = (segment.get("sides") or {}).get(direction) or {}
        for peak_s in one.get("peaks_s") or ():
            peak = {"peak_s": peak_s, "range_deg": one.get("range_deg")}
            ax.plot(peak_s, _height(trace, curve, peak), marker=marker, color=INK, linestyle="none", markersize=7)
    ax.text(1, 1.02, "▲ out   ▼ in", transform=ax.transAxes, ha="right", va="bottom", fontsize=10)
    return _end(ax, trace, segment, curve, _counted(segment, "full cycle", "full cycles"))


@styled
def plot_hold(trace: SessionTrace, segment: Segment, ax: Axes | None = None) -> Axes:
    """A hold from when it was reached, with the moment at which shaking first came."""
    ax = drawing.axes_of(ax)
    curve = _begin(ax, trace, segment)
    hold_s, begin = segment.get("hold_s"), trace.hold_start_s(segment)
    tremor = segment.get("tremor")
    if begin is not None and hold_s is not None:
        ax.axvspan(begin, begin + float(hold_s), color=BAND, zorder=0, label=f"held {words.quantity('hold_s', hold_s)}")
    if tremor and begin is not None and tremor.get("onset_s") is not None:
        # Onset counts from the start of the hold, as the detector reports it.
        onset = begin + float(tremor["onset_s"])
        label = f"{SHAKE_TEXT} from here, about {float(tremor['freq_hz']):.1f} Hz"
        ax.axvline(onset, color=SHAKE, linestyle="--", label=label)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper right", bbox_to_anchor=(1, 1.16), ncols=2, borderaxespad=0)
    return _end(ax, trace, segment, curve, "")


@styled
def plot_curve(trace: SessionTrace, segment: Segment, ax: Axes | None = None) -> Axes:
    """The angle of any other stretch, as it is."""
    ax = drawing.axes_of(ax)
    return _end(ax, trace, segment, _begin(ax, trace, segment), "")


FALL_MOMENTS = ("knee_up_s", "fall_start_s", "rest_start_s", "rest_end_s", "slide_end_s")
PHASES = (
    ("knee_up_s", "fall_start_s", "knee up"),
    ("fall_start_s", "rest_start_s", "falls"),
    ("rest_start_s", "rest_end_s", "rests open"),
    ("rest_end_s", "slide_end_s", "slides"),
)


def _begin(ax: Axes, trace: SessionTrace, segment: Segment) -> SegmentCurve | None:
    curve = trace.curve_of(segment)
    if curve is not None:
        drawing.draw_curve(ax, trace, curve)
    ax.axhline(0, color=FAINT, linewidth=0.6, zorder=0)
    if segment.get("start_s") is not None and segment.get("end_s") is not None:
        ax.set_xlim(float(segment["start_s"]), float(segment["end_s"]))
    return curve


def _end(ax: Axes, trace: SessionTrace, segment: Segment, curve: SegmentCurve | None, more: str) -> Axes:
    ax.margins(y=0.16)
    ax.autoscale(axis="y")
    drawing.hatch_gaps(ax, trace, segment.get("placement"))
    ax.set_ylabel(curve.label.replace("(deg)", "(°)") if curve is not None else "angle (°)")
    drawing.clock_axis(ax)
    title = drawing.title_of(segment)
    drawing.write_title(ax, trace, title + more)
    return ax


def _counted(segment: Segment, one: str = "", many: str = "") -> str:
    n_whole, n_small = counts_of(segment)
    return "" if n_whole is None else f": {words.counted(n_whole, n_small, one, many)}"


def _height(trace: SessionTrace, curve: SegmentCurve | None, rep: Mapping[str, Any]) -> float:
    """Where a rep's mark stands: on the curve, else at its range, else at zero."""
    return _at(trace, curve, float(rep["peak_s"]), float(rep.get("range_deg") or 0.0))


def _at(trace: SessionTrace, curve: SegmentCurve | None, t_s: float, otherwise_deg: float) -> float:
    """The curve's own height at a moment; a mark beside its line would look like a mistake.

    A measured angle is a median over a while, so that it may lie a little off the line at its moment.
    """
    if curve is not None:
        at_deg = float(np.interp(t_s + trace.start_s, curve.t_s, curve.angle_deg))
        if not np.isnan(at_deg):
            return at_deg
    return otherwise_deg


def _fade_outside(ax: Axes, begin_s: float | None, end_s: float | None) -> None:
    """Makes the line pale before and after: raising and sliding the leg leave the plane in which a fall is measured."""
    for line in [line for line in ax.lines if line.get_marker() == "None" and len(line.get_xdata()) > 2]:  # type: ignore[arg-type]  # always arrays here
        t_s, angle_deg = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        is_fall = np.ones(t_s.size, dtype=bool)
        if begin_s is not None:
            is_fall &= t_s >= begin_s
        if end_s is not None:
            is_fall &= t_s <= end_s
        ax.plot(t_s, angle_deg, color=line.get_color(), alpha=0.35)
        line.set_ydata(np.where(is_fall, angle_deg, np.nan))


def _phases(ax: Axes, moments: Mapping[str, float]) -> None:
    """Shades every other phase and names them at the foot, in two heights where they are narrow."""
    low, high = ax.get_xlim()
    last_end = -np.inf
    for index, (begin, end, name) in enumerate(PHASES):
        if begin not in moments or end not in moments:
            continue
        if index % 2:
            ax.axvspan(moments[begin], moments[end], color=BAND, zorder=0)
        middle, half = (moments[begin] + moments[end]) / 2, len(name) * (high - low) / 210
        y = 0.02 if middle - half > last_end else 0.09
        ax.text(middle, y, name, transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=9, color=INK)
        last_end = middle + half


def _note_point(
    ax: Axes, t_s: float, angle_deg: float, text: str, color: str, offset: tuple[int, int], align: str
) -> None:
    ax.plot(t_s, angle_deg, marker="o", color=color, markersize=6, zorder=5)
    ax.annotate(
        text, (t_s, angle_deg), xytext=offset, textcoords="offset points", ha=align, bbox=BOX,
        arrowprops={"arrowstyle": "-", "color": FAINT, "linewidth": 0.8},
    )  # fmt: skip


def _degrees(value: Any, uncertain: Any, *, has_both: bool = False) -> str:
    """An angle with as many digits as are known of it, and with its uncertainty where asked for."""
    if words.is_missing(uncertain):
        return words.quantity("final_deg", float(value))
    both = words.with_uncertainty("final_deg", float(value), "angle_uncertainty_deg", float(uncertain))
    known, _, about = both.partition("\u00a0±\u00a0")
    return f"{known}° ± {about}°" if has_both else f"{known}°"


def _sink_text(fall: Mapping[str, Any]) -> str:
    sink = float(fall["sink_deg"])
    text = f"sinks {words.quantity('sink_deg', sink)}" if sink >= 0 else f"lifts {words.quantity('sink_deg', -sink)}"
    if fall.get("rest_start_s") is not None and fall.get("rest_end_s") is not None:
        text += f" in {words.span(float(fall['rest_end_s']) - float(fall['rest_start_s']))}"
    if fall.get("sink_deg_per_min") is not None:
        text += f" ({words.quantity('sink_deg_per_min', float(fall['sink_deg_per_min']))})"
    return text
