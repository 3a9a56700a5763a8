"""`plan` as it is typed: what is printed, what is written, and how it ends."""

from __future__ import annotations

import random
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sensorsoma.cli.app import app
from sensorsoma.coach.plan import BUNDLED, check_text, load_plan, plan_text
from sensorsoma.errors import UsageError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with its own recordings."""
    monkeypatch.setenv("SENSORSOMA_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plan(*words: str, answers: str = "") -> Result:
    """What `sensorsoma plan WORDS` does."""
    return CliRunner().invoke(app, ["plan", *words], input=answers)


def test_a_plan_is_made_without_a_question_and_shown_with_its_sensors(home: Path) -> None:
    """Options answer, `--defaults` takes the rest, and the plan beside the recordings is found by its name."""
    made = plan("new", "left-hip", "--from", "hips-and-core", "--sides", "left", "--minutes", "15", "--defaults")
    assert made.exit_code == 0, made.output
    written = load_plan(home / "recordings/left-hip.toml")
    assert (written.name, {step.side for step in written.steps}) == ("left-hip", {"left", None})
    shown = plan("show", "left-hip", "left-thigh").output
    assert "About 15 minutes" in shown
    assert "steps are measured" in shown
    assert plan("check", "left-hip").output.endswith("fine.\n")


def test_a_plan_with_blanks_in_its_name_can_be_opened_as_it_says(home: Path) -> None:
    """A bare name becomes one that needs no quotes; a path is kept, and quoted where it has to be."""
    for name, typed in (("My Evening", "my-evening"), ("papers/My Evening.toml", "papers/My Evening.toml")):
        made = plan("new", name, "--defaults").output
        hint = shlex.split(made.splitlines()[-1].partition("sensorsoma ")[2])
        assert hint == ["plan", "show", typed]
        assert plan(*hint[1:]).exit_code == 0
    assert (home / "recordings/my-evening.toml").is_file()


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(home: Path) -> None:
    """A slip in the name of a plan, one's own among them, is met by the name; else all names are told."""
    plan("new", "left-hip", "--defaults")
    for name, answer in (("left-hop", "did you mean left-hip?"), ("hips-and-cor", "did you mean hips-and-core?")):
        for verb in ("show", "check"):
            assert answer in str(plan(verb, name).exception)
    assert "there are soft-hips, hips-and-core, hips-check, short, left-hip" in str(plan("check", "zzz").exception)


def test_what_is_no_plan_at_all_is_one_line(home: Path) -> None:
    """A letter or a web page is not taken for a plan with forty mistakes."""
    (home / "letter.md").write_text("# Dear\n\nyou asked for it\nso here it is\n- one\n- two\n", "utf-8")
    checked = plan("check", "letter.md")
    assert checked.exit_code == 2
    assert len(checked.output.splitlines()) == 1
    assert checked.output.startswith("letter.md: this is no plan: expected")


def test_a_wrong_answer_is_asked_again_at_once(home: Path) -> None:
    """Each slip is answered by one sentence, and the plan is made all the same."""
    made = plan("new", "mine.toml", answers="Mine\nyoga\nshort\nmiddle\nleft\n4\n4-6\nsome\nnever\n1\n9\ny\n")
    assert made.exit_code == 0, made.output
    assert made.output.count("Expected ") == 5
    assert "it cannot be shorter than about" in made.output
    assert load_plan(home / "mine.toml").defaults.counts == "never"


@pytest.mark.parametrize("words", [("--sides", "middle"), ("--minutes", "1"), ("--from", "yoga"), ("--counts", "loud")])
def test_an_option_that_cannot_be_used_writes_nothing(home: Path, words: tuple[str, str]) -> None:
    """A wrong option ends before anything is written."""
    assert plan("new", "mine.toml", "--defaults", *words).exit_code != 0
    assert not (home / "mine.toml").exists()


