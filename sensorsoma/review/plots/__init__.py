"""Pictures of a session. Each function works alone, draws on given axes or new ones, and never opens a window."""

from sensorsoma.review.plots.hips import (
    plot_clams_side_by_side,
    plot_falls_overlaid,
    plot_rep_ranges,
    plot_shaking,
)
from sensorsoma.review.plots.movements import plot_curve, plot_cycles, plot_fall, plot_hold, plot_reps, plot_rolls
from sensorsoma.review.plots.timeline import plot_angles, plot_session, plot_timeline

__all__ = [
    "plot_angles",
    "plot_clams_side_by_side",
    "plot_curve",
    "plot_cycles",
    "plot_fall",
    "plot_falls_overlaid",
    "plot_hold",
    "plot_rep_ranges",
    "plot_reps",
    "plot_rolls",
    "plot_session",
    "plot_shaking",
    "plot_timeline",
]
