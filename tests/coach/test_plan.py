"""Plans: the bundled practices, round trips, and mistakes with line and field."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorsoma.coach.plan import (
    BUNDLED,
    Plan,
    check_plan,
    check_text,
    list_plans,
    load_plan,
    plan_from_json,
    plan_text,
)
from sensorsoma.errors import PlanError

HEAD = 'name = "mine"\ntitle = "Mine"\n'


def _step(*lines: str, do: str = "rest") -> str:
    return "\n".join(["[[steps]]", 'id = "a"', 'title = "A"', f'do = "{do}"', *lines]) + "\n"


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_plan_survives_json(name: str) -> None:
    """A plan comes back equal from the JSON that a recording carries."""
    plan = load_plan(name)
    assert plan_from_json(json.loads(json.dumps(plan.model_dump(mode="json")))) == plan
    assert plan.name == name


def test_the_practices_are_complete() -> None:
    """Both practices hold every movement of the practice sheet, with the default doses."""
    a = [step.do for step in load_plan("soft-hips").steps]
    side = ["knee_fall", "rest", "leg_slide", "stillness"]
    assert a == ["knee_in", "breathing", "leg_slide", *side, *side, "rest"]
    b = {step.id: step for step in load_plan("hips-and-core").steps}
    dose = {id_: (s.reps or s.breaths or s.seconds) for id_, s in b.items()}
    assert (dose["right-rest"], dose["rocking-pelvis"], dose["flatten-hold"]) == (6, 6, 15)
    assert (dose["right-clamshells"], dose["left-clamshells"], dose["right-leg-back"]) == (8, 8, 6)
    assert (dose["rocking"], dose["settle"]) == (75, 60)
    assert b["settle"].pose == "straight"
    assert {b["right-fall"].pose, b["left-fall"].pose} == {"knee_up"}


def test_hips_check_repeats_enough_for_a_comparison() -> None:
    """Three falls and five clamshells a side."""
    steps = load_plan("hips-check").steps
    for side in ("left", "right"):
        assert sum(s.do == "knee_fall" and s.side == side for s in steps) == 3
        assert [s.reps for s in steps if s.do == "clamshell" and s.side == side] == [5]


def test_a_continuing_step_has_the_side_of_its_stretch() -> None:
    """The side of a continuing step need not be written."""
    sides = {step.id: step.side for step in load_plan("soft-hips").steps}
    assert (sides["right-slide"], sides["left-settle"]) == ("right", "left")


@pytest.mark.parametrize(
    ("text", "line", "field", "words"),
    [
        ("name = \n", 1, "", "expected TOML"),
        (HEAD, 1, "steps", "at least one [[steps]]"),
        (HEAD + _step("repz = 8", "seconds = 3"), 7, "steps[1].repz", "did you mean 'reps'?"),
        (HEAD + _step("reps = 8", do="clamshel"), 6, "steps[1].do", 'did you mean "clamshell"?'),
        (HEAD + _step("reps = 8", do="clamshell"), 3, "steps[1].side", "done with one hip"),
        (HEAD + _step("reps = 8"), 7, "steps[1].reps", "has no repetitions"),
        (HEAD + _step(), 6, "steps[1].do", "exactly one of"),
        (HEAD + _step("seconds = 8", "open = true"), 8, "steps[1].open", "seconds and open"),
        (HEAD + _step("seconds = -1"), 7, "steps[1].seconds", "a number above 0, at most 3600"),
        (HEAD + _step('breaths = "many"'), 7, "steps[1].breaths", "a whole number"),
        (HEAD + _step("continues = true", "breaths = 3"), 7, "steps[1].continues", "nothing to continue"),
        (HEAD + _step('side = "left"', "reps = 8", do="clamshell"), 7, "steps[1].side", "roll_over"),
        (HEAD + _step("seconds = 8") + _step("seconds = 8"), 9, "steps[2].id", "already used by step 1 in line 3"),
        (HEAD + _step("seconds = 8", 'event = "turned"', do="roll_over"), 8, "steps[1].event", "seconds and event"),
        (HEAD + _step('event = "arrived"', do="roll_over"), 7, "steps[1].event", 'it is "turned"'),
        (HEAD + _step("seconds = 8", 'pose = "knee_up"'), 8, "steps[1].pose", "only a knee_fall"),
        (
            HEAD + _step("seconds = 8", 'words = "lullaby"'),
            8,
            "steps[1].words",
            "breathing, leg_slide, ",
        ),
        (HEAD + _step("seconds = 8", 'words = "let_goo"'), 8, "steps[1].words", "did you mean 'let_go'?"),
        (HEAD + _step("seconds = 8") + "[steps.band]\nrep_s = [5, 3]\n", 9, "steps[1].band.rep_s", "smaller, larger"),
        (HEAD + "schema_version = 2\n" + _step("seconds = 8"), 3, "schema_version", "= 1"),
        ("[defaults]\nbreath_ins = 4\n", 2, "defaults.breath_ins", "did you mean 'breath_in_s'?"),
    ],
)
def test_a_mistake_is_pointed_at(text: str, line: int, field: str, words: str) -> None:
    """Every mistake names its line and its field and says what was expected."""
    found = [p for p in check_text(text) if p.field == field]
    assert found, check_text(text)
    assert found[0].line == line
    assert words in found[0].message


def test_a_broken_plan_is_one_sentence(tmp_path: Path) -> None:
    """Loading a plan with several mistakes names the first and counts the rest."""
    path = tmp_path / "p.toml"
    path.write_text(HEAD + _step("repz = 8") + "unknown_thing = 1\n", "utf-8")
    assert len(check_plan(path)) == 2
    with pytest.raises(PlanError, match=r"line \d+.*1 more") as caught:
        load_plan(path)
    assert "\n" not in str(caught.value)


def test_an_unknown_name_is_one_sentence() -> None:
    """A plan that does not exist is answered with the names that do."""
    with pytest.raises(PlanError, match="soft-hips, hips-and-core"):
        load_plan("no-such-plan")


def test_a_movement_that_is_not_known_is_answered_with_those_that_can_be_practised() -> None:
    """`unknown` is what a recording says of a stretch, nothing that a plan can ask for, so it is not offered."""
    (found,) = [p for p in check_text(HEAD + _step("reps = 8", do="knee_fal")) if p.field == "steps[1].do"]
    assert "knee_fall" in found.message
    assert found.message.endswith('did you mean "knee_fall"?')
    assert "unknown" not in found.message


def test_a_plan_in_the_current_folder_is_named_with_its_ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is looked for beside the recordings; a file of that name that lies here is pointed at."""
    monkeypatch.chdir(tmp_path)
    Path("my-evening.toml").write_text(HEAD + _step("seconds = 8"), "utf-8")
    with pytest.raises(PlanError, match=r"my-evening\.toml lies here: name it with its ending"):
        check_plan("my-evening")
    assert check_plan("my-evening.toml") == []