def test_notes_are_no_mistakes(home: Path) -> None:
    """A plan that can be practised ends well and tells what was perhaps meant otherwise; a mistake ends with 2."""
    text = plan_text("short")
    (home / "a.toml").write_text(text.replace('pose = "knee_up"\n', ""), "utf-8")
    noted = plan("check", "a.toml")
    assert noted.exit_code == 0
    assert "note: " in noted.output
    assert "can be practised like this" in noted.output
    (home / "b.toml").write_text(text.replace("reps = 5", "reps = 500"), "utf-8")
    wrong = plan("check", "b.toml")
    assert wrong.exit_code == 2
    assert "steps[10].reps: expected a whole number from 1 to 100, found 500" in wrong.output


def test_words_are_checked_alone_and_with_a_plan(home: Path) -> None:
    """A words file is told from a plan; with a plan each line says which of the two it is about."""
    (home / "words.toml").write_text('[close]\nstart = ["Sleep well."]\n[clamshel]\nstart = ["Open."]', "utf-8")
    alone, both = plan("check", "words.toml"), plan("check", "short", "--words", "words.toml")
    assert (alone.exit_code, both.exit_code) == (2, 2)
    assert alone.output.startswith("line 3, clamshel: ")
    assert both.output.splitlines()[0] == "short: fine."
    assert both.output.splitlines()[1].startswith("words.toml, line 3, clamshel: ")


def test_the_sentences_of_a_plan_are_read_in_order(home: Path) -> None:
    """`plan words` prints what is said, one's own sentences among it, and with --all what may be said."""
    (home / "mine.toml").write_text('[close]\nstart = ["Sleep well."]', "utf-8")
    said = plan("words", "short", "--words", "mine.toml").output
    assert said.index("Welcome.") < said.index("2. Right knee falls out") < said.index("Sleep well.")
    assert "(again)" not in said
    assert "lay the phone" not in said
    assert "lay the phone" in plan("words", "short", "right-thigh", "belly").output
    assert "(again)" in plan("words", "short", "--all").output


def test_where_nothing_can_sit_is_refused() -> None:
    """A mistyped place is answered with those that there are."""
    assert plan("show", "short", "left-tigh").exit_code != 0


SLIPS = (
    lambda line: line.replace('"', "", 1),
    lambda line: line.replace(" = ", ": "),
    lambda line: line.replace('"', "“", 1).replace('"', "”", 1),
    lambda line: line.replace("=", " "),
    lambda line: line.replace("[[", "[").replace("]]", "]"),
    lambda line: line[1:],
)


def test_a_single_slip_is_pointed_at_whatever_it_is() -> None:
    """In any line of any bundled plan one slip of the pen is named at its line, and nothing else is."""
    for seed in range(150):
        dice = random.Random(seed)
        lines = plan_text(dice.choice(BUNDLED)).splitlines()
        number = dice.randrange(3, len(lines))
        slipped = dice.choice(SLIPS)(lines[number])
        if slipped == lines[number] or not lines[number].strip():
            continue
        lines[number] = slipped
        found = [problem for problem in check_text("\n".join(lines)) if not problem.is_note]
        assert [problem.line for problem in found] == [number + 1], (seed, found)


def test_leaving_a_question_is_quiet(home: Path) -> None:
    """Ctrl-C or Ctrl-D at a question ends as everywhere: "Stopped.", code 130, and nothing is written."""
    left = plan("new", "mine")
    assert left.exit_code == 130
    assert left.stderr.endswith("Stopped.\n")
    assert "Aborted" not in left.output
    assert not list(home.rglob("*.toml"))


def test_a_plan_does_not_take_the_name_of_the_words(home: Path) -> None:
    """`words.toml` beside the recordings is read as words in every practice: a plan there would end them all."""
    for name in ("words", "recordings/words.toml"):
        refused = plan("new", name, "--defaults")
        assert isinstance(refused.exception, UsageError)
        assert "words of your own" in str(refused.exception)
    assert not list(home.rglob("*.toml"))
