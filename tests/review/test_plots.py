"""The pictures: what stands on them, and that they work alone."""

from __future__ import annotations

import sys
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from sensorsoma.messages import Gap
from sensorsoma.review import plots
from sensorsoma.review.page import png_bytes, svg_text
from sensorsoma.review.plots.drawing import LEFT, MIDDLE, RIGHT, ClockLocator, min_max
from sensorsoma.review.plots.timeline import posture_spans

from .traces import clamshells, hips_check, knee_falls, knee_rolls, posture, trace_of

DRAWINGS = {
    "session": (lambda t: plots.plot_session(t), "steps numbered"),
    "timeline": (lambda t: plots.plot_timeline(t), "on the back"),
    "angles": (lambda t: plots.plot_angles(t), "link lost"),
    "fall": (lambda t: plots.plot_fall(t, t.segments[0], t.segments[0]["falls"][0]), "sinks 5.2° in 52 s (5.9°/min)"),
    "cycles": (lambda t: plots.plot_cycles(t, t.segments[2]), "Pelvic rocking: 6 cycles"),
    "hold": (lambda t: plots.plot_hold(t, t.segments[3]), "held 15.4 s"),
    "reps": (lambda t: plots.plot_reps(t, t.segments[4]), "Clamshells, right: 8 and a small one"),
    "curve": (lambda t: plots.plot_curve(t, t.segments[0]), "Knee fall, right"),
    "falls overlaid": (lambda t: plots.plot_falls_overlaid(t), "time since the knee was let go"),
    "clams": (lambda t: plots.plot_clams_side_by_side(t), "Clamshells, left, mean 34.5°"),
    "ranges": (lambda t: plots.plot_rep_ranges(t, "right"), "repetition"),
    "shaking": (lambda t: plots.plot_shaking(t), "frequency (Hz)"),
}


def figure_of(drawn) -> Figure:
    """The figure of axes, or the figure itself."""
    return drawn if isinstance(drawn, Figure) else drawn.figure


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_picture_works_alone_and_says_that_it_is_simulated(session, name):
    """Each function draws by itself; its SVG holds its words as text, and the link it came from."""
    draw, text = DRAWINGS[name]
    svg = svg_text(figure_of(draw(session)), "x")
    assert text in svg
    if name != "angles":
        assert "(simulated)" in svg


@pytest.mark.parametrize("name", ["session", "timeline", "angles", "falls overlaid", "clams", "shaking"])
def test_a_picture_of_nothing_is_drawn_too(empty, name):
    """A session without measures breaks no picture, and a real link needs no mark."""
    svg = svg_text(figure_of(DRAWINGS[name][0](empty)), "x")
    assert svg.startswith("<svg")
    assert "(real)" not in svg


def test_reps_are_numbered_in_the_picture(session):
    """Numbers stand at the reps as they were spoken; the small one is marked without a number."""
    ax = plots.plot_reps(session, session.segments[4])
    words = [text.get_text() for text in ax.texts]
    assert words[:9] == ["1", "2", "3", "4", "small", "5", "6", "7", "8"]


