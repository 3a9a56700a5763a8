"""The parts that a report page is made of: tables of words, figures as SVG text, sections."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from sensorsoma.review import words
from sensorsoma.review.plots.drawing import STYLE

UNIT_SPACE = re.compile(r"(\d) (s|min|Hz|%)(?!\w)")
"""A number stays on one line with its unit."""
CLOCK_COLUMNS = frozenset(("start_s", "end_s", "peak_s", "t_s", "arch_s", "flatten_s", "fall_start_s", "turned_s"))
"""Moments, printed as a clock shows them."""
PLAIN_HEADERS = {
    "start_s": "From", "end_s": "To", "peak_s": "At", "t_s": "From", "arch_s": "Arch at", "flatten_s": "Flatten at",
    "fall_start_s": "Let go at", "turned_s": "Turned at",
    "placement": "Sensor at", "step": "#", "title": "Step", "n_gaps": "Gaps", "n_lost": "Samples lost",
    "total_s": "In all (s)", "longest_s": "Longest (s)", "reason": "What happened", "channel": "Sensor", "rep": "Rep",
    "exercise": "Movement", "range_mean_deg": "Range, mean (°)", "range_span_deg": "Smallest to largest (°)",
    "breath_inhale_share": "Inhale (% of a breath)", "steadiness": "Evenness (1 is a clock)",
    "out_mean_s": "Way out, mean (s)", "back_mean_s": "Way back, mean (s)",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PageTable:
    """A table ready to print."""

    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """The first cell of a row names it."""
    not_measured: tuple[str, ...] = ()
    """Names of columns that were left out because nothing could measure them."""
    is_folded: bool = False
    """For those who look closer: only its caption is seen until it is unfolded."""


@dataclass(frozen=True, slots=True)
class PageFigure:
    """A picture ready to print."""

    name: str
    """Of the PNG beside the page, without ending."""
    svg: str
    alt: str
    """What it shows, for those who cannot see it."""


@dataclass(frozen=True, slots=True)
class PageSection:
    """A heading and what stands below it."""

    heading: str
    paragraphs: tuple[str, ...] = ()
    figures: tuple[PageFigure, ...] = ()
    tables: tuple[PageTable, ...] = ()
    statements: tuple[tuple[str, str], ...] = ()
    """What is compared, and what can be said."""


def page_table(
    frame: pd.DataFrame,
    caption: str,
    columns: Sequence[str] | None = None,
    missing: str = words.NOT_MEASURED,
    is_folded: bool = False,
) -> PageTable:
    """A DataFrame in words, with units in the headings; columns without any value are named below instead."""
    wanted = [column for column in columns or list(frame.columns) if column in frame]
    empty = [column for column in wanted if len(frame) and frame[column].isna().all()]
    shown = [column for column in wanted if column not in empty]
    rows = tuple(
        tuple(cell(column, value, missing) for column, value in zip(shown, row, strict=True))
        for row in frame[shown].itertuples(index=False, name=None)
    )
    left_out = tuple(dict.fromkeys(words.name_of(column) for column in empty if column not in (*PLAIN_HEADERS, "side")))
    return PageTable(caption, tuple(heading(column) for column in shown), rows, left_out, is_folded)


def turned_table(
    frame: pd.DataFrame, caption: str, names: Sequence[str], columns: Sequence[str], is_folded: bool = False
) -> PageTable:
    """A DataFrame on its side: one row per measure, one column per row of the frame."""
    full = [column for column in columns if not frame[column].isna().all()]
    empty = tuple(words.name_of(column) for column in columns if column not in full)
    rows = tuple((heading(column), *(cell(column, value) for column_value in [frame[column]] for value in column_value))
                 for column in full)  # fmt: skip
    return PageTable(caption, ("Measure", *names), rows, empty, is_folded)


def heading(column: str) -> str:
    """A column's heading, with its unit unless it is a moment."""
    return PLAIN_HEADERS.get(column) or words.header(column)


def cell(column: str, value: object, missing: str = words.NOT_MEASURED) -> str:
    """One value as printed in its column."""
    if value is None or value is pd.NA or words.is_missing(value):
        return missing
    if column in CLOCK_COLUMNS and isinstance(value, int | float):
        return words.clock(value)
    if column.startswith("posture_"):
        return words.POSTURES.get(str(value)) or str(value)
    if column in ("asked", "done"):
        return UNIT_SPACE.sub("\\1\u00a0\\2", str(value))
    if column == "ended_by":
        return words.ENDED_BY.get(str(value), str(value))
    if column == "exercise":
        return words.EXERCISES.get(str(value), str(value))
    if column == "reason":
        return words.GAP_REASONS.get(str(value), str(value))
    if column in ("placement", "channel"):
        return str(value).replace("-", " ")
    return words.number(column, value)


def svg_text(figure: Figure, name: str) -> str:
    """The figure as an `<svg>` element: no document head, no metadata, ids that are unique on the page."""
    buffer = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Only attributes of elements are touched: a plan's title cannot hold a quote followed by a bare angle bracket.
    text = re.sub(r'(<[^<>]*?\s)id="([^"]+)"', rf'\1id="{name}-\2"', text)
    text = re.sub(r'(xlink:href="#|url\(#)', rf"\1{name}-", text)
    # The size comes from the page; the view box keeps the proportions.
    return re.sub(
        r'^<svg([^>]*?) (?:width|height)="[^"]*"([^>]*?) (?:width|height)="[^"]*"', r"<svg\1\2", text, count=1
    )


def png_bytes(figure: Figure, dpi: int = 140) -> bytes:
    """The figure as PNG."""
    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": "SensorSoma"})
    return buffer.getvalue()
