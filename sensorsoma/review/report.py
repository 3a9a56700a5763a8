"""One page that opens anywhere without a network, and its pictures as PNG files beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from sensorsoma.errors import SensorSomaError
from sensorsoma.private_files import write_private
from sensorsoma.review import words
from sensorsoma.review.page import PageSection
from sensorsoma.review.sections import Pictures, all_sections
from sensorsoma.review.sentence import summary_points, summary_sentences
from sensorsoma.review.sides import SidesParams
from sensorsoma.review.trace import SessionTrace

REPORT_NAME = "report.html"
LINK_SENTENCES = {
    "simulated": "Simulated: these numbers come from a virtual person.",
    "imported": "Imported: these numbers come from a file that another program made.",
}


@dataclass(frozen=True, slots=True)
class ReviewResult:
    """Where the review of a session lies."""

    report_path: Path
    """The page."""
    png_paths: tuple[Path, ...]
    """Its pictures, in the order of the page."""


def review(
    trace: SessionTrace,
    out_dir: str | os.PathLike[str],
    *,
    params: SidesParams | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> ReviewResult:
    """Writes the report and its pictures into a folder, which is made if need be; existing ones are replaced.

    Files are readable by their owner only: a body is in them.

    Args:
        trace: the session.
        out_dir: the folder.
        params: how much evidence a statement about the two sides needs.
        on_progress: told in words what was just drawn.

    Raises:
        SensorSomaError: the folder cannot be written.
    """
    pictures = Pictures(done=on_progress or (lambda _: None), pngs=[])
    page = render_page(trace, all_sections(trace, pictures, params), params)
    folder = Path(out_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pngs = tuple(write_private(folder / f"{name}.png", content) for name, content in pictures.pngs)
        report = write_private(folder / REPORT_NAME, page.encode())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SensorSomaError(
            f"The report could not be written to {folder} ({reason}); choose a folder that you may write to."
        ) from error
    return ReviewResult(report, pngs)


def render_page(trace: SessionTrace, sections: tuple[PageSection, ...], params: SidesParams | None = None) -> str:
    """The page as HTML; every word of the session is escaped, nothing is loaded from anywhere."""
    # Only SVG that matplotlib wrote is put in as it is; it escapes its texts itself.
    environment = Environment(
        loader=PackageLoader("sensorsoma.review"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        title=trace.plan_title or "A movement session",
        sentences=summary_sentences(trace, params),
        points=summary_points(trace),
        link_sentence=LINK_SENTENCES.get(trace.link),
        facts=_facts(trace),
        sections=sections,
        software=dict(trace.settings.software),
        schema=str(trace.analysis.get("schema", "")),
    )


def _facts(trace: SessionTrace) -> list[tuple[str, str]]:
    started = trace.settings.started
    rate = trace.analysis.get("rate_hz")
    worn = [f"{source.placement.replace('-', ' ')} ({source.kind})" for source in trace.settings.sources]
    given = dict(trace.analysis.get("input") or {})
    name = given.get("name") or given.get("path")
    facts = (
        ("When", started[:16].replace("T", ", ") if started else None),
        ("Plan", trace.plan_title),
        ("Person", trace.settings.person),
        ("Length", words.span(float(trace.analysis.get("duration_s") or 0))),
        ("Worn", ", ".join(worn) or None),
        ("Samples per second", f"{float(rate):.0f}" if rate else None),
        ("Recording", Path(str(name)).name if name else None),
    )
    return [(what, value) for what, value in facts if value]
