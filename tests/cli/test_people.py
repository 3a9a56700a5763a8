"""`people`, and what the other commands do with a person."""

from __future__ import annotations

import io
import json
import socket
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from sensorsoma.cli.app import app
from sensorsoma.cli.asked import check_adapter
from sensorsoma.cli.beginning import show_safety_text
from sensorsoma.cli.coach import fit_plan
from sensorsoma.cli.whose import remember, side_tonight, the_book, whose
from sensorsoma.coach.plan import load_plan
from sensorsoma.config import Config
from sensorsoma.errors import BluetoothUnavailableError, RecordingError, SensorSomaError, UsageError
from sensorsoma.people.profile import Profile, Range, SessionNote, profile_path, write_profile
from sensorsoma.people.safety import safety_text
from sensorsoma.sources.spec import parse_sources


def evening(day: int, plan: str = "short", side: str = "right", deg: float = 50.0, **said: int) -> SessionNote:
    """A remembered session on a day of March."""
    comfort = {"before": said.get("before"), "after": said.get("after")}
    started = f"2026-03-{day:02d}T21:00:00+00:00"
    return SessionNote(day, f"{day}.mcap", started, plan, True, comfort, (side,), {f"clamshell {side}": Range(deg, 8)})  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer on which nobody has practised."""
    monkeypatch.setenv("SENSORSOMA_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def known(name: str | None, *sessions: SessionNote, is_simulated: bool = False) -> None:
    """Somebody who has practised here."""
    path = profile_path(the_book().folder, name, is_simulated)
    write_profile(path, Profile(name, is_simulated, sessions=sessions))


def typed(*words: str, answers: str = "") -> Result:
    """A command as it is typed."""
    return CliRunner().invoke(app, ["people", *words], input=answers)


def test_everybody_is_listed_with_sessions_and_the_last_one() -> None:
    """For people and for machines; simulated ones say so, and so does an empty list."""
    assert "Nobody has practised here yet" in typed().output
    known("Anna", evening(1), evening(2))
    known(None, evening(3), is_simulated=True)
    lines = typed().output.splitlines()
    assert any(line.split() == ["Anna", "2", "sessions,", "last", "on", "2026-03-02"] for line in lines)
    assert any(line.startswith("(no name) (simulated)") and "1 session," in line for line in lines)
    data = json.loads(typed("--json").stdout)
    assert {(one["name"], one["is_simulated"], one["n_sessions"]) for one in data} == {
        ("Anna", False, 2), (None, True, 1),
    }  # fmt: skip


def test_a_person_is_shown_with_usual_ranges_and_comfort() -> None:
    """What is usual is a span of degrees, comfort stands as it was said, and nothing is a score."""
    known("Anna", evening(1, deg=48, before=4, after=6), evening(2, deg=55), evening(3, deg=50, after=7))
    shown = typed("show", "anna").output
    assert "usual, clamshell right: 48-55°" in shown
    assert "comfort 4 before, 6 after" in shown
    assert "comfort 7 after" in shown
    data = json.loads(typed("show", "Anna", "--json").stdout)
    assert data[0]["usual"]["clamshell right"] == {"deg": 50, "low_deg": 48, "high_deg": 55, "n_sessions": 3}
    assert data[0]["sessions"][1]["comfort"] == {"before": None, "after": None}


def test_a_name_that_nobody_has_is_one_sentence() -> None:
    """With the name that was meant, where one is near."""
    known("Anna", evening(1))
    done = typed("show", "Annna")
    assert done.exit_code != 0
    assert "did you mean Anna?" in str(done.exception)


def test_forgetting_asks_first_and_names_what_stays() -> None:
    """The files and the recordings' folder are shown; only a yes removes anything."""
    known("Anna", evening(1))
    refused = typed("forget", "Anna", answers="n\n")
    assert "anna.json" in refused.output
    assert "Recordings stay" in refused.output
    assert the_book().is_known("Anna")
    assert typed("forget", "Anna", answers="y\n").exit_code == 0
    assert not the_book().is_known("Anna")


def test_rebuilding_asks_before_it_forgets(home: Path) -> None:
    """Sessions without a recording are only dropped when that is wanted; a missing folder is one sentence."""
    known("Anna", evening(1))
    assert "Expected a folder with recordings" in str(typed("rebuild").exception)
    (home / "recordings").mkdir()
    assert typed("rebuild", answers="n\n").exit_code == 1
    assert len(the_book().profile("Anna").sessions) == 1
    assert typed("rebuild", "--yes").exit_code == 0
    assert the_book().profile("Anna").sessions == ()


