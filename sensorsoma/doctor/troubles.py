"""The commonest troubles with sensors and phones, and how to mend them on each system.

Facts: bleak's troubleshooting pages and issue tracker, BlueZ, and the makers' notes in `firmware_notes/`. A row is
found by its key or by any of its words, also by the words of an error.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SYSTEMS: Mapping[str, str] = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}
"""`sys.platform` → name."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that goes wrong."""

    key: str
    """A short word for the command line."""
    seen: str
    """What a person sees, one sentence."""
    why: str
    """What is usually behind it."""
    mend: tuple[str, ...]
    """What helps on every system, the likeliest first."""
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What helps on one system, by `sys.platform`."""
    words: tuple[str, ...] = ()
    """Other words for it, lower case."""

    def remedies(self, platform: str) -> tuple[str, ...]:
        """What helps on this system."""
        return (*self.mend, *self.also.get(platform, ()))


TROUBLES: tuple[Trouble, ...] = (
    Trouble(
        "unheard",
        "The sensor is not heard.",
        "It sleeps, is held by another program, or is paired with another computer: then it does not advertise.",
        (
            "Wake it: press its button, move it, or snap it onto its strap; most stop advertising after a few minutes.",
            "Close the maker's app on every phone nearby, or switch Bluetooth off there: it talks to one at a time.",
            "Bring it within a metre and look at its battery.",
        ),
        {
            "linux": ("Held here? bluetoothctl devices Connected shows it, bluetoothctl disconnect ADDRESS lets go.",),
            "darwin": ("Addresses are different on every Mac: run sensorsoma setup again on this one.",),
            "win32": ("If it stands in Settings, Bluetooth & devices, remove it there: these sensors are not paired.",),
        },
        ("not heard", "not found", "did not hear", "no sensor", "listened", "invisible", "scan"),
    ),
    Trouble(
        "connect",
        "It is heard but cannot be connected.",
        "The system remembers an old pairing or an old firmware of it, or somebody else was faster.",
        (
            "Switch the sensor off and on, bring it near, and try once more.",
            "Switch this computer's Bluetooth off and on.",
        ),
        {
            "linux": (
                "Let the system forget it: bluetoothctl remove ADDRESS; then sudo systemctl restart bluetooth.",
                "'InProgress' means that another program scans: close the desktop's Bluetooth window, replug a dongle.",
            ),
            "darwin": (
                "After new firmware, switch Bluetooth off and on twice, or restart the Mac: it keeps old services.",
            ),
            "win32": (
                "Remove it in Settings, Bluetooth & devices, switch the radio off and on, and do not pair it again.",
                "'Unreachable' that stays: restart the computer, and update the Bluetooth driver.",
            ),
        },
        ("cannot connect", "could not connect", "unreachable", "inprogress", "could not get gatt", "timeout", "abort"),
    ),
    Trouble(
        "permission",
        "Bluetooth is refused to this program.",
        "The system asks for a permission of its own for radio.",
        ("Run sensorsoma doctor: it says which permission is missing here.",),
        {
            "linux": (
                "sudo usermod -aG bluetooth $USER, then log out and in.",
                "In a container, pass the system's message bus in: -v /run/dbus:/run/dbus.",
            ),
            "darwin": (
                "System Settings, Privacy & Security, Bluetooth: allow the program that you type in (Terminal, iTerm, "
                "Visual Studio Code), then start it again.",
            ),
            "win32": ("Settings, Privacy & security, Radios: let desktop apps control them.",),
        },
        ("denied", "not permitted", "accessdenied", "notauthorized", "sigabrt", "may not use"),
    ),
    Trouble(
        "silent",
        "It connects but sends nothing.",
        "Its firmware does not stream, or it is busy with something else.",
        (
            "Read its page in firmware_notes: which firmware it needs, and which mode it must be in.",
            "Polar: not in the charger, in sensor mode, no Polar app open. Movesense: firmware 2.3 or newer. "
            "DOT: not recording, not charging.",
            "Take its battery out for a moment, or switch it off and on: an unclean stop can leave it measuring.",
        ),
        {},
        (
            "sends nothing",
            "no data",
            "did not start",
            "does not answer",
            "did not answer",
            "request to the sensor",
            "status 6",
            "charger",
        ),
    ),
    Trouble(
        "drops",
        "The link breaks again and again.",
        "Water holds radio back: a body or a blanket between sensor and computer costs most of the signal.",
        (
            "Put the computer on the same side of the bed as the sensor, in sight of it.",
            "Use a Bluetooth 5 dongle on an extension cable, away from USB 3 plugs and drives.",
            "Charge or change the sensor's battery.",
            "With three sensors or more, prefer those that send several samples at once (Movesense, Polar, soma_v1).",
        ),
        {
            "linux": ("On a Raspberry Pi, Wi-Fi and Bluetooth share an antenna: switch Wi-Fi off, or use a dongle.",),
            "darwin": ("Switch Handoff and AirDrop off for the practice: both use the same radio.",),
            "win32": ("Device Manager, the Bluetooth adapter, Power Management: do not allow it to be switched off.",),
        },
        ("out of reach", "lost", "link lost", "hung up", "drop", "gap", "weak", "range", "disconnect"),
    ),
    Trouble(
        "slow",
        "Fewer samples come than were asked for.",
        "The system decides how often the radio meets the sensor; one sample each time is then all there is.",
        (
            "Ask for 50 samples a second: counting and shaking need no more.",
            "Prefer sensors that send several samples at once (Movesense, Polar, soma_v1).",
            "Close programs that scan for Bluetooth, and disconnect what is not needed now.",
        ),
        {
            "win32": ("Windows meets sensors every 30 to 60 ms: one-sample sensors end at about 60 a second there.",),
            "linux": ("A dongle with Bluetooth 5 usually meets its sensors more often than an old built-in radio.",),
            "darwin": ("macOS meets sensors every 15 ms or so: one-sample sensors end at about 66 a second there.",),
        },
        ("rate", "samples a second", "too few", "slow", "jitter", "choose a higher rate"),
    ),
    Trouble(
        "sleep",
        "The session stops when the computer falls asleep.",
        "Sleep cuts the radio without telling anybody.",
        ("SensorSoma keeps the computer awake where it can; plug it in and leave the lid open.",),
        {
            "linux": ("systemd-inhibit must be there; sensorsoma doctor says whether it is.",),
            "win32": ("Settings, System, Power: screen and sleep, never while plugged in.",),
            "darwin": ("System Settings, Lock Screen: a long time before the display is turned off.",),
        },
        ("suspend", "asleep", "lid", "standby"),
    ),
    Trouble(
        "weight",
        "At rest it does not feel 1 g.",
        "Its range or unit is not the one expected, or it was never calibrated.",
        (
            "Let it lie still on a table for a minute and run sensorsoma setup again.",
            "WitMotion and boards of your own: calibrate the accelerometer in the maker's program.",
            "A board of your own: check the scale in [boards.NAME]; firmware_notes/generic.md shows how.",
        ),
        {},
        ("it should be 1 g", "resting", "gravity", "1 g", "range", "unit"),
    ),
    Trouble(
        "drained",
        "Its battery is empty after one night.",
        "It was left streaming: not every sensor stops by itself when the computer goes away.",
        (
            "End sessions with q or Ctrl-C: then it is stopped. After a crash, start and stop one more session.",
            "Take Polar H10 and Movesense off the strap; switch DOT, Thingy and WitMotion off.",
        ),
        {},
        ("battery", "empty", "flat", "charge"),
    ),
    Trouble(
        "phone",
        "The phone does not reach the computer.",
        "Another network, a guest network that keeps devices apart, or a firewall.",
        (
            "Both in the same Wi-Fi, and not a guest network; type the address exactly as it is shown.",
            "phyphox: the app must stay in front, with remote access allowed.",
        ),
        {
            "linux": ("Let it in: sudo ufw allow 8000/tcp (8443/tcp for the phone's browser).",),
            "darwin": ("System Settings, Network, Firewall: let Python accept incoming connections.",),
            "win32": ("When Windows asks, let Python through the firewall for private networks.",),
        },
        ("no phone", "wi-fi", "wifi", "firewall", "address is typed", "push", "8000", "8443"),
    ),
    Trouble(
        "certificate",
        "The phone's browser warns of the page.",
        "This computer made its own certificate: nobody but you vouches for it.",
        (
            "On the warning choose Advanced, then go on: the page comes from this computer, in this room.",
            "No motion after that? Tap Start again and allow motion, or use Sensor Logger or phyphox instead.",
        ),
        {},
        ("https", "not private", "not secure", "tls", "warning", "motion permission"),
    ),
)
"""Every trouble that is known, the commonest first."""


_BODY = re.compile(r"\b(pains?|painful|hurt\w*|ach(?:es?|ing)|sore\w*|numb\w*|tingl\w*|sciatica|dizzy|weakness)\b")


def speaks_of_the_body(words: str) -> bool:
    """True where somebody says what their body feels, which no advice about sensors answers.

    >>> speaks_of_the_body("my back hurts"), speaks_of_the_body("the link drops out")
    (True, False)
    """
    return _BODY.search(words.casefold()) is not None


def troubles_like(words: str, platform: str = sys.platform) -> Sequence[Trouble]:
    """The troubles that these words speak of, the best fit first; empty when none does.

    Args:
        words: a key, or a person's or an error's own words.
        platform: only decides between equals: those with advice for this system come first.

    >>> [trouble.key for trouble in troubles_like("it drops out all the time")][0]
    'drops'
    """
    text = words.casefold().strip()
    exact = [trouble for trouble in TROUBLES if trouble.key == text]
    if exact:
        return exact
    ranked = [(_fit(trouble, text), platform in trouble.also, trouble) for trouble in TROUBLES]
    ranked.sort(key=lambda each: each[:2], reverse=True)
    return [trouble for fit, _, trouble in ranked if fit]


def _fit(trouble: Trouble, text: str) -> int:
    """How many letters of the trouble's words stand in the text; whole phrases weigh by their length."""
    phrases = (trouble.key, *trouble.words)
    return sum(len(phrase) for phrase in phrases if re.search(rf"\b{re.escape(phrase)}", text))
