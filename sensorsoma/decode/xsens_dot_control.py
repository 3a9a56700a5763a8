"""What is said to an Xsens (Movella) DOT: its characteristics, commands and settings record, and how it is started.

Byte tables: `firmware_notes/xsens_dot.md`.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from sensorsoma.decode.driver import Await, Driver, Learned, Pause, Read, Script, Step, Subscribe, Write
from sensorsoma.decode.xsens_dot_frame import MODES, UUID_BASE
from sensorsoma.errors import LinkError

CONFIG_SERVICE_UUID = UUID_BASE.format(0x1000)
INFO_UUID = UUID_BASE.format(0x1001)
SETTINGS_UUID = UUID_BASE.format(0x1002)
REPORT_UUID = UUID_BASE.format(0x1004)
MEASUREMENT_SERVICE_UUID = UUID_BASE.format(0x2000)
CONTROL_UUID = UUID_BASE.format(0x2001)
BATTERY_SERVICE_UUID = UUID_BASE.format(0x3000)
BATTERY_UUID = UUID_BASE.format(0x3001)

BEST_MODE = 26
"""Orientation, acceleration and angular rate; unknown to old firmware."""
FALLBACK_MODE = 21
"""Acceleration and angular rate; every firmware has it."""
DEFAULT_RATE_HZ = 60
STREAM_RATES_HZ = (10, 12, 15, 20, 30, 60)
"""1 and 4 Hz exist too and are of no use here; 120 Hz is for recording on the sensor."""

SETTINGS_SIZE = 32
VISIT_IDENTIFY = 0x01
VISIT_RATE = 0x10
_RATE = struct.Struct("<H")
_RATE_AT = 24

_FIRST_DATA_S = 2.0
"""A sensor that knows the mode sends within a second."""
_STOP_TRIES = 3
_STOP_PAUSE_S = 1.0
"""A running measurement takes a moment to end; a rate or a start given meanwhile is refused."""
_REPORT_SIZE = 36
_REPORT_TYPES = (1, 4, 5, 6, 7)
"""Power off, power saving, one, two and three clicks of the button."""


def measurement_command(mode: int, *, is_start: bool) -> bytes:
    """Begin or end to measure; the mode counts on start only.

    >>> measurement_command(26, is_start=True).hex()
    '01011a'
    """
    return bytes([1, int(is_start), mode])


def rate_of(record: bytes) -> int:
    """The output rate in the settings record, Hz.

    Raises:
        LinkError: the record is shorter than every known firmware's.
    """
    if len(record) < SETTINGS_SIZE:
        raise LinkError(
            f"Expected {SETTINGS_SIZE} bytes of settings from the DOT, found {len(record)}; "
            "update its firmware with the maker's app."
        )
    return int(_RATE.unpack_from(record, _RATE_AT)[0])


def with_rate(record: bytes, rate_hz: int) -> bytes:
    """The settings record to write for another rate; everything else stays as it is."""
    return (
        bytes([VISIT_RATE]) + record[1:_RATE_AT] + _RATE.pack(rate_hz) + record[_RATE_AT + _RATE.size : SETTINGS_SIZE]
    )


def with_identify(record: bytes) -> bytes:
    """The settings record to write so that the light blinks for ten seconds."""
    return bytes([VISIT_IDENTIFY, 1]) + record[2:SETTINGS_SIZE]


def wanted_rate_hz(config: Mapping[str, Any]) -> int:
    """The rate to ask for: the slowest that is as fast as the config's `rate_hz`, at most 60 Hz.

    >>> wanted_rate_hz({}), wanted_rate_hz({"rate_hz": 25}), wanted_rate_hz({"rate_hz": 100})
    (60, 30, 60)
    """
    wanted = float(config.get("rate_hz") or DEFAULT_RATE_HZ)
    return next((rate for rate in STREAM_RATES_HZ if rate >= wanted), STREAM_RATES_HZ[-1])


def mode_of_length(n_bytes: int) -> int | None:
    """The mode that a notification of this length belongs to, of the two that are started here; None for neither.

    >>> mode_of_length(63), mode_of_length(40), mode_of_length(28), mode_of_length(20)
    (26, 21, 21, None)
    """
    if 44 <= n_bytes <= 63:
        return BEST_MODE
    return FALLBACK_MODE if 28 <= n_bytes <= 40 else None


def is_sample(payload: bytes) -> bool:
    """Whether a notification of a payload characteristic has the length of a sample."""
    return mode_of_length(len(payload)) is not None


def is_report(payload: bytes) -> bool:
    """Whether bytes look like a device report; a sample has gravity where a report has zeros."""
    return len(payload) == _REPORT_SIZE and payload[0] in _REPORT_TYPES and not any(payload[6:])


def start(config: Mapping[str, Any]) -> Script:
    """Stops, sets the rate, starts mode 26, or mode 21 where 26 brings nothing.

    Config keys: `rate_hz` (60), `payload_mode` (21: do not try 26).
    """
    with suppress(LinkError):  # what it reports (button, power off) ends the link anyway
        yield Subscribe(REPORT_UUID, is_stream=False)
    yield from _end_measurement()
    rate_hz = yield from _set_rate(wanted_rate_hz(config))
    modes = (FALLBACK_MODE,) if config.get("payload_mode") == FALLBACK_MODE else (BEST_MODE, FALLBACK_MODE)
    failure: LinkError | None = None
    for mode in modes:
        try:
            yield Subscribe(MODES[mode].uuid)  # before the start command: the other way round nothing ever comes
            yield Write(CONTROL_UUID, measurement_command(mode, is_start=True))
            if (yield Await(partial(_is_first, mode), _FIRST_DATA_S)) is not None:
                return Learned({"payload_mode": mode, "rate_hz": rate_hz})
        except LinkError as error:
            failure = error
        with suppress(LinkError):
            yield Write(CONTROL_UUID, measurement_command(mode, is_start=False))
    raise LinkError(
        f"Expected samples from the DOT within {_FIRST_DATA_S:g} s of its start in the modes "
        f"{' and '.join(map(str, modes))}, found none; switch it off and on, and update its firmware."
    ) from failure


def _is_first(mode: int, payload: bytes) -> bool:
    return mode_of_length(len(payload)) == mode and not is_report(payload)


def _end_measurement() -> Generator[Step, bytes | None, None]:
    """Ends what an earlier client or the maker's app has left running."""
    for _ in range(_STOP_TRIES):
        state = yield Read(CONTROL_UUID)
        if state is None or len(state) < 3 or state[1] == 0:
            return
        yield Write(CONTROL_UUID, measurement_command(state[2], is_start=False))
        yield Pause(_STOP_PAUSE_S)