def test_a_session_begins_with_what_is_usual_for_the_person() -> None:
    """Usual ranges, their span and how often the plan was finished; a simulated one knows nothing of real ones."""
    known("Anna", *(evening(day, deg=deg) for day, deg in ((1, 48.0), (2, 55.0), (3, 50.0))))
    real = whose("anna", Config(), parse_sources(["right-thigh=ble"]), may_ask=False)
    assert real.remembered("short") == {
        "person": "Anna",
        "usual_deg": {"clamshell right": 50.0},
        "usual_span_deg": {"clamshell right": (48.0, 55.0)},
        "n_before": 3,
    }
    simulated = whose("anna", Config(), parse_sources(["right-thigh=virtual"]), may_ask=False)
    assert simulated.remembered("short")["n_before"] == 0
    assert simulated.remembered("short")["usual_deg"] == {}
    assert real.folder(Config()) == Path("recordings") / "anna"
    assert whose(None, Config(), (), may_ask=False).folder(Config()) == Path("recordings")


def test_a_new_name_is_told_calmly(capsys: pytest.CaptureFixture[str]) -> None:
    """Once known it is not told again; the configured person counts like a typed one."""
    known("Anna", evening(1))
    assert whose("Ana", Config(), (), may_ask=False).name == "Ana"
    assert capsys.readouterr().err == "New here: Ana (known here: Anna).\n"
    whose(None, Config(person="Anna"), (), may_ask=False)
    assert capsys.readouterr().err == ""


