"""What the doctor finds, on this computer and on made-up ones."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sensorsoma import doctor
from sensorsoma.cli.app import app
from sensorsoma.config import Config, save_config
from sensorsoma.doctor import DoctorParams, bluetooth, computer
from sensorsoma.doctor.troubles import SYSTEMS, TROUBLES, troubles_like
from sensorsoma.live.findings import Finding, worst


def test_all_checks_run_here(tmp_path: Path) -> None:
    """Every check gives a finding with a sentence, JSON-ready, and what is not ok says how to mend it."""
    findings = doctor.run_checks(tmp_path / "config.toml")
    assert [finding.name for finding in findings] == [
        "Python", "Config", "System", "Bluetooth library", "Bluetooth", "Recordings", "Voice", "Bell", "Staying awake",
        "Port for phones", "Page for phones", "Virtual sensors",
    ]  # fmt: skip
    assert all(finding.found.endswith(".") for finding in findings)
    assert all(finding.mend for finding in findings if finding.outcome == "bad")
    assert json.loads(json.dumps([finding.to_json() for finding in findings]))[0]["outcome"] == "ok"


def test_an_old_python_is_named() -> None:
    """Too old a Python is in the way."""
    finding = computer.check_python(version=(3, 9))
    assert (finding.outcome, finding.mend) == ("bad", "Install Python 3.11 or newer.")


def adapters(tmp_path: Path, *names: str) -> Path:
    """A made-up /sys/class."""
    (tmp_path / "bluetooth").mkdir()
    for name in names:
        (tmp_path / "bluetooth" / name).mkdir()
    return tmp_path


def test_no_adapter_is_a_clear_sentence(tmp_path: Path) -> None:
    """Without an adapter the way on is named: a dongle, the demo, a phone."""
    finding = bluetooth.linux_bluetooth(tmp_path, tmp_path)
    assert finding is not None
    assert finding.found == "This computer has no Bluetooth adapter."
    assert "sensorsoma demo" in finding.mend


@pytest.mark.parametrize(("soft", "hard", "word"), [("1", "0", "rfkill"), ("0", "1", "at the computer")])
def test_a_radio_that_is_off_is_named(tmp_path: Path, soft: str, hard: str, word: str) -> None:
    """A blocked radio is told apart from a missing one; other radios do not matter."""
    root = adapters(tmp_path, "hci0")
    for index, kind in enumerate(["wlan", "bluetooth"]):
        switch = root / "rfkill" / f"rfkill{index}"
        switch.mkdir(parents=True)
        (switch / "type").write_text(kind + "\n")
        (switch / "soft").write_text(soft if kind == "bluetooth" else "1")
        (switch / "hard").write_text(hard if kind == "bluetooth" else "1")
    finding = bluetooth.linux_bluetooth(root, tmp_path)
    assert finding is not None
    assert word in finding.mend


def test_a_missing_bus_is_named(tmp_path: Path) -> None:
    """An adapter without the system's message bus cannot be asked; with it nothing is missing."""
    root = adapters(tmp_path, "hci1")
    finding = bluetooth.linux_bluetooth(root, tmp_path / "none")
    assert finding is not None
    assert "hci1" in finding.found
    assert "container" in finding.mend
    assert bluetooth.linux_bluetooth(root, tmp_path) is None


class RefusalError(Exception):
    """As bleak raises it."""

    def __init__(self, reason: str, text: str = "no") -> None:
        super().__init__(text)
        self.reason = type("Reason", (), {"name": reason})


@pytest.mark.parametrize(
    ("error", "platform", "words"),
    [
        (RefusalError("POWERED_OFF"), "darwin", "Switch it on"),
        (RefusalError("DENIED_BY_USER"), "darwin", "Privacy & Security"),
        (RefusalError("DENIED_BY_SYSTEM"), "win32", "desktop apps"),
        (Exception("org.freedesktop.DBus.Error.AccessDenied"), "linux", "group bluetooth"),
        (RefusalError("NO_BLUETOOTH"), "win32", "dongle"),
        (Exception("anything"), "linux", "systemctl restart bluetooth"),
        (Exception("anything"), "win32", "driver"),
        (Exception("anything"), "darwin", "off and on"),
    ],
)
def test_a_refusal_says_what_to_do_on_this_system(
    monkeypatch: pytest.MonkeyPatch, error: Exception, platform: str, words: str
) -> None:
    """Each reason has its own way out on each system."""

    async def refuse() -> None:
        raise error

    monkeypatch.setattr(bluetooth, "_listen_briefly", refuse)
    monkeypatch.setattr(bluetooth, "linux_bluetooth", lambda *_: None)
    finding = bluetooth.check_bluetooth(platform=platform)
    assert finding.outcome == "bad"
    assert words in finding.mend


def test_an_adapter_that_listens_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan that starts and stops is all that is asked."""

    async def listen() -> None:
        return None

    monkeypatch.setattr(bluetooth, "_listen_briefly", listen)
    assert bluetooth.check_bluetooth(platform="darwin").outcome == "ok"


def test_a_broken_config_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    """The finding carries the sentence; the defaults serve for the other checks."""
    path = tmp_path / "config.toml"
    path.write_text("persn = 1")
    finding, config = computer.check_config(path)
    assert finding.outcome == "bad"
    assert "did you mean person" in finding.found
    assert config.recordings == "recordings"
    assert "move the file away" in finding.mend


def test_a_config_that_is_fine_says_what_is_in_it(tmp_path: Path) -> None:
    """Boards of one's own are named like the sensors that are set up."""
    path = tmp_path / "config.toml"
    board = {"name": "MyNano", "format": "text", "fields": ["ax", "ay", "az"], "acc_unit": "g", "rate_hz": 100}
    save_config(Config(boards={"nano": board}), path)
    assert computer.check_config(path)[0].found.endswith("with no sensor yet; boards: nano.")


