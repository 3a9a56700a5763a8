"""Both hips on the same axes, and the shaking of the whole session."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sensorsoma.review import words
from sensorsoma.review.plots import drawing
from sensorsoma.review.plots.drawing import BAND, BOX, FAINT, SIDE_STYLE, WIDTH_IN, styled
from sensorsoma.review.tables import falls_table, numbered_reps, reps_table, shaking_table
from sensorsoma.review.trace import SessionTrace

SLOW_HZ, FINE_HZ = (3.5, 6.0), (6.0, 14.0)
"""The two bands in which shaking is looked for: slow and fine."""


@styled
def plot_falls_overlaid(trace: SessionTrace, ax: Axes | None = None) -> Axes:
    """All knee falls of both sides, aligned where the knee was let go."""
    ax = drawing.axes_of(ax, 3.8)
    named: set[str] = set()
    longest_s = 10.0
    for segment in trace.segments:
        curve, side = trace.curve_of(segment), segment.get("side")
        if segment.get("exercise") != "knee_fall" or curve is None:
            continue
        for fall in segment.get("falls") or ():
            if fall.get("fall_start_s") is None:
                continue
            begin = float(fall["fall_start_s"])
            end = float(fall.get("rest_end_s") or segment.get("end_s") or begin)
            t_s = curve.t_s - trace.start_s
            inside = (t_s >= begin - 2) & (t_s <= end)
            name = f"{side or 'side unknown'}{', on a support' if fall.get('supported') else ''}"
            style = SIDE_STYLE[side]
            shown_t_s, shown_deg = drawing.min_max(t_s[inside] - begin, curve.angle_deg[inside])
            line = ":" if fall.get("supported") else style["linestyle"]
            label = None if name in named else name
            ax.plot(shown_t_s, shown_deg, color=style["color"], linestyle=line, label=label)
            if shown_t_s.size:
                ax.plot(shown_t_s[-1], shown_deg[-1], marker=style["marker"], color=style["color"], markersize=6)
            named.add(name)
            longest_s = max(longest_s, end - begin)
    ax.set_xlim(-2, longest_s * 1.03)
    ax.axvline(0, color=FAINT, linewidth=0.8)
    if named:
        ax.legend(loc="lower right")
    drawing.clock_axis(ax, "time since the knee was let go (min:s)")
    ax.set_ylabel("fall-out (°)")
    drawing.write_title(ax, trace, "Knee falls, right and left, aligned where the knee was let go")
    return ax


@styled
def plot_clams_side_by_side(trace: SessionTrace) -> Figure:
    """The range of each clamshell, rep by rep, left hip and right hip on the same scale."""
    figure = Figure(figsize=(WIDTH_IN, 3.4), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for ax, side in zip(axes, ("left", "right"), strict=True):
        plot_rep_ranges(trace, side, ax)
    axes[1].set_ylabel("")
    axes[0].set_ylim(bottom=0, top=axes[0].get_ylim()[1] * 1.08)
    return figure


@styled
def plot_rep_ranges(trace: SessionTrace, side: str, ax: Axes | None = None, exercise: str = "clamshell") -> Axes:
    """The range of each rep of one side in order; partial ones hollow, the mean of the whole ones as a line."""
    ax = drawing.axes_of(ax)
    style = SIDE_STYLE[side]
    ticks: list[str] = []
    for segment in trace.segments:
        if (segment.get("exercise"), segment.get("side")) != (exercise, side):
            continue
        for label, rep in numbered_reps(segment):
            ticks.append("" if label is None else str(label))
            x = len(ticks)
            if rep.get("range_deg") is None:
                continue
            face = "white" if rep.get("partial") else style["color"]
            ax.vlines(x, 0, float(rep["range_deg"]), color=BAND, linewidth=5, zorder=1)
            ax.plot(x, float(rep["range_deg"]), marker=style["marker"], color=style["color"], markerfacecolor=face,
                    linestyle="none", markersize=8, zorder=3)  # fmt: skip
            note = " ".join((["small"] if rep.get("partial") else []) + (["~"] if rep.get("tremor") else []))
            if note:
                ax.annotate(note, (x, float(rep["range_deg"])), xytext=(0, 7), textcoords="offset points", ha="center",
                            fontsize=10, bbox=BOX | {"pad": 0.2}, zorder=4)  # fmt: skip
    table = reps_table(trace)
    mine = (table["exercise"] == exercise) & (table["side"] == side) & ~table["partial"].astype(bool)
    ranges = table.loc[mine, "range_deg"].dropna()
    mean = ""
    if len(ranges):
        ax.axhline(float(ranges.mean()), color=style["color"], linestyle="--", linewidth=1, zorder=2)
        mean = f", mean {words.quantity('range_deg', float(ranges.mean()))}"
    ax.set_xticks(range(1, len(ticks) + 1), ticks)
    ax.set_xlim(0.3, max(len(ticks), 1) + 0.7)
    shaken = any("~" in text.get_text() for text in ax.texts)
    ax.set_xlabel("repetition (~ with shaking)" if shaken else "repetition")
    ax.set_ylabel("range (°)")
    drawing.write_title(ax, trace, f"{words.EXERCISES.get(exercise, exercise)}, {side}{mean}")
    return ax


@styled
def plot_shaking(trace: SessionTrace, ax: Axes | None = None) -> Axes:
    """Where shaking was seen: its frequency over time, larger marks for stronger shaking."""
    ax = drawing.axes_of(ax, 3.0)
    table = shaking_table(trace).dropna(subset=["t_s", "freq_hz"])
    # A set's own line would stand beside those of its reps and say the same twice.
    table = table[~table["is_sum"].astype(bool)]
    for band, name in ((SLOW_HZ, "slow"), (FINE_HZ, "fine")):
        ax.axhspan(*band, facecolor=BAND if name == "slow" else "none", zorder=0)
        ax.text(1.005, sum(band) / 2, name, transform=ax.get_yaxis_transform(), va="center", fontsize=10)
    ax.set_xlim(0, max(1.0, float(trace.analysis.get("duration_s") or 0.0)))
    ax.set_ylim(3, 14.5)
    strongest = table["rms_mps2"].max()
    for _, row in table.iterrows():
        style = SIDE_STYLE[row["side"] if row["side"] in ("right", "left") else None]
        share = row["rms_mps2"] / strongest if strongest and strongest > 0 else 0.5
        ax.plot(row["t_s"], row["freq_hz"], marker=style["marker"], color=style["color"], alpha=0.8, linestyle="none",
                markersize=5 + 9 * float(share))  # fmt: skip
    drawing.clock_axis(ax)
    ax.set_ylabel("frequency (Hz)")
    drawing.write_title(ax, trace, "Shaking: square right, round left, diamond pelvis; larger is stronger")
    return ax


def has_both_sides(trace: SessionTrace, exercise: str) -> bool:
    """True when a movement was measured on the right and on the left."""
    table = falls_table(trace) if exercise == "knee_fall" else reps_table(trace)
    return {"right", "left"} <= set(table.loc[table["exercise"] == exercise, "side"])
