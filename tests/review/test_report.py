"""The page: self-contained, inert, complete."""

from __future__ import annotations

import re
import stat
import struct
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from sensorsoma.errors import SensorSomaError
from sensorsoma.review import plots
from sensorsoma.review.report import review
from sensorsoma.review.sentence import summary_sentences

from .traces import clamshells, hips_check, knee_falls, pelvic_rocks, settings, trace_of, whole_session, with_title

VOID = {"meta", "br", "hr", "img", "link", "input"}
FORBIDDEN = ("normal", "abnormal", "score", "treat ", "heal", "therapy", "patient", "warning", "alarm", "asymmetr")


class Page(HTMLParser):
    """Reads a page into tags, texts and attributes, and notices tags that do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if not self.stack or self.stack[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"[ \n]+", " ", " ".join(self.words))


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """The review of the whole session, written once."""
    return review(whole_session(), tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(result):
    """Its page, read."""
    return Page(result.report_path.read_text("utf-8"))


def test_the_page_is_whole(page):
    """Every tag closes, and ids occur once."""
    assert page.stack == []
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids)) > 100


def test_the_page_loads_nothing(result, page):
    """No address is fetched: no scripts, no links, no pictures from elsewhere; references stay on the page."""
    assert not {"script", "link", "img", "iframe", "image"} & set(page.tags)
    for name, value in page.attributes:
        if name in ("src", "href", "xlink:href", "data", "action"):
            assert value.startswith("#")
    text = result.report_path.read_text("utf-8")
    assert re.sub(r'xmlns(:xlink)?="[^"]*"', "", text).count("http:") == 0
    assert "https:" not in text
    assert set(re.findall(r"url\(([^)]{2})", text)) <= {"#p"}


def test_references_inside_pictures_point_somewhere(page):
    """Clip paths and markers are found under their new ids."""
    ids = {value for name, value in page.attributes if name == "id"}
    wanted = {value[1:] for name, value in page.attributes if name == "xlink:href"}
    wanted |= {found for _, value in page.attributes for found in re.findall(r"url\(#([^)]+)\)", value)}
    assert wanted
    assert wanted <= ids


def test_the_page_begins_with_the_sentence_and_the_mark(page):
    """First what happened, and that it was simulated."""
    assert summary_sentences(whole_session()) in page.text
    assert (
        page.text.index("A simulated session")
        < page.text.index("Simulated: these numbers")
        < page.text.index("The data")
    )


def test_a_real_session_carries_no_mark(tmp_path):
    """Only simulated and imported numbers are marked."""
    trace = trace_of([clamshells("left", 0, [40])], "real", settings=settings("real"))
    text = Page(review(trace, tmp_path).report_path.read_text("utf-8")).text
    assert "imulated" not in text
    assert "mported" not in text


def test_the_page_says_what_was_planned_and_done(page):
    """Asked against done, timed steps and unmeasured ones."""
    for words in ("Clamshells, right", "8 reps", "timed", "not measured", "as long as wanted", "the person"):
        assert words in page.text


def test_the_page_tells_of_the_link(page):
    """Lost links, lost packets and packets without sense are listed plainly."""
    for words in ("The link was lost once.", "2 packets could not be understood", "packets lost on the way", "10.4"):
        assert words in page.text


def test_one_rest_a_side_is_not_compared(page):
    """Where repeats are few the page says so."""
    assert "Not enough repeats to say" in page.text


def test_the_page_is_not_a_medical_device_and_passes_no_judgement(page):
    """The footer says so, and words that judge do not occur."""
    assert "It is not a medical device" in page.text
    assert not [word for word in FORBIDDEN if word in page.text.lower()]


def test_tables_and_pictures_can_be_read_aloud(page):
    """Tables have captions and headings with a scope; every picture has words."""
    assert page.tags.count("caption") == page.tags.count("table") > 5
    assert {value for name, value in page.attributes if name == "scope"} == {"col", "row"}
    assert (
        page.tags.count("figure") == page.tags.count("svg") == sum(name == "aria-label" for name, _ in page.attributes)
    )


def test_pngs_lie_beside_the_page(result):
    """One PNG per picture on the page, wide enough to read."""
    assert len(result.png_paths) == result.report_path.read_text("utf-8").count("<figure")
    for path in result.png_paths:
        head = path.read_bytes()[:24]
        width, height = struct.unpack(">II", head[16:24])
        assert head[:8] == b"\x89PNG\r\n\x1a\n"
        assert (width, height) >= (1200, 300)
    assert len({path.name for path in result.png_paths}) == len(result.png_paths)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no owner bits on files")
def test_files_are_for_their_owner(result):
    """A body is in them: nobody else on the computer may read them."""
    for path in (result.report_path, *result.png_paths):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_words_of_the_session_are_inert(session, tmp_path):
    """A plan title with a script in it is shown as text, on the page and in the pictures."""
    evil = '<script>alert("1")</script><img src=x onerror=alert(1)>'
    trace = with_title(
        replace(session, curves=(), analysis={**session.analysis, "segments": session.segments[2:3]}), evil
    )
    trace = replace(
        trace,
        notes=(evil,),
        settings=replace(trace.settings, person=evil, started=evil, software={evil: evil}),
        analysis={
            **trace.analysis,
            "segments": [{**s, "notes": [evil]} for s in trace.segments],
            "input": {"path": evil},
        },
    )
    read = Page(review(trace, tmp_path).report_path.read_text("utf-8"))
    assert not {"script", "img"} & set(read.tags)
    assert evil in read.text
    assert not [name for name, _ in read.attributes if name.startswith("on")]


def test_a_two_sided_check_states_its_difference(tmp_path):
    """Three rests a side, eleven degrees apart: the page says so in degrees."""
    text = Page(review(hips_check(), tmp_path).report_path.read_text("utf-8")).text
    assert "Right minus left is +11.0°" in text


def test_an_empty_session_gives_a_page(empty, tmp_path):
    """Nothing measured is a report too."""
    text = Page(review(empty, tmp_path).report_path.read_text("utf-8")).text
    assert "nothing was measured" in text
    assert "Right and left" not in text


def test_a_picture_that_fails_does_not_take_the_report_along(tmp_path, monkeypatch, caplog):
    """It is logged and left out; numbers and other pictures stay."""

    def fail(*_args):
        raise RuntimeError("no ink")

    monkeypatch.setattr(plots, "plot_cycles", fail)
    result = review(trace_of([pelvic_rocks(0)]), tmp_path)
    assert "pelvic-rock" in caplog.text
    assert "Pelvic rocking" in result.report_path.read_text("utf-8")
    assert not [path for path in result.png_paths if "rock" in path.name]


def test_progress_is_told(tmp_path):
    """Whoever waits hears of each picture."""
    told: list[str] = []
    assert len(review(trace_of([pelvic_rocks(0)]), tmp_path, on_progress=told.append).png_paths) == len(told) == 2


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    """The error names the folder and what to do."""
    blocked = tmp_path / "file"
    blocked.write_text("here already")
    with pytest.raises(SensorSomaError, match="choose a folder"):
        review(trace_of([knee_falls("right", 0, [50])]), blocked)


def test_the_same_session_gives_the_same_page(tmp_path):
    """No dates, no random ids."""
    trace = trace_of([clamshells("left", 0, [40, 41])])
    one, two = (review(trace, tmp_path / name).report_path.read_bytes() for name in ("a", "b"))
    assert one == two


def blank(value, kept=("exercise", "side", "placement", "start_s", "end_s", "partial", "supported", "weak")):
    """The same JSON with every measure null."""
    if isinstance(value, dict):
        return {key: item if key in kept else blank(item, kept) for key, item in value.items()}
    if isinstance(value, list):
        return [blank(item, kept) for item in value]
    return None


@pytest.mark.parametrize("with_curves", [True, False])
def test_a_session_of_nulls_gives_every_picture(session, tmp_path, caplog, with_curves):
    """Any measure may be null, and curves may be missing: nothing fails, nothing reads as zero."""
    segments = [blank(segment) | {"notes": [], "reps": blank(segment["reps"])} for segment in session.segments]
    trace = replace(
        session, analysis={**session.analysis, "segments": segments}, curves=session.curves if with_curves else ()
    )
    text = Page(review(trace, tmp_path).report_path.read_text("utf-8")).text
    assert "could not be drawn" not in caplog.text
    assert "nothing that was worn could measure" in text
    assert "sinks 0" not in text
