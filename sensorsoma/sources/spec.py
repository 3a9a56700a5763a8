"""How a sensor is named on the command line: `PLACEMENT=KIND[:ADDRESS]`, read into a `SourceSpec`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from sensorsoma.errors import SourceSpecError
from sensorsoma.messages import PLACEMENTS, Placement
from sensorsoma.sources.phone.address import tidy_address

KINDS: Mapping[str, str] = {
    "ble": "a Bluetooth sensor, the only one in reach or the one with the given address or name",
    "virtual": "a simulated sensor over a simulated link, of a kind as scan names it, or one that plays a file",
    "sensor-logger": "a phone with the app Sensor Logger over Wi-Fi; the address is the secret word in its URL",
    "phyphox": "a phone with the app phyphox over Wi-Fi; the address is the one that it shows, HOST or HOST:PORT",
    "phone": "a phone's own browser over Wi-Fi, no app needed; a code to scan is shown",
    "file": "a recording, a table or an app's export on this computer; the address is its path",
}
"""Every way in, with one line for help texts."""

PHONES = frozenset({"sensor-logger", "phyphox", "phone"})
"""Kinds for which something has to be done on a phone before it can be heard."""

DEVICES = PHONES | {"ble"}
"""Kinds that are a thing in the room: in one place at a time, in real time, and looked at before the lights go out."""

_SHAPE = "PLACEMENT=KIND[:ADDRESS], for example right-thigh=ble"
_HEX_PAIRS = re.compile(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2})+")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,64}")


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One sensor, phone or file, as the person asked for it."""

    placement: Placement
    """Where it is worn; also the channel's name within the session."""
    kind: str
    """A key of `KINDS`."""
    address: str | None = None
    """BLE address or name, file path, phone token or phone address; None where none was given."""
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What its decoder is told, from the config file: a phone's sign. Empty as typed."""
    device: str | None = None
    """For `ble`: which kind of sensor it is, a name of `sources.ble.kinds`; None: found out when it is heard."""

    def __str__(self) -> str:
        return f"{self.placement}={self.kind}" + (f":{self.address}" if self.address else "")


DEFAULT = SourceSpec("right-thigh", "ble")
"""What is meant when nothing is said: the one sensor in reach, on the right thigh."""


def parse_source(text: str) -> SourceSpec:
    """The source that `PLACEMENT=KIND[:ADDRESS]` names.

    Raises:
        SourceSpecError: one sentence that says what was expected and what was found.

    >>> parse_source("right-thigh=ble:C0:FF:EE:00:11:22")
    SourceSpec(placement='right-thigh', kind='ble', address='C0:FF:EE:00:11:22', options={}, device=None)
    >>> parse_source("pelvis=virtual").address is None
    True
    """
    placement_text, equals, rest = text.strip().partition("=")
    if not equals:
        raise SourceSpecError(f"Expected a source as {_SHAPE}, but found {text!r}{_missing_half(placement_text)}.")
    placement = _known_placement(placement_text.strip(), text)
    kind_text, colon, address_text = rest.partition(":")
    kind = _known_kind(kind_text.strip(), text)
    address = address_text.strip() or None
    if colon and address is None:
        raise SourceSpecError(f"Expected an address after the colon in {text!r}; leave the colon out to use none.")
    _check_address(kind, address, text)
    if kind == "phyphox" and address:
        address = tidy_address(address)
    return SourceSpec(placement, kind, address)


def parse_sources(texts: Iterable[str]) -> tuple[SourceSpec, ...]:
    """All sources of a session; `(DEFAULT,)` when none is given.

    Raises:
        SourceSpecError: one is mistyped, a placement comes twice, or one sensor is to be in two places.
    """
    specs: list[SourceSpec] = []
    for text in texts:
        spec = parse_source(text)
        for earlier in specs:
            _refuse_clash(earlier, spec)
        specs.append(spec)
    return tuple(specs) or (DEFAULT,)


def _refuse_clash(earlier: SourceSpec, spec: SourceSpec) -> None:
    if earlier.placement == spec.placement:
        raise SourceSpecError(
            f"Expected each placement once, but {spec.placement} is given twice ({earlier}, {spec}); keep one of them."
        )
    if spec.kind in DEVICES and spec.address and earlier.kind == spec.kind and _same(earlier.address, spec.address):
        raise SourceSpecError(
            f"Expected one placement for each sensor, but {spec.address} is on {earlier.placement} and on "
            f"{spec.placement}; keep one of them."
        )


def _same(a: str | None, b: str) -> bool:
    return a is not None and a.casefold() == b.casefold()


def _missing_half(word: str) -> str:
    word = word.strip()
    if word in PLACEMENTS:
        return f"; add how it is reached, for example {word}=ble"
    if word.partition(":")[0] in KINDS:
        return f"; add where it is worn, for example right-thigh={word}"
    return ""


def _known_placement(word: str, text: str) -> Placement:
    if word in PLACEMENTS:
        return word
    raise SourceSpecError(
        f"Expected a placement ({', '.join(PLACEMENTS)}) before the equals sign, "
        f"but found {word!r} in {text!r}{_did_you_mean(word, PLACEMENTS)}"
    )


def _known_kind(word: str, text: str) -> str:
    if word in KINDS:
        return word
    exists = ", ".join(KINDS)
    raise SourceSpecError(
        f"Expected a kind ({exists}) after the equals sign, but found {word!r} in {text!r}{_did_you_mean(word, KINDS)}"
    )


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    tidy = re.sub(r"[\s_]+", "-", word.casefold())
    close = get_close_matches(tidy, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else "."


def _check_address(kind: str, address: str | None, text: str) -> None:
    if kind == "file" and address is None:
        raise SourceSpecError(f"Expected the path of a file in {text!r}, for example right-thigh=file:session.mcap.")
    if kind == "ble" and address and _HEX_PAIRS.fullmatch(address) and len(re.split("[:-]", address)) != 6:
        raise SourceSpecError(
            f"Expected a Bluetooth address of six pairs such as C0:FF:EE:00:11:22, but found {address!r} in {text!r}."
        )
    if kind == "sensor-logger" and address and not _TOKEN.fullmatch(address):
        raise SourceSpecError(
            f"Expected 8 to 64 letters, digits, - or _ as the secret word of a phone, but found {address!r}; "
            "leave it out and one is made for you."
        )
    if kind == "phone" and address:
        raise SourceSpecError(
            f"Expected no address for a phone's browser, but found {address!r} in {text!r}; leave it out and scan the "
            "code that is shown."
        )
    if kind == "phyphox" and address and tidy_address(address) is None:
        where = text.partition("=")[0].strip()
        raise SourceSpecError(
            f"Expected the address that phyphox shows, for example {where}=phyphox:192.168.1.23, "
            f"or with a port 192.168.1.23:8080, but found {address!r}."
        )


def check_complete(spec: SourceSpec) -> None:
    """Sees to it that nothing is missing once the config file has filled in what it keeps.

    Raises:
        SourceSpecError: phyphox without an address; the phone waits to be asked, so it must be known where.
    """
    if spec.kind == "phyphox" and spec.address is None:
        raise SourceSpecError(
            f"Expected the address of the phone in {str(spec)!r}; phyphox shows it when remote access is allowed: give "
            f"{spec}:192.168.1.23, or keep it with `sensorsoma setup {spec}:192.168.1.23`."
        )
