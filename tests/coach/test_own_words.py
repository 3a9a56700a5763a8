"""Sentences of one's own: laid over the bundled ones, and checked with line and section before they are heard."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorsoma.coach.own_words import check_own_words, looks_like_words, own_words_in, plan_and_words, read_own_words
from sensorsoma.coach.plan import load_plan, plan_text
from sensorsoma.coach.script import Script
from sensorsoma.coach.words import load_words
from sensorsoma.errors import PlanError
from sensorsoma.messages import Cue, SettingsSnapshot, Tick
from sensorsoma.pipeline import Pipeline
from sensorsoma.settings import SessionSettings

ENGLISH = resources.files("sensorsoma.coach").joinpath("words/en.toml").read_text("utf-8")
MINE = """# My evening
[clamshell]
start = [
  "Ankles together.",
  "Let the {side} knee open, {Reps} times.",
]
slower = "All the time in the world."
"""


def test_what_is_not_replaced_stays(tmp_path: Path) -> None:
    """Only the moments of the file are said otherwise; one sentence needs no brackets."""
    path = tmp_path / "mine.toml"
    path.write_text(MINE, "utf-8")
    words = load_words("en", read_own_words(path))
    step = next(step for step in load_plan("short").steps if step.do == "clamshell")
    script = Script(load_plan("short"), words)
    assert script.opening(step, False)[1] == ("Ankles together.", "Let the right knee open, Five times.")
    assert script.moment(step, "slower")[1] == ("All the time in the world.",)
    assert script.moment(step, "again")[1] == Script(load_plan("short"), load_words()).moment(step, "again")[1]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('[clamshel]\nstart = ["Open."]', 1, "did you mean [clamshell]?"),
        ('[clamshell]\n\nstrat = ["Open."]', 3, "did you mean 'start'?"),
        ('[clamshell]\nstart = [\n  "Open.",\n  "The {leg} knee."\n]', 4, "there is no place {leg}"),
        ('[clamshell]\nstart = ["The {side knee."]', 2, "stands alone"),
        ("[clamshell]\nstart = []", 2, "expected sentences such as"),
        ("[clamshell]\nstart = [4]", 2, "expected a sentence in quotes"),
        ('start = ["Open."]', 1, "expected a section"),
        ("[clamshell]\nstart = Open.", 2, 'text stands in quotes: expected start = "Open."'),
        ('[names]\nmiddle = "x"', 2, "there are left, right and numbers"),
        ('language = "deutsch"', 1, "two letters"),
        ('[evening]\nmiddle = ["Soft."]', 1, "unless a step names it"),
    ],
)
def test_a_mistake_is_pointed_at(text: str, line: int, said: str) -> None:
    """What would never be said, or cannot be, is named with its line."""
    found = [problem for problem in check_own_words(text) if not problem.is_note]
    assert (found[0].line, len(found)) == (line, 1), found
    assert said in found[0].message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Let it " + "slowly " * 25 + "open.", "28 words"),
        ("That was correct.", "'correct' promises"),
        ("Open. And close.", "one entry is one sentence"),
        ("Open", "full stop"),
        ("Open!", "calls out"),
        ("{Reps} times.", "left out when there is no number"),
    ],
)
def test_what_is_hard_to_hear_in_the_dark_is_only_noted(line: str, said: str) -> None:
    """One's own sentences are one's own: how calm they are is a note, and they are said."""
    text = f'[clamshell]\nstart = ["{line}"]'
    (note,) = check_own_words(text)
    assert note.is_note
    assert note.line == 2
    assert said in note.message
    assert own_words_in(text) == {"clamshell": {"start": [line]}}


def test_a_section_of_ones_own_belongs_to_a_step() -> None:
    """A new section is fine when a step names it, and the plan with it."""
    text = '[evening]\nstart = ["Let the day go."]'
    plan = plan_text("short").replace('words = "close"', 'words = "evening"')
    assert check_own_words(text, {"evening"}) == []
    from sensorsoma.coach.plan import check_text

    assert check_text(plan, {"evening"}) == []
    assert "there are no words called 'evening'" in check_text(plan)[0].message


def test_a_whole_language_lies_over_english() -> None:
    """A translation brings its names and numbers; what it leaves out is told, and is said in English."""
    text = 'language = "de"\n[names]\nleft = "linke"\nright = "rechte"\n[session]\nwelcome = ["Willkommen."]'
    (note,) = check_own_words(text)
    assert note.is_note
    assert "still said in English: [session] shaking" in note.message
    words = load_words("de", own_words_in(text))
    assert (words.language, words.names["left"]) == ("de", "linke")
    assert words.sentences("session", "welcome", {}) == ("Willkommen.",)
    assert words.sentences("session", "resumed", {}) == ("And we go on.",)
    assert words.number(3) == "three"


def test_the_bundled_words_are_a_words_file() -> None:
    """Copied as they are they have no mistake, and the safety text in them is said not to be used."""
    problems = check_own_words(ENGLISH)
    assert [problem.message.split(" is always")[0] for problem in problems] == ["the safety text"]
    assert load_words("en", own_words_in(ENGLISH)) == load_words("en")


def test_the_safety_text_cannot_be_lost() -> None:
    """Whatever stands in a file of one's own, the red flags stay as they are."""
    own = own_words_in('[safety]\nemergency = ["Nothing."]')
    assert load_words("en", own).sections["safety"] == load_words("en").sections["safety"]