def test_own_plans_are_listed_after_the_bundled(tmp_path: Path) -> None:
    """A readable plan in a folder is listed; an unreadable one is left out."""
    (tmp_path / "mine.toml").write_text(HEAD + _step("seconds = 8"), "utf-8")
    (tmp_path / "bad.toml").write_text("nope", "utf-8")
    entries = list_plans([tmp_path])
    assert [entry.name for entry in entries] == [*BUNDLED, "mine"]
    assert not entries[-1].is_bundled


@given(st.text(max_size=200))
def test_any_text_gives_problems_and_never_an_exception(text: str) -> None:
    """Whatever stands in the file, the check answers with lines from 1 on."""
    assert all(problem.line >= 1 for problem in check_text(text))


@given(st.sampled_from(["do", "side", "reps", "band", "continues", "pose", "id"]), st.integers() | st.text(max_size=5))
def test_any_value_gives_problems_and_never_an_exception(field: str, value: int | str) -> None:
    """A wrong value in any field is answered in words."""
    data = load_plan("short").model_dump(mode="json")
    data["steps"][9][field] = value
    try:
        answer: Plan | PlanError = plan_from_json(data)
    except PlanError as error:
        answer = error
    assert isinstance(answer, Plan) or "does not fit" in str(answer)


MISTYPED = """name = “mine”
title = Mine
[defaults]
breath_in_s = 4,5
counts = "evry"
[steps]
id = "settle"
title = "Settle
do: "stillness"
seconds = 30 s
[[steps]]
id = "right clam"
title = "Clams"
do = "clamshell"
side = "right"
reps = 500
[[steps]]
id = "x"
title = "X"
do = "knee_fall"
repz = 8
open = True
"""


