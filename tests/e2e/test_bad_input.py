"""What is wrong with a file, a plan or a wish is said in one sentence, with the exit code of its kind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.link

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) * 20


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def scaled(path: Path, to: Path, columns: slice, factor: float) -> None:
    """The same table with some columns in another unit."""
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    table[:, columns] *= factor
    np.savetxt(to, table, delimiter=",", header=lines_of(path)[0], comments="", fmt="%.6f")


# ------------------------------------------------------------------------------------------------------- sensors


@pytest.mark.parametrize(
    "words",
    [("scan",), ("record", "right-thigh=ble", "--out", "rec"), ("coach", "short", "right-thigh=ble", "--yes")],
    ids=["scan", "record", "coach"],
)
def test_a_computer_without_bluetooth(cli, words):
    """No adapter is exit code 3 and one sentence that says what else is possible; no file is left."""
    done = cli(*words)
    assert done.code == 3
    assert "Bluetooth" in done.the_one_sentence()
    assert not list(cli.home.rglob("*.mcap"))


@pytest.mark.parametrize(
    ("words", "code", "wanted"),
    [
        (("record", "right-tigh=virtual"), 2, "did you mean right-thigh"),
        (("record", "right-thigh=blue"), 2, "did you mean ble"),
        (("record", "right-thigh=ble", "right-thigh=virtual"), 2, "twice"),
        (("record", "right-thigh=virtual", "--exercise", "clam"), 2, "--exercise"),
        (("record", "right-thigh=virtual:no-such-file.csv"), 2, "no-such-file.csv"),
        (("record", "right-thigh=file:no-such-file.csv"), 2, "no-such-file.csv"),
        (("record", "right-thigh=ble", "--speed", "10"), 2, "real time"),
        (("coach", "no-such-plan", "right-thigh=virtual", "--yes"), 2, "no-such-plan"),
        (("coach", "short", "right-thigh=virtual", "--only-side", "up", "--yes"), 2, "--only-side"),
        (("scan", "--door", "virtual:127.0.0.1:1"), 3, "127.0.0.1:1"),
        (("scan", "--door", "window"), 2, "window"),
        (("simulate", "dancing"), 2, "dancing"),
        (("simulate", "clamshell", "--rate", "1"), 2, "rate"),
    ],
)
def test_wishes_that_cannot_be_granted(cli, words, code, wanted):
    """What does not fit is named, at once, and nothing is left behind."""
    done = cli(*words)
    assert done.code == code, done
    assert wanted in done.the_one_sentence()
    assert done.out == ""
    assert not list(cli.home.rglob("*.mcap"))


def test_a_port_that_is_taken(cli):
    """A phone's port that another program uses is said so."""
    import socket

    with socket.create_server(("0.0.0.0", 0)) as taken:
        done = cli("record", "belly=sensor-logger", "--port", str(taken.getsockname()[1]), "--out", "rec")
    assert done.code == 3
    assert "another program" in done.the_one_sentence()


# --------------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize("what", ["empty", "photo", "folder", "missing", "noise", "head"])
@pytest.mark.parametrize("verb", ["analyze", "review", "replay"])
def test_files_that_are_no_recordings(cli, one_recording, what, verb):
    """An empty file, a picture with a wrong name, a folder, nothing at all, noise after a good start: each is named."""
    path = cli.home / f"{what}.mcap"
    if what == "folder":
        path.mkdir()
    elif what != "missing":
        good = one_recording.read_bytes()
        noise = np.random.default_rng(1).bytes(5000)
        path.write_bytes({"empty": b"", "photo": JPEG, "noise": good[:8] + noise, "head": good[:300]}[what])
    before = sorted(cli.home.iterdir())
    done = cli(verb, path)
    assert done.code == 2
    assert path.name in done.the_one_sentence()
    assert done.out == ""
    assert sorted(cli.home.iterdir()) == before


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_a_recording_that_was_cut_off_is_read_as_far_as_it_goes(cli, one_recording, share):
    """What is left of it is analysed, reviewed and replayed, and each says that it is not whole."""
    whole = cli("analyze", one_recording, "--json").json
    half = cli.home / "half.mcap"
    half.write_bytes(one_recording.read_bytes()[: round(one_recording.stat().st_size * share)])
    analysed = cli("analyze", half, "--json")
    assert analysed.code == 0
    assert analysed.json["input"]["is_complete"] is False
    assert any("not finished" in note for note in analysed.json["input"]["notes"])
    assert analysed.json["duration_s"] > (share - 0.2) * whole["duration_s"]
    (segment,), (whole_segment,) = analysed.json["segments"], whole["segments"]
    assert segment["count"] <= whole_segment["count"]
    for left, once in zip(segment["reps"][:-1], whole_segment["reps"], strict=False):
        assert left["range_deg"] == pytest.approx(once["range_deg"], abs=0.2)
    replayed = cli("replay", half, "--check")
    assert replayed.code == 0, replayed.out
    assert "as far as the recording goes" in replayed.out
    assert "not finished" in replayed.err
    if share == 0.5:
        reviewed = cli("review", half, "--json")
        assert reviewed.code == 0
        assert "not finished" in Path(cli.home, reviewed.json["report"]).read_text(encoding="utf-8")


def test_a_recording_with_a_hole_is_read_around_it(cli, one_recording):
    """A damaged stretch costs itself, not the rest, and is mentioned."""
    whole = cli("analyze", one_recording, "--json").json
    data = bytearray(one_recording.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 600] = b"\x00" * 600
    hurt = cli.home / "hurt.mcap"
    hurt.write_bytes(data)
    done = cli("analyze", hurt, "--json")
    assert done.code == 0
    assert done.json["input"]["notes"]
    assert done.json["duration_s"] > 0.9 * whole["duration_s"]
    assert done.json["segments"][0]["count"] >= whole["segments"][0]["count"] - 2


