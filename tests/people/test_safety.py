"""The safety text as data."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from sensorsoma.coach.words import Words, load_words
from sensorsoma.people.safety import safety_text


def test_every_part_is_there_in_plain_words() -> None:
    """What it is, when to stop, what sends to emergency care, what to ask a doctor: for a page as for a screen."""
    text = safety_text("en")
    data = json.loads(json.dumps(text.to_json()))
    assert set(data) == {field.name for field in fields(text)}
    assert all(data.values())
    said = text.plain()
    for part in (*text.about, *text.stop_rule, *text.emergency, *text.ask_first):
        assert part in said
    for red_flag in ("numbness around the genitals", "urine or stool", "both legs", "Shaking is fine; pain is not"):
        assert red_flag in said


def test_a_changed_text_is_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """One thing more to ask a doctor about, and it has to be read again; the same text is the same version."""
    known = load_words("en")
    before = safety_text("en").version
    assert before == safety_text("en").version
    more = {**known.sections["safety"], "ask_first": (*known.sections["safety"]["ask_first"], "after a long flight")}
    monkeypatch.setattr(
        "sensorsoma.people.safety.load_words",
        lambda _language: Words("en", {**known.sections, "safety": more}, known.names),
    )
    assert safety_text("en").version != before


def test_questions_about_comfort_do_not_belong_to_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for comfort in other words sends nobody back to the red flags."""
    known = load_words("en")
    before = safety_text("en").version
    other = {**known.sections["safety"], "comfort_before": ("How is it?",)}
    monkeypatch.setattr(
        "sensorsoma.people.safety.load_words",
        lambda _language: Words("en", {**known.sections, "safety": other}, known.names),
    )
    assert safety_text("en").version == before
