"""Scanning, setting up and recording with sensors of several makers, in the program as it is typed."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

pytest.importorskip("bumble", reason="virtual sensors need the extra sensorsoma[virtual]")


@contextmanager
def a_room(cli: Any, *sensors: str) -> Iterator[str]:
    """The door to a room with these sensors."""
    words = [word for sensor in sensors for word in ("--sensor", sensor)]
    room = subprocess.Popen(
        [sys.executable, "-m", "sensorsoma.virtual", *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=cli.environment,
    )  # fmt: skip
    try:
        assert room.stdout is not None
        yield f"virtual:127.0.0.1:{json.loads(room.stdout.readline())['hci_port']}"
    finally:
        room.communicate(timeout=10)


def config_of(cli: Any) -> dict[str, Any]:
    return tomllib.loads((cli.home / "config" / "sensorsoma" / "config.toml").read_text())


def test_a_scan_says_what_each_sensor_is_and_what_it_can_measure(cli):
    """Name, kind, charge, signal and abilities stand in one table; nobody has to know a protocol."""
    with a_room(cli, "right-thigh=movesense@still", "left-thigh=thingy52@still") as door:
        scanned = cli("scan", "--door", door, "--seconds", "1.5", "--battery", "--json")
        cli.environment["COLUMNS"] = "80"
        shown = cli("scan", "--door", door, "--seconds", "1.5")
    assert {each["kind"] for each in scanned.json} == {"movesense", "thingy52"}
    assert all(each["measures"] == "everything" for each in scanned.json)
    assert all(50 < each["battery_percent"] <= 100 for each in scanned.json)
    assert all(each["address"] in shown.out for each in scanned.json)


def test_setup_asks_where_a_sensor_sits_and_remembers_what_it_is(cli):
    """A sensor that cannot blink is named; how it rests is shown before anything is kept."""
    with a_room(cli, "right-thigh=xsens_dot@still") as door:
        done = cli("setup", "--door", door, "--seconds", "1.5", answers="right thigh\ny\n")
    assert done.code == 0
    assert "At rest it feels 1.000 g" in done.err
    entry = config_of(cli)["sensors"]["right-thigh"]
    assert entry["kind"] == "ble"
    assert entry["device"] == "xsens_dot"
    assert entry["name"] in done.out


@pytest.mark.soak
def test_setup_of_one_place_finds_the_sensor_for_it(cli):
    """`setup right-thigh=ble` looks at the sensor that it would take, and keeps its address."""
    with a_room(cli, "right-thigh=witmotion@still") as door:
        done = cli("setup", "right-thigh=ble", "--door", door, "--seconds", "3", answers="y\n")
    assert done.code == 0
    assert config_of(cli)["sensors"]["right-thigh"]["device"] == "witmotion"


def test_setup_without_bluetooth_keeps_what_was_typed(cli):
    """Where nothing can be heard the words are kept, and a sentence says why it was not looked at."""
    done = cli("setup", "right-thigh=ble:C0:FF:EE:00:11:22", answers="y\n")
    assert done.code == 0
    assert "as you typed it" in done.err
    assert config_of(cli)["sensors"]["right-thigh"] == {"kind": "ble", "address": "C0:FF:EE:00:11:22"}


def test_a_kind_that_does_not_exist_is_one_sentence(cli):
    """A mistyped kind ends at once, with the kinds there are."""
    done = cli("record", "right-thigh=ble", "--kind", "movesens")
    assert done.code == 2
    assert "did you mean movesense" in done.the_one_sentence()


@pytest.mark.parametrize("kind", ["movesense", pytest.param("polar_pmd", marks=pytest.mark.soak)])
def test_a_session_with_a_sensor_of_another_maker_is_recorded_and_replayed(cli, kind):
    """Clamshells of a virtual person through another maker's bytes: recorded raw, counted, and the same again."""
    recorded = cli(
        "record", f"right-thigh=virtual:{kind}", "--seconds", "12", "--speed", "4", "--out", "rec", within_s=90
    )
    assert recorded.code == 0
    (path,) = sorted((cli.home / "rec").glob("*.mcap"))
    checked = cli("replay", path, "--check")
    assert checked.code == 0
    assert "Identical" in checked.out
    analysed = cli("analyze", path, "--json")
    assert analysed.json["link"] == "simulated"


@pytest.mark.soak
def test_of_two_that_cannot_blink_the_one_that_is_moved_is_asked_for(cli):
    """Two like sensors lie there, nobody moves one: that is said, and both are shown in turn."""
    with a_room(cli, "right-thigh=thingy52@still", "left-thigh=thingy52@still") as door:
        done = cli("setup", "--door", door, "--seconds", "1.5", answers="y\nright-thigh\nleft-thigh\ny\n", within_s=90)
    assert done.code == 0
    assert "move it" in done.out
    assert "not become clear" in done.err
    assert set(config_of(cli)["sensors"]) == {"right-thigh", "left-thigh"}


@pytest.mark.soak
def test_doctor_tries_the_sensors_that_are_set_up(cli):
    """Each one is started for some seconds; one that is away is named, and the exit code tells."""
    with a_room(cli, "right-thigh=xsens_dot@still") as door:
        cli("setup", "right-thigh=ble", "--door", door, "--seconds", "2", "--kind", "xsens_dot", answers="y\n")
        done = cli("doctor", "--sensors", "--door", door, "--json", within_s=90)
    findings = [each for each in done.json if each["name"].startswith("right-thigh")]
    assert any("60 samples a second" in each["found"] for each in findings)
    assert all(each["outcome"] != "bad" for each in findings)


def test_doctor_answers_a_trouble_in_peoples_words(cli):
    """What helps is told for the system that is asked about."""
    done = cli("doctor", "not", "heard", "--system", "windows")
    assert done.code == 0
    assert "What helps on Windows" in done.out
    assert "Settings, Bluetooth & devices" in done.out
    assert cli("doctor", "purple", "elephants").code == 1
    assert cli("doctor", "drops", "--system", "amiga").code == 2