def test_an_empty_table_and_a_table_of_something_else(cli):
    """A table without samples is said to be none."""
    for name, text in {
        "empty.csv": "",
        "cats.csv": "name,age\nMinka,3\n",
        "head.csv": "time_s,acc_x,acc_y,acc_z\n",
    }.items():
        (cli.home / name).write_text(text)
        done = cli("analyze", name, "-e", "clamshell", "--side", "right", "--json")
        assert done.code == 2
        assert name in done.the_one_sentence()
        assert done.out == ""


def test_a_table_that_breaks_in_some_line_names_the_line(cli, clams):
    """The line that does not fit is named as an editor counts it."""
    lines = lines_of(clams / "right-thigh.csv")
    lines[122] = "1.17,2.0,abc,4,5,6,7"
    (cli.home / "broken.csv").write_text("\n".join(lines) + "\n")
    done = cli("analyze", "broken.csv", "-e", "clamshell", "--side", "right")
    assert done.code == 2
    assert "line 123" in done.the_one_sentence()
    assert "abc" in done.the_one_sentence()


@pytest.mark.parametrize(
    ("columns", "factor", "option", "unit"),
    [(slice(1, 4), 1 / 9.80665, "--acc-unit", "g"), (slice(4, 7), 180 / np.pi, "--gyr-unit", "dps")],
    ids=["g", "dps"],
)
def test_a_table_in_the_wrong_unit_is_noticed(cli, clams, columns, factor, option, unit):
    """The sentence names the option, and with it the count is that of the table in the right unit."""
    scaled(clams / "right-thigh.csv", cli.home / "odd.csv", columns, factor)
    asked = ("-e", "clamshell", "--side", "right", "--json")
    done = cli("analyze", "odd.csv", *asked)
    assert done.code == 2
    assert f"{option} {unit}" in done.the_one_sentence()
    right = cli("analyze", "odd.csv", *asked, option, unit)
    assert right.json["segments"][0]["count"] == 5


def test_segments_with_a_mistake_name_the_line(cli, clams):
    """A stretch that does not exist is named with its line, and one that ends before it begins as well."""
    for row in ("jumping\tright\t\t0\t10", "clamshell\tright\t\tsoon\t10"):
        (cli.home / "s.tsv").write_text("exercise\tside\tplacement\tstart_s\tend_s\n" + row + "\n")
        done = cli("analyze", clams / "right-thigh.csv", "--segments", "s.tsv")
        assert done.code == 2
        assert "line 2" in done.the_one_sentence()


# --------------------------------------------------------------------------------------------------------- plans

PLAN = """schema_version = 1
name = "mine"
title = "Mine"

[[steps]]
id = "turn"
title = "Turn over"
do = "roll_over"
side = "right"
event = "turned"

[[steps]]
id = "clams"
title = "Clamshells"
do = "clamshell"
side = "right"
reps = 8
"""


@pytest.mark.parametrize(
    ("wrong", "right", "line", "field"),
    [
        ('do = "clamshel"', 'do = "clamshell"', 15, "do"),
        ("reps = 'many'", "reps = 8", 17, "reps"),
        ("rep = 8", "reps = 8", 17, "rep"),
        ('side = "up"\nreps', 'side = "right"\nreps', 16, "side"),
    ],
)
def test_a_plan_with_a_typo(cli, wrong, right, line, field):
    """`plan check` names line and field, `coach` refuses before anything is switched on."""
    (cli.home / "mine.toml").write_text(PLAN)
    assert cli("plan", "check", "mine.toml").code == 0
    (cli.home / "mine.toml").write_text(PLAN.replace(right, wrong))
    checked = cli("plan", "check", "mine.toml")
    assert checked.code == 2
    assert f"{line}" in checked.out
    assert field in checked.out
    (problem, *_) = cli("plan", "check", "mine.toml", "--json").json
    assert problem["line"] == line
    assert field in json.dumps(problem)
    refused = cli("coach", "mine.toml", "right-thigh=virtual", "--yes")
    assert refused.code == 2
    assert f"line {line}" in refused.the_one_sentence()
    assert field in refused.the_one_sentence()


def test_a_plan_that_is_no_toml(cli, one_recording):
    """A half-written plan, a picture and a missing one are each one sentence."""
    (cli.home / "half.toml").write_text(PLAN[:90])
    (cli.home / "photo.toml").write_bytes(JPEG)
    for name in ("half.toml", "photo.toml", "missing.toml"):
        done = cli("coach", name, "right-thigh=virtual", "--yes")
        assert done.code == 2
        assert name in done.the_one_sentence()
    refused = cli("analyze", one_recording, "--plan", "half.toml")
    assert refused.code == 2
    assert "half.toml" in refused.the_one_sentence()


def test_a_folder_that_cannot_be_written(cli, one_recording):
    """A place for results that is a file is one sentence; what was there stays."""
    (cli.home / "taken").write_text("mine")
    for words in (("review", one_recording, "--out", "taken"), ("simulate", "clamshell", "--out", "taken")):
        done = cli(*words)
        assert done.code in (1, 2)
        assert "taken" in done.the_one_sentence()
    assert (cli.home / "taken").read_text() == "mine"
    assert shutil.disk_usage(cli.home).free > 0
