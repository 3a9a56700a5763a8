"""The tables of a movement: what stands first, what folds away, and how it is worded."""

from __future__ import annotations

from sensorsoma.review.numbers import movement_tables
from sensorsoma.review.report import review
from sensorsoma.review.sentence import summary_points, summary_sentences
from sensorsoma.review.tables import counts_of
from sensorsoma.review.text import describe

from .traces import clamshells, knee_falls, pelvic_rocks, plain_segment, trace_of


def column(table, header) -> list[str]:
    """The cells below a heading."""
    return [row[table.headers.index(header)] for row in table.rows]


def row_of(table, name) -> tuple[str, ...]:
    """The cells beside a measure."""
    return next(row[1:] for row in table.rows if row[0] == name)


def quiet(exercise="rest", **measures):
    """A stretch without a movement to count, and no curve."""
    return plain_segment(exercise, None, "right-thigh", 0, 40, **measures)


def of_segments(*segments, link="simulated"):
    """A trace of segments alone."""
    trace = trace_of([], link)
    trace.analysis["segments"] = list(segments)
    return trace


def test_a_small_repetition_is_counted_in_the_same_words_everywhere(session, tmp_path):
    """The list, the table and the terminal say "8 and a small one"; none says 9."""
    first, each, *_ = movement_tables(session, ("clamshell",))
    assert column(first, "Count") == ["8 and a small one", "8"]
    assert column(each, "Rep")[:6] == ["1", "2", "3", "4", "small", "5"]
    assert "8 clamshells and a small one on the right" in " ".join(summary_points(session))
    assert "8 and a small one counted" in describe(session)
    alone = trace_of([clamshells("right", 0, [44, 46, 21], partial=(2,))])
    page = review(alone, tmp_path).report_path.read_text("utf-8")
    assert "3 clamshells" not in page
    assert page.count("2 and a small one") >= 3


def test_small_cycles_and_swings_count_as_what_they_are():
    """Small pelvic cycles are not in the count to begin with; two small swings make one small roll."""
    assert counts_of({"count": 6, "cycles": [{}] * 6, "partial_cycles": [{}]}) == (6, 1)
    swings = [{"direction": d, "partial": n == 2} for n in range(3) for d in ("out", "in")]
    assert counts_of({"exercise": "knee_roll", "count": 3, "reps": swings}) == (2, 1)
    assert counts_of({"count": None, "reps": []}) == (None, 0)


def test_the_rest_of_the_numbers_folds_away(session):
    """A set's summary is seen at once, its single repetitions on demand."""
    shown = list(movement_tables(session, ("clamshell",)))
    assert [table.is_folded for table in shown] == [False, True]
    assert column(shown[0], "Smallest to largest (°)") == ["41 to 47", "32 to 36"]


def test_an_angle_stands_with_its_uncertainty():
    """ "53 ± 2": neither is read without the other, no tenths where none are known; the pace is told."""
    segment, line = knee_falls("right", 0, [53.4])
    segment["falls"][0] |= {"fall_speed_deg_per_s": 14.2, "slide_s": 5.0, "began_on_exhale": True}
    first, more = movement_tables(trace_of([(segment, line)]), ("knee_fall",))
    assert row_of(first, "Rested at (°)") == ("53\u00a0±\u00a02",)
    assert row_of(first, "How fast it fell (°/s)") == ("14.2",)
    assert row_of(first, "Began on the exhale") == ("yes",)
    assert more.is_folded
    assert row_of(more, "Slid for (s)") == ("5.0",)


def test_never_still_is_not_the_same_as_not_measured():
    """Somebody who moved all through was measured; without a share of stillness nothing was."""
    restless = quiet(settle_s=None, still_share=0.3, movement_deg_per_min=44.0)
    (first,) = movement_tables(of_segments(restless), ("rest",))
    assert column(first, "Time to stillness (s)") == ["never"]
    assert "never still for five seconds" in describe(of_segments(restless))
    assert "never" not in describe(of_segments(quiet(settle_s=None, still_share=None)))
    assert "never" not in describe(of_segments(restless | {"end_s": 3.0}))


def test_breath_during_a_rest_is_told_and_weak_evidence_is_called_so():
    """Rate, inhale share and depth in one cell; what was not measured keeps its words."""
    breath = {"rate_per_min": 6.06, "inhale_share": 0.324, "amplitude_deg": 0.34, "n_breaths": 3, "weak": True}
    trace = of_segments(quiet(still_share=1.0, settle_s=0.0, breath=breath), quiet(still_share=1.0, breath=None))
    first, more = movement_tables(trace, ("stillness", "rest"))
    assert column(first, "Breath") == ["6.1/min, inhale 32 %, 0.3° deep (weak)", "not measured"]
    assert column(more, "Breaths seen") == ["3", "–"]


def test_rocking_tells_how_steady_it_was():
    """Evenness has its scale in the heading."""
    segment = quiet("rocking", freq_hz=0.86, steadiness=0.9905, amplitude_deg=2.1)
    (first,) = movement_tables(of_segments(segment), ("rocking",))
    assert column(first, "Evenness (1 is a clock)") == ["0.99"]


def test_what_was_found_is_an_inference_and_has_no_name_when_none_is_sure(tmp_path):
    """A large arc is called that, its count is a hint, and the page says once that names are inferences."""
    note = "found without being told; the name is an inference: a large arc to and fro; it has no name"
    arc = quiet("unknown", weak=True, notes=[note], is_found=True, seen_as="large arc") | {"count": 11}
    trace = of_segments(arc, link="imported")
    page = review(trace, tmp_path).report_path.read_text("utf-8")
    assert "a large arc to and fro, about 11 times." in summary_sentences(trace)
    assert page.count("is an inference") + page.count("an\ninference") == 1
    assert "Weak evidence: take the numbers as a hint." in page
    assert "nothing that was worn" not in page


def test_a_narrow_page_cuts_no_column(tmp_path):
    """Every cell of a wide table carries its heading, so that a row can be read as lines."""
    page = review(trace_of([clamshells("left", 0, [40, 41]), pelvic_rocks(40)]), tmp_path).report_path.read_text(
        "utf-8"
    )
    assert "max-width: 40rem" in page
    assert page.count("<td") == page.count("<td data-name=")
    assert page.count("<details") == page.count("</details>") == 2


def test_offsets_of_the_sensors_are_one_line_on_a_terminal_and_details_in_the_report(tmp_path):
    """Three remarks on gravity frighten nobody at bedtime: one line gives the largest, the report gives them all."""
    trace = trace_of([clamshells("right", 0, [44, 46])])
    notes = [
        f"its gravity reads 1.03 g at rest: its angles may be off by up to {n} degrees; lay it still" for n in (1, 2)
    ]
    sources = [{"channel": f"{side}-thigh", "health": {"notes": [note, "its time is missing"]}}
               for side, note in zip(("left", "right"), notes, strict=True)]  # fmt: skip
    trace.analysis["input"] = {"sources": sources}
    said = describe(trace)
    assert "- The sensors' own offsets may add up to 2 degrees; the report says more." in said
    assert "gravity" not in said
    assert said.count("its time is missing") == 2
    assert review(trace, tmp_path).report_path.read_text("utf-8").count("its gravity reads") == 2