def test_a_words_file_is_told_from_a_plan() -> None:
    """`plan check` knows which of the two it was given."""
    assert looks_like_words(MINE)
    assert not looks_like_words(plan_text("short"))
    assert not looks_like_words("")


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """A missing file, other bytes and a mistake end in one sentence that says what to do."""
    with pytest.raises(PlanError, match="check the name"):
        read_own_words(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PlanError, match="save it as UTF-8"):
        read_own_words(tmp_path / "bytes.toml")
    (tmp_path / "two.toml").write_text('[a]\nstart = ["A."]\n[b]\nstart = ["B."]', "utf-8")
    with pytest.raises(PlanError, match=r"line 1, a: .* \(and 1 more"):
        read_own_words(tmp_path / "two.toml")


@given(st.text(max_size=120))
def test_any_text_gives_problems_and_never_an_exception(text: str) -> None:
    """Whatever stands in the file, the check answers in words; what passes can be laid over the words."""
    problems = check_own_words(text)
    if all(problem.is_note for problem in problems):
        assert load_words("en", own_words_in(text)).has("session", "welcome")


VALUES = ("3", "{}", "'a'", "[]", "[3]", "true", "{start = 3}", "{start = [['a']]}", "{start = ['{side:x}']}")


@pytest.mark.parametrize("section", ["session", "clamshell", "safety", "names", "language", "evening"])
def test_any_value_of_a_section_is_answered_in_words(section: str) -> None:
    """A wrong value in any section gives problems, never an exception, and never passes into a practice."""
    for value in VALUES:
        text = f"{section} = {value}"
        if all(problem.is_note for problem in check_own_words(text)):
            load_words("en", own_words_in(text)).sentences("clamshell", "start", {"side": "left"})


def test_words_beside_the_recordings_are_taken_by_themselves(tmp_path: Path) -> None:
    """`words.toml` lies where the recordings do; another file that is named goes before it."""
    assert plan_and_words("short", None, [tmp_path])[1:] == ({}, None)
    (tmp_path / "words.toml").write_text('[close]\nstart = ["Sleep well."]', "utf-8")
    (tmp_path / "other.toml").write_text('[close]\nstart = ["Good night."]', "utf-8")
    assert plan_and_words("short", None, [tmp_path])[1] == {"close": {"start": ["Sleep well."]}}
    named = plan_and_words("short", tmp_path / "other.toml", [tmp_path])
    assert named[1:] == ({"close": {"start": ["Good night."]}}, tmp_path / "other.toml")


def test_what_is_read_on_the_screen_stays_readable_in_a_language_of_ones_own() -> None:
    """A practice that is heard in another language still shows the safety text and the comfort question."""
    from sensorsoma.people.comfort import question
    from sensorsoma.people.safety import safety_text

    assert question("after", "de") == question("after", "en")
    assert safety_text("de") == safety_text("en")


def test_a_recording_keeps_the_words_that_it_was_made_with() -> None:
    """What is said comes from the settings alone, as a recording carries them."""
    settings = SessionSettings(
        sources=(),
        plan=load_plan("short").model_dump(mode="json"),
        words=own_words_in('[session]\nwelcome = ["Good evening."]'),
    )
    pipeline = Pipeline()
    begun = pipeline.feed(SettingsSnapshot(0, SessionSettings.from_json(settings.to_json()).to_json()))
    cues = [*begun, *pipeline.feed(Tick(100_000_000))]
    assert [cue.text for cue in cues if isinstance(cue, Cue)] == ["Good evening."]
