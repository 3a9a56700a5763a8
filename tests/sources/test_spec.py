"""Sources as they are typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorsoma.errors import SourceError, SourceSpecError
from sensorsoma.messages import PLACEMENTS
from sensorsoma.sources.spec import DEFAULT, KINDS, SourceSpec, parse_source, parse_sources


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("right-thigh=ble", SourceSpec("right-thigh", "ble")),
        ("right-thigh=ble:C0:FF:EE:00:11:22", SourceSpec("right-thigh", "ble", "C0:FF:EE:00:11:22")),
        ("left-thigh=ble:Soma 3F2A", SourceSpec("left-thigh", "ble", "Soma 3F2A")),
        (" left-thigh = virtual ", SourceSpec("left-thigh", "virtual")),
        ("pelvis=virtual:a b.csv", SourceSpec("pelvis", "virtual", "a b.csv")),
        ("belly=sensor-logger", SourceSpec("belly", "sensor-logger")),
        ("belly=sensor-logger:quiet-night-7", SourceSpec("belly", "sensor-logger", "quiet-night-7")),
        ("belly=phyphox:192.168.1.23", SourceSpec("belly", "phyphox", "192.168.1.23")),
        ("belly=phyphox: http://192.168.1.23:8080/", SourceSpec("belly", "phyphox", "192.168.1.23:8080")),
        ("belly=phyphox:my-phone.local", SourceSpec("belly", "phyphox", "my-phone.local")),
        ("belly=phone", SourceSpec("belly", "phone")),
        (r"right-thigh=file:C:\night\one.mcap", SourceSpec("right-thigh", "file", r"C:\night\one.mcap")),
        ("right-thigh=file:a=b.csv", SourceSpec("right-thigh", "file", "a=b.csv")),
    ],
)
def test_reads_every_kind(text: str, spec: SourceSpec) -> None:
    """Placement, kind and address come out; colons and equals signs stay within the address."""
    assert parse_source(text) == spec


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("right-tigh=ble", ["right-tigh", "; did you mean right-thigh?"]),
        ("Right_Thigh=ble", ["did you mean right-thigh"]),
        ("right-thigh=bel", ["bel", "did you mean ble"]),
        ("right-thigh=sensorlogger", ["did you mean sensor-logger"]),
        ("right-thigh=qqqq", ["ble, virtual, sensor-logger, phyphox, phone, file"]),
        ("belly=phyphox:the phone", ["the address that phyphox shows", "belly=phyphox:192.168.1.23"]),
        ("belly=phyphox:192.168.1.23:99999", ["with a port 192.168.1.23:8080"]),
        ("belly=phyphox:https://192.168.1.23", ["the address that phyphox shows"]),
        ("belly=phone:192.168.1.4", ["no address for a phone's browser", "scan the code"]),
        ("right-thigh", ["right-thigh=ble"]),
        ("virtual", ["right-thigh=virtual"]),
        ("", ["PLACEMENT=KIND[:ADDRESS]"]),
        ("right-thigh=", ["Expected a kind"]),
        ("right-thigh=ble:", ["leave the colon out"]),
        ("right-thigh=file", ["path of a file"]),
        ("right-thigh=ble:C0:FF:EE", ["six pairs"]),
        ("belly=sensor-logger:a/b", ["8 to 64 letters"]),
    ],
)
def test_mistakes_are_one_sentence(text: str, words: list[str]) -> None:
    """A mistyped source is answered by one sentence that names what was found and what would do."""
    with pytest.raises(SourceSpecError) as caught:
        parse_source(text)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert message.endswith((".", "?"))
    assert "\n" not in message
    assert isinstance(caught.value, SourceError)
    assert caught.value.exit_code == 2


def test_nothing_given_is_the_default() -> None:
    """Without a source the right thigh and Bluetooth are meant."""
    assert parse_sources([]) == (DEFAULT,)
    assert str(DEFAULT) == "right-thigh=ble"


def test_one_placement_twice_is_refused() -> None:
    """Two sources cannot sit in one place."""
    with pytest.raises(SourceSpecError, match="right-thigh is given twice"):
        parse_sources(["right-thigh=ble", "pelvis=ble", "right-thigh=virtual"])


def test_one_sensor_in_two_places_is_refused() -> None:
    """One Bluetooth address cannot be worn in two places, however it is written; one file may feed two."""
    with pytest.raises(SourceSpecError, match="one placement for each sensor"):
        parse_sources(["right-thigh=ble:C0:FF:EE:00:11:22", "left-thigh=ble:c0:ff:ee:00:11:22"])
    assert len(parse_sources(["right-thigh=file:a.mcap", "left-thigh=file:a.mcap"])) == 2


@given(st.sampled_from(PLACEMENTS), st.sampled_from(["ble", "virtual", "file"]), st.text("abcXYZ09:=/. ", min_size=1))
def test_what_is_printed_reads_back(placement: str, kind: str, address: str) -> None:
    """A spec that was read prints as text that reads as the same spec."""
    if not address.strip() or kind == "ble":
        address = "Soma-1"
    spec = parse_source(f"{placement}={kind}:{address}")
    assert parse_source(str(spec)) == spec


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text leads to another error than `SourceSpecError`."""
    try:
        spec = parse_source(text)
    except SourceSpecError:
        return
    assert spec.kind in KINDS