def test_a_profile_that_cannot_be_read_stops_no_session(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """It is told, the session goes on, and the safety text is shown like to a new person."""
    known("Anna", evening(1))
    profile_path(the_book().folder, "Anna", False).write_text("{")
    assert whose("Anna", Config(), (), may_ask=False).remembered("short")["n_before"] == 0
    assert "people rebuild" in capsys.readouterr().err
    show_safety_text("en", "Anna", may_ask=False)
    assert "emergency care" in capsys.readouterr().err
    (tmp_path / "no.mcap").write_text("no recording")
    remember(tmp_path / "no.mcap")
    assert "not yet remembered" in capsys.readouterr().err


def test_the_safety_text_is_read_once_by_each_person_and_again_when_it_changed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line for whoever has read this text; the whole for anybody else, and for everybody once it is another."""
    the_book().note_read("Anna", safety_text("en"), "2026-03-01")
    show_safety_text("en", "Anna", may_ask=False)
    assert capsys.readouterr().err == "Do less when anything hurts; you can stop at any moment.\n"
    show_safety_text("en", "Ben", may_ask=False)
    assert "emergency care" in capsys.readouterr().err
    path = profile_path(the_book().folder, "Anna", False)
    path.write_text(path.read_text().replace(safety_text("en").version, "an older one"))
    show_safety_text("en", "Anna", may_ask=False)
    said = capsys.readouterr().err
    assert "has changed since you read it on 2026-03-01" in said
    assert "emergency care" in said


@pytest.mark.parametrize(
    ("last", "worn", "side", "wears"),
    [
        ("right", "right-thigh=virtual", "left", "left-thigh"),
        ("left", "right-thigh=virtual", "right", "right-thigh"),
        (None, "left-thigh=virtual", "left", "left-thigh"),
        ("left", "pelvis=virtual", "right", "pelvis"),
    ],
)
def test_the_side_that_was_not_practised_last_time_is_next(last, worn, side, wears, capsys) -> None:
    """It is said which and why, the plan holds that side only, and the one sensor is worn there."""
    plan = load_plan("hips-and-core")
    if last is not None:
        known("Anna", evening(1, plan.name, last), is_simulated=True)
    specs = parse_sources([worn])
    who = whose("Anna", Config(), specs, may_ask=False)
    capsys.readouterr()
    chosen, specs = side_tonight("next", plan, specs, who)
    said = capsys.readouterr().err
    assert (chosen, specs[0].placement) == (side, wears)
    assert said.startswith(f"Tonight the {side} side: ")
    assert (f"Wear the sensor on the {side} thigh" in said) == (worn.partition("=")[0] != wears)
    assert {step.side for step in fit_plan(plan, specs, chosen).steps} == {None, side}


def test_a_plan_for_either_hip_is_mirrored_and_one_for_one_hip_stays(capsys: pytest.CaptureFixture[str]) -> None:
    """The short plan goes to the left in its turn; a plan that has only a right hip is practised as it is."""
    plan, specs = load_plan("short"), parse_sources(["right-thigh=virtual"])
    known("Anna", evening(1, plan.name, "right"), is_simulated=True)
    who = whose("Anna", Config(), specs, may_ask=False)
    chosen, specs = side_tonight("next", plan, specs, who)
    assert (chosen, specs[0].placement) == ("left", "left-thigh")
    assert {step.side for step in fit_plan(plan, specs, chosen).steps} == {None, "left"}
    right_only = plan.model_copy(update={"either_side": False})
    assert side_tonight("next", right_only, specs, who) == (None, specs)
    assert "no two sides" in capsys.readouterr().err
    with pytest.raises(UsageError, match="next"):
        side_tonight("nxt", plan, specs, who)


def test_one_thigh_sensor_is_told_of_one_side_a_night(capsys: pytest.CaptureFixture[str]) -> None:
    """In one line, only where the plan has two sides and nobody chose one."""
    plan, specs = load_plan("hips-and-core"), parse_sources(["right-thigh=virtual"])
    who = whose(None, Config(), specs, may_ask=False)
    assert side_tonight(None, plan, specs, who) == (None, specs)
    assert capsys.readouterr().err.count("--only-side next") == 1
    side_tonight(None, load_plan("short"), specs, who)
    side_tonight("left", plan, specs, who)
    side_tonight(None, plan, parse_sources(["right-thigh=virtual", "left-thigh=virtual"]), who)
    assert capsys.readouterr().err == ""


class Answers(io.StringIO):
    """Somebody at a terminal, who answers line by line."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("answers", ["n\nn\n", "\n\n", ""])
def test_what_is_not_understood_starts_nothing(
    answers: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A no, or Enter before reading, is asked once more and then ends calmly; so does leaving the question."""
    monkeypatch.setattr("sys.stdin", Answers(answers))
    with pytest.raises(typer.Exit) as ended:
        show_safety_text("en", "Ben")
    assert ended.value.exit_code == 0
    assert "Nothing was started" in capsys.readouterr().err
    assert not the_book().is_known("Ben")


def test_another_answer_is_asked_again_until_it_is_yes_or_no(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In our own words, and a second thought counts."""
    monkeypatch.setattr("sys.stdin", Answers("perhaps\nn\nYes\n"))
    show_safety_text("en", "Ben")
    told = capsys.readouterr()
    assert told.out.count("y or n, please") == 1
    assert "Error" not in told.out + told.err
    assert the_book().is_known("Ben")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["right-thigh=virtual:nokia"], "nokia"),
        (["right-thigh=file:nix.csv"], "nix.csv"),
        (["right-thigh=virtual", "--voice", "nix"], "nix"),
        (["right-thigh=virtual", "--page", "--page-port", "TAKEN"], "used by another program"),
    ],
)
def test_what_cannot_be_is_told_before_the_safety_text(words: list[str], said: str) -> None:
    """A slip of the pen costs nobody the reading, and is remembered of nobody."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = [str(taken.getsockname()[1]) if word == "TAKEN" else word for word in words]
        run = CliRunner().invoke(app, ["coach", "short", *words])
    assert isinstance(run.exception, SensorSomaError)
    assert said in str(run.exception)
    assert "emergency" not in run.output


@pytest.mark.parametrize("name", ["", "  ", "../x", "a\\b", "-", "42"])
def test_what_is_no_name_is_refused(name: str) -> None:
    """Nobody is called nothing, or like a path."""
    with pytest.raises(UsageError, match="Expected a name with letters"):
        whose(name, Config(), (), may_ask=False)
    assert whose("Zoë O'Hara 2", Config(), (), may_ask=False).name == "Zoë O'Hara 2"


def test_whoever_only_read_the_safety_text_without_a_name_is_not_listed() -> None:
    """One calm line instead of nobody with no sessions; simulated sessions alone are listed alone."""
    the_book().note_read(None, safety_text("en"), "2026-03-01")
    (line,) = typed().output.splitlines()
    assert "Nobody has practised here yet" in line
    known(None, evening(3), is_simulated=True)
    (line,) = typed().output.splitlines()
    assert line.startswith("(no name) (simulated)")


def test_without_an_adapter_nobody_is_told_to_wait(tmp_path: Path) -> None:
    """On Linux it is said once and at once; where one is plugged in nothing is said."""
    with pytest.raises(BluetoothUnavailableError, match="no Bluetooth adapter"):
        check_adapter(tmp_path / "none", "linux")
    (tmp_path / "hci0").mkdir()
    check_adapter(tmp_path, "linux")
    check_adapter(tmp_path / "none", "darwin")
    run = CliRunner().invoke(app, ["scan", "--door", "window"])
    assert "adapter" not in str(run.exception)


def test_a_folder_that_cannot_be_written_is_told_before_sensors_are_looked_for(tmp_path: Path) -> None:
    """One true sentence, nothing made and nothing asked."""
    (tmp_path / "file").write_text("")
    run = CliRunner().invoke(app, ["coach", "short", "right-thigh=ble", "--yes", "-o", str(tmp_path / "file" / "in")])
    assert isinstance(run.exception, RecordingError)
    assert "--out" in str(run.exception)
    assert "kept" not in str(run.exception)
    assert "emergency" not in run.output