def test_every_mistake_is_found_in_one_go() -> None:
    """Slips of writing, fields, steps and their order are told together, each at its line."""
    found = {(problem.line, problem.message.split(",")[0]) for problem in check_text(MISTYPED)}
    expected = {
        (1, 'quotes have to be straight ones (")'),
        (2, 'text stands in quotes: expected title = "Mine"'),
        (4, "a number has a point"),
        (5, "expected one of every"),
        (6, "a step begins with [[steps]]"),
        (8, 'text stands in quotes: expected title = "Settle"'),
        (9, 'an = stands between a field and its value: expected do = "stillness"'),
        (10, "a number stands alone: expected seconds = 30"),
        (12, "expected small letters"),
        (15, "the right leg has to be on top"),
        (16, "expected a whole number from 1 to 100"),
        (17, '\'knee_fall\' is done with one hip: add side = "right" or side = "left"'),
        (21, "there is no field 'repz' here; did you mean 'reps'?"),
        (22, "expected open = true"),
        (22, "a step ends by exactly one of reps"),
    }
    assert found == expected


def test_a_mistake_of_order_names_the_step_that_is_the_reason() -> None:
    """A clamshell with the wrong leg on top points at the roll that led there, and a missing roll is missed once."""
    roll = _step('side = "right"', 'event = "turned"', do="roll_over").replace('"a"', '"onto-left"')
    clams = _step('side = "left"', "reps = 8", do="clamshell")
    more = clams.replace('"a"', '"b"')
    (found,) = check_text(HEAD + roll + clams + more)
    assert (found.line, found.field) == (13, "steps[2].side")
    assert "(step 1, 'onto-left' in line 3, puts the right leg on top)" in found.message


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        (_step('side = "left"', 'event = "arrived"', do="knee_fall"), "steps[1].do", 'pose = "knee_up"'),
        (_step('side = "left"', 'event = "arrived"', do="knee_fall"), "steps[1].do", "straight legs"),
        (_step("seconds = 3000"), "name", "about 50 minutes"),
        (_step("seconds = 8", 'counts = "every"'), "steps[1].counts", "nothing is counted aloud"),
        (_step("seconds = 8", do="rocking"), "steps[1].do", "roll_over"),
        (_step("seconds = 8", "guided_s = 4"), "steps[1].guided_s", "changes nothing"),
        (_step("seconds = 8", "supported = true"), "steps[1].supported", "rest that continues"),
        (_step("seconds = 8", "band = { rep_s = [3, 9] }"), "steps[1].band", "step with reps"),
    ],
)
def test_what_was_perhaps_meant_otherwise_is_a_note(text: str, field: str, words: str) -> None:
    """A plan that can be practised has no mistakes, only notes, and loads."""
    notes = check_text(HEAD + text)
    assert all(note.is_note for note in notes)
    assert [note for note in notes if note.field == field and words in note.message]


@pytest.mark.parametrize("name", BUNDLED)
def test_the_bundled_plans_leave_nothing_to_note(name: str) -> None:
    """What comes with the package is written as it is recommended."""
    assert check_text(plan_text(name)) == []


def test_what_follows_from_a_mistyped_side_is_not_told_again() -> None:
    """Steps that continue a fall take its side as it was meant."""
    fall = _step('sied = "left"', 'pose = "knee_up"', 'event = "arrived"', do="knee_fall").replace('"a"', '"fall"')
    rest = _step("continues = true", "breaths = 6")
    (found,) = check_text(HEAD + fall + rest)
    assert found.field == "steps[1].sied"
