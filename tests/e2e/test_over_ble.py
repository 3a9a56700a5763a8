"""Files and persons over the virtual Bluetooth link in real processes: nothing is lost or added on the way."""

from __future__ import annotations

import json

import pytest

from sensorsoma.analysis import differences_from_live
from sensorsoma.messages import StreamInterrupted, StreamResumed
from sensorsoma.recording.reader import open_recording

pytestmark = pytest.mark.link

CLAMS = ("--exercise", "clamshell", "--side", "right")


def over_the_link_and_directly(cli, path, speed):
    """Analyses of a file that was streamed, recorded and counted live, and of the file itself."""
    live = cli("record", f"right-thigh=virtual:{path}", *CLAMS, "--speed", str(speed), "--json", "--out", "rec")
    assert live.code == 0, live.err
    assert "simulated" in live.err
    return live.json, cli("analyze", path, *CLAMS, "--json").json


def assert_same(live, direct):
    (ours,), (theirs,) = live["segments"], direct["segments"]
    assert ours["count"] == theirs["count"]
    assert live["link"] == "simulated"
    assert live["input"]["bad_packets"] == 0
    assert live["input"]["sources"][0]["n_samples"] == direct["input"]["sources"][0]["n_samples"]
    assert not live["input"]["sources"][0]["gaps"]


def test_a_simulated_table_over_the_link_is_what_it_is_directly(cli, clams):
    """Same count, ranges within half a degree; the recording is marked simulated and replays identically."""
    live, direct = over_the_link_and_directly(cli, clams / "right-thigh.csv", 12)
    assert_same(live, direct)
    assert live["segments"][0]["count"] == 5
    for ours, theirs in zip(live["segments"][0]["reps"], direct["segments"][0]["reps"], strict=True):
        assert ours["range_deg"] == pytest.approx(theirs["range_deg"], abs=0.5)
    (recording,) = (cli.home / "rec").glob("*.mcap")
    assert differences_from_live(recording) == []


@pytest.mark.parametrize("person", ["01/04_act_1.csv", pytest.param("09/04_act_2.csv", marks=pytest.mark.soak)])
def test_real_clams_over_the_link_are_counted_as_in_the_file(cli, mex_dir, person):
    """A real person's clams, streamed through the virtual sensor and counted live: the count of the file itself."""
    live, direct = over_the_link_and_directly(cli, mex_dir / person, 12)
    assert_same(live, direct)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_every_real_clam_file_over_the_link_is_counted_as_in_the_file(cli, mex_dir):
    """All of the public files with clams, of the moving and of the resting leg."""
    paths = sorted(mex_dir.glob("*/04_act_*.csv"))
    assert len(paths) >= 10
    for path in paths:
        assert_same(*over_the_link_and_directly(cli, path, 12))


PLAN = """schema_version = 1
name = "clams"
title = "Clams"

[[steps]]
id = "settle"
title = "Settle"
do = "stillness"
pose = "straight"
seconds = 8

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
reps = 10
"""


@pytest.fixture
def plan(cli):
    path = cli.home / "clams.toml"
    path.write_text(PLAN)
    return path


def test_ten_seconds_without_a_link_in_a_clamshell_set(cli, plan):
    """It reconnects by itself; the gap is in the file and in the report; reps before and after count, none inside."""
    blackout = ["RepCompleted", 4, {"type": "blackout", "seconds": 10}]
    running = cli.start(
        "coach", plan, "right-thigh=virtual", "--yes", "--silent", "--speed", "6", "--out", "rec",
        troubles={"after": [blackout]},
    )  # fmt: skip
    done = running.done(90)
    assert done.code == 0, done.err
    assert done.err.count("out of reach; the practice goes on.") == 1
    assert done.err.count("The sensor at the right thigh is back.") == 1
    (path,) = running.recordings()
    recording = open_recording(path)
    assert recording.is_complete
    inputs = list(recording.inputs())
    assert [type(m) for m in inputs if isinstance(m, StreamInterrupted | StreamResumed)] == [
        StreamInterrupted,
        StreamResumed,
    ]
    assert differences_from_live(path) == []
    analysis = cli("analyze", path, "--json").json
    (gap,) = analysis["input"]["sources"][0]["gaps"]
    assert gap["reason"] == "link_lost"
    assert 9 < gap["end_s"] - gap["start_s"] < 40
    (clams,) = (segment for segment in analysis["segments"] if segment["exercise"] == "clamshell")
    tops = [rep["peak_s"] for rep in clams["reps"]]
    assert sum(top < gap["start_s"] for top in tops) >= 4
    assert sum(top > gap["end_s"] for top in tops) >= 3
    assert not any(gap["start_s"] < top < gap["end_s"] for top in tops)
    assert clams["count"] == len(tops)
    assert clams["count"] >= 10
    page = path.with_name(path.stem + "_review") / "report.html"
    assert "gap" in page.read_text(encoding="utf-8").lower()


def test_garbage_from_a_sensor_is_counted_and_nothing_else_happens(cli, plan):
    """Bytes that are no frame, in the middle of a set: the practice goes on, every rep counts, the file says it."""
    garbage = ["", "ff", "00" * 30, "11ff" + "22" * 60]
    raw = [["Packet", 300 + 40 * i, {"type": "raw", "sensor": "right-thigh", "hex": h}] for i, h in enumerate(garbage)]
    running = cli.start(
        "coach", plan, "right-thigh=virtual", "--yes", "--silent", "--no-report", "--speed", "10", "--out", "rec",
        troubles={"after": raw},
    )  # fmt: skip
    done = running.done(90)
    assert done.code == 0, done.err
    (path,) = running.recordings()
    analysis = cli("analyze", path, "--json").json
    assert analysis["input"]["bad_packets"] == len(garbage)
    assert analysis["input"]["sources"][0]["n_gaps"] == 0
    assert analysis["segments"][-1]["count"] >= 10  # the plan's ten, and one that was under way when they were said
    assert differences_from_live(path) == []


def test_a_sensor_that_is_not_there(cli):
    """An address that nobody has on the link: exit code 3, one sentence with the address and what to do, no file."""
    running = cli.start(
        "record", "right-thigh=virtual", "--out", "rec", troubles={"address": "C0:00:00:00:00:01", "scan_s": 1.0}
    )
    done = running.done()
    assert done.code == 3
    assert "C0:00:00:00:00:01" in done.the_one_sentence()
    assert running.recordings() == []


def test_a_scan_lists_virtual_sensors(cli):
    """`scan --door virtual:HOST:PORT` finds what is on that link, strongest first, and says that it is simulated."""
    import subprocess
    import sys

    room = subprocess.Popen(
        [sys.executable, "-m", "sensorsoma.virtual", "--sensor", "right-thigh=still", "--sensor", "pelvis=still"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=cli.environment,
    )  # fmt: skip
    try:
        assert room.stdout is not None
        port = json.loads(room.stdout.readline())["hci_port"]
        scanned = cli("scan", "--door", f"virtual:127.0.0.1:{port}", "--seconds", "1.5", "--json")
        shown = cli("scan", "--door", f"virtual:127.0.0.1:{port}", "--seconds", "1.5")
    finally:
        room.communicate(timeout=10)
    assert scanned.code == 0
    assert {each["name"] for each in scanned.json} == {"Soma right-thigh", "Soma pelvis"}
    assert all(each["is_simulated"] and each["kind"] == "soma_v1" for each in scanned.json)
    assert all(each["address"] in shown.out for each in scanned.json)
    assert "coach short" not in shown.out  # a simulated address is of no use there