def test_recordings_need_a_folder_and_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that does not exist yet is fine; one inside a file is not; a full disk is said."""
    assert computer.check_recordings(tmp_path / "new" / "deep").outcome == "ok"
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_text("x")
    assert computer.check_recordings(tmp_path / "file" / "deep").outcome == "bad"
    usage: Any = type("Usage", (), {"free": 100_000_000})
    monkeypatch.setattr(computer.shutil, "disk_usage", lambda _path: usage)
    assert computer.check_recordings(tmp_path).outcome == "warn"
    assert computer.check_recordings(tmp_path, DoctorParams(full_bytes=200_000_000)).outcome == "bad"


def test_a_port_in_use_is_a_note() -> None:
    """Only phones need the port, so it is no more than a note."""
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        assert computer.check_port(port).outcome == "warn"
    assert computer.check_port(99_999).outcome == "warn"


def test_a_check_that_fails_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in one check does not end the others."""

    def fail() -> Finding:
        raise RuntimeError("anything")

    monkeypatch.setattr(doctor, "check_voice", fail)
    findings = doctor.run_checks(tmp_path / "config.toml")
    assert len(findings) == 12
    assert any("RuntimeError: anything" in finding.found for finding in findings)


def test_the_worst_counts() -> None:
    """One that is bad outweighs notes; nothing is fine."""
    ok, warn, bad = (Finding("x", outcome, "Found.") for outcome in ("ok", "warn", "bad"))  # type: ignore[arg-type] # literals
    assert (worst([]), worst([ok, warn]), worst([warn, bad, ok])) == ("ok", "warn", "bad")


@pytest.mark.parametrize(
    ("platform", "version", "word"),
    [
        ("darwin", "12.1", "macOS 12.3"),
        ("win32", "10.0.19045", "Windows 11"),
        ("linux", "5.15.153.1-microsoft-standard-WSL2", "Windows itself"),
    ],
)
def test_systems_that_are_known_for_trouble_are_named(tmp_path: Path, platform: str, version: str, word: str) -> None:
    """A system on which sensors do not work well is told before anybody looks for the fault in the sensor."""
    finding = bluetooth.check_system(platform, version, tmp_path / "none")
    assert finding.outcome == "warn"
    assert word in finding.mend


def test_a_raspberry_pi_and_an_ordinary_system_are_told_apart(tmp_path: Path) -> None:
    """The shared antenna of the small board is named; elsewhere all is well."""
    (tmp_path / "model").write_text("Raspberry Pi 4 Model B Rev 1.5")
    assert "antenna" in bluetooth.check_system("linux", "6.1.0", tmp_path / "model").mend
    assert bluetooth.check_system("linux", "6.1.0", tmp_path / "none").outcome == "ok"


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("not heard", "unheard"),
        ("Listened 15 s for a free sensor for the right thigh and did not hear it; wake it, bring it near", "unheard"),
        ("Found Movesense 12 but could not connect (org.bluez.Error.InProgress); bring it near", "connect"),
        ("The sensor Polar Sense was started but sends nothing (no data for 2 s); switch it off and on", "silent"),
        ("The sensor did not answer within 5 s (characteristic 34800002); bring it near, and try again.", "silent"),
        ("link drops out at night", "drops"),
        ("At rest it feels 0.500 g. It should be 1 g: check its unit and range", "weight"),
        ("phone cannot get through the firewall", "phone"),
        ("drained", "drained"),
    ],
)
def test_a_trouble_is_found_by_peoples_words_and_by_those_of_errors(words: str, key: str) -> None:
    """Nobody has to know what we call it."""
    assert troubles_like(words, "linux")[0].key == key


def test_whoever_speaks_of_the_body_is_shown_the_safety_text() -> None:
    """Pain and numbness are no troubles of a sensor; words that fit nothing are met with the list in whole words."""
    said = [["doctor", "my", "back", "hurts"], ["doctor", "purple", "elephants"]]
    hurts, purple = (CliRunner().invoke(app, words) for words in said)
    assert (hurts.exit_code, purple.exit_code) == (1, 1)
    assert "emergency care" in hurts.output
    assert "unheard" not in hurts.output
    assert all(f"{trouble.key:<12} {trouble.seen}" in purple.output for trouble in TROUBLES)
    assert "emergency" not in purple.output


def test_every_trouble_has_advice_for_every_system() -> None:
    """Whoever asks is told at least one thing to do, in whole sentences."""
    for trouble in TROUBLES:
        for platform in SYSTEMS:
            assert trouble.remedies(platform)
        assert set(trouble.also) <= set(SYSTEMS)
        assert all(text.endswith(".") for text in (trouble.seen, trouble.why))
    assert troubles_like("purple elephants") == []


def test_a_page_that_cannot_have_a_certificate_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without anything that makes one, the extra is named; one of your own is enough."""
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setattr(computer.importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(computer.shutil, "which", lambda _name: None)
    finding = computer.check_phone_page(Config(phone_page_port=port))
    assert (finding.outcome, "[phone]" in finding.mend) == ("warn", True)
    own = Config(phone_page_port=port, phone_tls_cert="c.pem", phone_tls_key="k.pem")
    assert computer.check_phone_page(own).outcome == "ok"
