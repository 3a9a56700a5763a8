"""The pages for makers: links that lead somewhere, drawings that can be read aloud, names that the sketch has."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTES = ROOT / "firmware_notes"
SKETCH = NOTES / "soma_v1" / "soma_v1_imu"
PAGES = [NOTES / "soma_v1" / "README.md", NOTES / "wearing.md", NOTES / "in_bed.md", ROOT / "docs" / "makers.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    """Every page and picture that a page points to is there."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("name", ["wearing_sensor", "wearing_phone"])
def test_drawings_have_a_title_and_a_description(name: str) -> None:
    """Who cannot see a drawing hears what it shows; its background is its own, so it is legible on any page."""
    drawing = ElementTree.parse(NOTES / f"{name}.svg").getroot()
    svg = "{http://www.w3.org/2000/svg}"
    ids = [drawing.find(f"{svg}{tag}").attrib["id"] for tag in ("title", "desc")]  # type: ignore[union-attr]
    assert drawing.attrib["aria-labelledby"].split() == ids
    assert len(drawing.findtext(f"{svg}desc") or "") > 100
    _, _, width, height = drawing.attrib["viewBox"].split()
    background = drawing.find(f"{svg}rect")
    assert background is not None
    assert (background.attrib["width"], background.attrib["height"]) == (width, height)


def test_what_the_page_tells_to_set_is_in_the_sketch() -> None:
    """The name, the switch for the battery, the sizes of the queue and the boards' rates."""
    page = (NOTES / "soma_v1" / "README.md").read_text(encoding="utf-8")
    code = "".join(path.read_text(encoding="utf-8") for path in [*SKETCH.iterdir(), NOTES / "soma_v1" / "soma_v1.h"])
    switches = set(re.findall(r"\bSOMA_[A-Z0-9_]+", page))
    assert {"SOMA_NAME", "SOMA_READ_BATTERY", "SOMA_V1_QUEUE_FRAMES", "SOMA_V1_MAX_PAYLOAD"} <= switches
    assert [name for name in switches if f"#ifndef {name}\n" not in code] == []
    rates = re.findall(r"RATES_HZ\[\] = \{([0-9, ]+)\}", code)
    assert all(f"{one} Hz" in page for one in rates)


def test_boards_have_the_functions_that_the_page_promises() -> None:
    """Both boards offer the same, and the sketch asks for nothing else."""
    asked = set(re.findall(r"\bboard::(\w+)", (SKETCH / "soma_v1_imu.ino").read_text(encoding="utf-8")))
    assert len({name for name in asked if name[0].islower()}) == 8
    for path in SKETCH.glob("board_*.h"):
        text = path.read_text(encoding="utf-8")
        assert [name for name in asked if not re.search(rf"^(static|const) \w+ {name}\b", text, re.MULTILINE)] == []
