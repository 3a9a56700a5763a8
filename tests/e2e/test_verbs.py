"""Every command of the program, once, as it is typed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

VERBS = (
    "demo", "scan", "setup", "doctor", "coach", "record", "replay", "analyze", "review", "repair", "plan", "simulate",
    "voice", "people",
)  # fmt: skip
PLAN_VERBS = ("list", "show", "words", "check", "new")


@pytest.mark.link
@pytest.mark.parametrize("verb", [(), *((verb,) for verb in VERBS), *(("plan", verb) for verb in PLAN_VERBS)])
def test_help_comes_at_once_and_shows_an_example(cli, verb):
    """Each `--help` ends well, says what the command does, and the commands show one line to copy."""
    began = time.monotonic()
    done = cli(*verb, "--help")
    assert time.monotonic() - began < 5.0  # generous: the figure proper is in the benchmarks
    assert done.code == 0
    assert done.err == ""
    assert "Usage:" in done.out
    if verb:
        assert "Example: sensorsoma " + " ".join(verb) in done.out


@pytest.mark.link
def test_help_imports_nothing_heavy(cli):
    """Why help is fast: none of the large libraries is loaded for it."""
    code = (
        "import sys\nfrom sensorsoma.cli.app import app\n"
        "try:\n    app(['record', '--help'])\nexcept SystemExit:\n    pass\n"
        "print('HEAVY', sorted({'numpy', 'scipy', 'pandas', 'matplotlib', 'bleak', 'bumble', 'vqf'} "
        "& set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=cli.environment, timeout=60)
    assert done.stdout.rstrip().endswith("HEAVY []")


@pytest.mark.link
def test_without_words_it_says_what_can_be_typed(cli):
    """The bare program shows its commands."""
    done = cli()
    assert all(verb in done.out + done.err for verb in VERBS)


@pytest.mark.link
@pytest.mark.parametrize("words", [("dance",), ("analyze", "--nonsense", "x.csv"), ("record", "--seconds", "soon")])
def test_words_that_do_not_exist_are_refused(cli, words):
    """A mistyped command or option is exit code 2 and is named."""
    done = cli(*words)
    assert done.code == 2
    assert any(word.strip("-") in done.err for word in words)


@pytest.mark.link
def test_plans_are_listed_shown_and_checked(cli):
    """The bundled plans are there, and each can be shown for people and for machines."""
    listed = cli("plan", "list", "--json").json
    names = {entry["name"] for entry in listed}
    assert names >= {"soft-hips", "hips-and-core", "hips-check", "short"}
    assert all(name in cli("plan", "list").out for name in names)
    shown = cli("plan", "show", "short", "--json").json
    assert shown["name"] == "short"
    assert shown["steps"]
    assert "min" in cli("plan", "show", "short").out


@pytest.mark.link
def test_a_new_plan_is_asked_for_written_and_fine(cli):
    """The answers to a few questions give a plan that is right, and nothing is replaced unasked."""
    answers = "Quiet evening\nown\nmiddle\nright\n2\n5\n4\n10\n6\n0\n0\nno\n4-6\nlast_two\n\ny\n"
    made = cli("plan", "new", "mine.toml", answers=answers)
    assert made.code == 0, made.err
    written = tomllib.loads((cli.home / "mine.toml").read_text())
    assert (written["name"], written["title"]) == ("mine", "Quiet evening")
    assert "Expected both, right or left, found 'middle'" in made.out
    assert cli("plan", "check", "mine.toml").code == 0
    assert cli("plan", "check", "mine.toml", "--json").json == []
    assert "Quiet evening" in cli("plan", "show", "mine.toml").out
    again = cli("plan", "new", "mine.toml", answers=answers)
    assert again.code == 2
    assert "--force" in again.the_one_sentence()


@pytest.mark.link
def test_a_new_plan_that_is_not_wanted_is_not_written(cli):
    """Answers that end early leave no file."""
    done = cli("plan", "new", "mine.toml", answers="name\n")
    assert done.code != 0
    assert not (cli.home / "mine.toml").exists()


@pytest.mark.link
@pytest.mark.parametrize(
    ("exercise", "worn", "kind"), [("clamshell", "right-thigh", "reps"), ("pelvic-rock", "pelvis", "cycles")]
)
def test_what_is_simulated_is_counted_right_from_its_own_segments(cli, exercise, worn, kind):
    """`simulate` writes samples, truth and segments; `analyze --segments` on them finds what was really done."""
    made = cli("simulate", exercise, "--out", "sim", "--seed", "4")
    assert made.code == 0, made.err
    truth = json.loads((cli.home / "sim" / "truth.json").read_text())
    (really,) = (each for each in truth["stretches"] if each["exercise"] == exercise.replace("-", "_"))
    done = cli(
        "analyze", f"sim/{worn}.csv", "--segments", "sim/segments.tsv", "--placement", worn, "--json"
    )  # fmt: skip
    assert done.err == ""
    (measured,) = (each for each in done.json["segments"] if each["exercise"] == really["exercise"])
    if kind == "reps":
        assert [rep["partial"] for rep in measured["reps"]] == [rep["partial"] for rep in really["reps"]]
        assert measured["count"] == len(really["reps"])
    else:
        assert measured["count"] == len([cycle for cycle in really["cycles"] if not cycle["partial"]])


@pytest.mark.link
def test_the_same_seed_gives_the_same_files(cli):
    """Everything random follows from the seed, byte for byte."""
    for folder in ("one", "two"):
        assert cli("simulate", "knee_fall", "--out", folder, "--seed", "9").code == 0
    names = sorted(path.name for path in (cli.home / "one").iterdir())
    assert len(names) == 3
    for name in names:
        assert (cli.home / "one" / name).read_bytes() == (cli.home / "two" / name).read_bytes()


@pytest.mark.link
def test_files_are_not_written_over_unasked(cli):
    """A folder with something in it is left alone without --force."""
    (cli.home / "full").mkdir()
    (cli.home / "full" / "diary.txt").write_text("mine")
    done = cli("simulate", "clamshell", "--out", "full")
    assert done.code == 2
    assert "--force" in done.the_one_sentence()
    assert [path.name for path in (cli.home / "full").iterdir()] == ["diary.txt"]


@pytest.mark.link
def test_doctor_says_what_is_missing_for_people_and_machines(cli):
    """Each finding has a state and says what to do; without Bluetooth it says so."""
    told = cli("doctor", "--json")
    assert isinstance(told.json, list)
    assert any("luetooth" in json.dumps(finding) for finding in told.json)
    plain = cli("doctor")
    assert plain.code == told.code
    assert "sensorsoma demo" in plain.out


@pytest.mark.link
def test_a_table_is_analysed_and_reviewed_for_people(cli, clams):
    """Without --json `analyze` speaks in sentences, and `review` writes a page that needs nothing else."""
    said = cli("analyze", clams / "right-thigh.csv", "--exercise", "clamshell", "--side", "right")
    assert said.code == 0
    assert "5" in said.out
    done = cli(
        "review", clams / "right-thigh.csv", "--exercise", "clamshell", "--side", "right", "--out", "page", "--json"
    )
    page = Path(done.json["report"])
    page = page if page.is_absolute() else cli.home / page
    assert page.is_file()
    text = page.read_text(encoding="utf-8")
    assert 'src="http' not in text
    assert "<script src" not in text
    assert done.json["pictures"]
    assert all((cli.home / picture).stat().st_size > 5000 for picture in done.json["pictures"])
