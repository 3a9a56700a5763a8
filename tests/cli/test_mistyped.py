"""What was mistyped, in words of ours."""

from __future__ import annotations

import pytest

from sensorsoma.cli import main


@pytest.mark.parametrize(
    ("words", "expected", "found"),
    [
        ("coach short --speed fast", "Expected --speed as a number", "found fast"),
        ("coach short --speed 0", "at least 0.1", "found 0"),
        ("coach short --page-port=99999", "at most 65535", "found 99999"),
        ("coach short --lauter", "Expected an option that `sensorsoma coach` has", "found --lauter;"),
        ("coach short --silnt", "did you mean --silent?", "found --silnt"),
        ("coach", "Expected PLAN after `sensorsoma coach`", "found nothing"),
        ("coach short --only-side", "Expected a value after --only-side", "found none"),
        ("coach short --big=3", "Expected --big by itself", "found a value"),
        ("people shw", "did you mean show?", "found shw"),
        ("dance", "Expected a command", "found dance"),
        ("repair a b", "Expected nothing more", "found b"),
    ],
)
def test_a_slip_is_answered_in_one_sentence(
    words: str, expected: str, found: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was expected, what was found, where to look; exit code 2, nothing of the library's own words."""
    monkeypatch.setattr("sys.argv", ["sensorsoma", *words.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert expected in said
    assert found in said
    assert "--help`" in said
    assert said.count("\n") == 1
    assert not [word for word in ("Usage:", "Error", "Invalid", "Input should") if word in said]