def _set_rate(rate_hz: int) -> Generator[Step, bytes | None, int]:
    """Writes the rate only where it differs, since the sensor keeps it; the rate that it then says it has."""
    record = yield Read(SETTINGS_UUID)
    if record is None or rate_of(record) == rate_hz:
        return rate_hz
    yield Write(SETTINGS_UUID, with_rate(record, rate_hz))
    record = yield Read(SETTINGS_UUID)
    return rate_hz if record is None else rate_of(record)


def stop(config: Mapping[str, Any]) -> Script:
    """Ends the measurement."""
    mode = int(config.get("payload_mode", BEST_MODE))
    yield Write(CONTROL_UUID, measurement_command(mode, is_start=False))
    return Learned()


def identify(_seconds: int) -> Script:
    """Lets the light blink for ten seconds; the sensor knows no other time."""
    record = yield Read(SETTINGS_UUID)
    if record is not None:
        yield Write(SETTINGS_UUID, with_identify(record))
    return Learned()


DRIVER = Driver(
    title="Xsens/Movella DOT",
    start=start,
    stop=stop,
    names=("Xsens DOT", "Movella DOT", "Xsens Dot", "Movella Dot"),
    rate_hz=float(DEFAULT_RATE_HZ),
    battery_uuid=BATTERY_UUID,
    is_sample=is_sample,
    identify=identify,
    wake="press its button for two seconds",
)