def test_reps_without_a_curve_stand_at_their_range(session):
    """A trace without curves still shows the reps."""
    ax = plots.plot_reps(replace(session, curves=()), session.segments[5])
    heights = [line.get_ydata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert heights == [rep["range_deg"] for rep in session.segments[5]["reps"]]


def test_a_supported_rest_is_called_so():
    """A fall that ended on a pillow says that it enters no comparison."""
    trace = hips_check(supported=(0,))
    ax = plots.plot_fall(trace, trace.segments[0], trace.segments[0]["falls"][0])
    assert "on a support" in ax.get_title(loc="left")


def test_a_fall_of_which_little_is_known_is_drawn():
    """Every measure but the letting go may be missing."""
    segment, line = knee_falls("left", 0, [50.0])
    fall = {**dict.fromkeys(segment["falls"][0]), "fall_start_s": 9.0, "supported": False}
    trace = trace_of([({**segment, "falls": [fall]}, line)])
    assert "sinks" not in svg_text(plots.plot_fall(trace, trace.segments[0], fall).figure, "x")


def test_given_axes_are_used(session):
    """A picture drawn on axes of one's own makes no figure."""
    ax = Figure().add_subplot()
    assert plots.plot_angles(session, ax) is ax


def test_a_dollar_sign_is_text(session):
    """Words on a picture are never read as mathematics, nor as markup."""
    curve = replace(session.curves[0], label="$\\frac{1} <b>")
    svg = svg_text(plots.plot_curve(replace(session, curves=(curve,)), session.segments[0]).figure, "x")
    assert "$\\frac{1} &lt;b&gt;" in svg


def test_drawing_leaves_matplotlib_as_it_was(session):
    """The caller's settings come back, and pyplot is not even imported."""
    before = dict(matplotlib.rcParams)
    png_bytes(plots.plot_session(session))
    assert dict(matplotlib.rcParams) == before
    assert "sensorsoma.review.plots" in sys.modules
    assert not any(
        hasattr(module, "plt") for name, module in sys.modules.items() if name.startswith("sensorsoma.review")
    )


def test_a_picture_is_the_same_every_time(session):
    """No date, no random ids."""
    assert svg_text(plots.plot_session(session), "a") == svg_text(plots.plot_session(session), "a")


@given(st.lists(st.one_of(st.floats(-100, 100), st.just(float("nan"))), min_size=1, max_size=600), st.integers(2, 40))
def test_thinning_keeps_the_extremes(values, max_points):
    """Lowest and highest values survive, times go forward, and a gap stays a gap."""
    angle = np.array(values)
    t_s, thin = min_max(np.arange(angle.size, dtype=float), angle, max_points)
    assert (np.diff(t_s) > 0).all()
    assert np.isnan(angle).any() == np.isnan(thin).any()
    if not np.isnan(angle).all():
        assert (np.nanmin(thin), np.nanmax(thin)) == (np.nanmin(angle), np.nanmax(angle))


def test_thinning_keeps_a_burst_of_shaking():
    """One sample that sticks out of a hundred thousand is still there."""
    values = np.zeros(100_000)
    values[54_321] = 1.0
    t_s, thin = min_max(np.arange(values.size, dtype=float), values)
    assert thin.max() == 1.0
    assert len(t_s) < 2100


@given(st.floats(0, 20_000), st.floats(1, 20_000))
def test_ticks_are_few_and_at_clock_times(begin, length):
    """Between none and ten ticks, all whole seconds."""
    ticks = ClockLocator().tick_values(begin, begin + length)
    assert len(ticks) <= 10
    assert all(float(tick).is_integer() for tick in ticks)


def test_posture_is_told_by_the_pelvis_if_it_is_worn(session):
    """Spans follow each other to the end of the session."""
    spans = posture_spans(session, 500.0)
    assert [span[2] for span in spans] == ["supine", "right_up", "left_up"]
    assert spans[-1][1] == 500.0
    assert [a[1] for a in spans[:-1]] == [b[0] for b in spans[1:]]


def test_a_short_time_on_the_back_has_its_word(session):
    """Where "on the back" does not fit into its box, "back" does."""
    turned = (posture(0, "supine"), posture(440, "left_up"), posture(470, "supine"))
    ax = plots.plot_timeline(replace(session, events=turned))
    said = [text.get_text() for text in ax.texts]
    assert {"on the back", "right", "back"} <= set(said)


def test_the_session_says_where_zero_is(session, empty):
    """A fall that begins at 33° or a leg at -52° needs a word; a picture without lines needs none."""
    assert "0° is where a movement begins" in plots.plot_angles(session).get_xlabel()
    assert "0°" not in plots.plot_angles(empty).get_xlabel()


def test_posture_falls_back_to_a_thigh():
    """Without a pelvis sensor the thigh that told most is asked."""
    thigh = replace(posture(5, "supine"), placement="left-thigh", channel="left-thigh")
    trace = trace_of([clamshells("left", 0, [40, 41])], events=(thigh,))
    assert posture_spans(trace, 30.0) == [(5.0, 30.0, "supine")]


def test_knee_rolls_are_marked_where_they_went_furthest():
    """Six marks on the curve: three out, three in."""
    trace = trace_of([knee_rolls(0)])
    ax = plots.plot_rolls(trace, trace.segments[0])
    tops = [float(line.get_ydata()[0]) for line in ax.lines if line.get_marker() in ("^", "v")]
    assert tops == pytest.approx([30, 30, 30, -25, -25, -25], abs=1.0)
    assert "3 full cycles" in ax.get_title(loc="left")


def relative_luminance(color):
    """Relative luminance of WCAG 2.1, from 0 (black) to 1 (white)."""
    rgb = np.array(matplotlib.colors.to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def test_lines_stand_out_from_the_paper():
    """Right, left and middle have a contrast of at least 4.5 to white, as WCAG asks of text."""
    for color in (RIGHT, LEFT, MIDDLE):
        assert 1.05 / (relative_luminance(color) + 0.05) >= 4.5, color


def test_words_at_gaps_do_not_lie_on_each_other(session):
    """Where gaps are close, one of them is named and all are hatched."""
    gaps = tuple(Gap("right-thigh", t_s, t_s + 3.0, None, "link_lost") for t_s in (40.0, 50.0, 60.0, 300.0))
    ax = plots.plot_angles(replace(session, gaps=gaps))
    assert sum("link lost" in text.get_text() for text in ax.texts) == 2
    assert len(ax.patches) == 4
