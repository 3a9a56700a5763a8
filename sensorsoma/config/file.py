"""The config file: TOML, small enough to be read and written by hand."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from sensorsoma.decode import DECODERS
from sensorsoma.decode.generic_board import parse_board
from sensorsoma.errors import InputFileError
from sensorsoma.messages import PLACEMENTS, Placement
from sensorsoma.private_files import write_private
from sensorsoma.sources.spec import KINDS


@dataclass(frozen=True, slots=True)
class SensorEntry:
    """One sensor or phone and how it is reached."""

    kind: str
    """"ble", "sensor-logger", "phyphox" or "phone"."""
    address: str | None = None
    """Bluetooth address or identifier; for a phone its secret word, or where phyphox answers."""
    name: str | None = None
    """What it calls itself, for people."""
    sign: str | None = None
    """A phone's sign convention, "+" or "-", once it lay face up in setup; None: found out each time."""
    device: str | None = None
    """For "ble": which kind of sensor it is, as `sensorsoma scan` names it; None: found out each time."""
    acc_fit: Mapping[str, Any] | None = None
    """For "ble": offset (m/s²) and gain of its accelerometer, from `analyze --keep-fit`; None: as it comes."""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that is kept; every field has a default, so no file is needed."""

    person: str | None = None
    """Name used for recordings when several people share this computer."""
    recordings: str = "recordings"
    """Folder for recordings; relative means below the working directory, ~ is the home folder."""
    language: str = "en"
    """Language of the spoken words."""
    phone_port: int = 8000
    """Port on which phones are heard."""
    sensors: Mapping[Placement, SensorEntry] = field(default_factory=dict)
    """By placement."""
    boards: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Boards of one's own by name, as `firmware_notes/generic.md` describes them: how they are found and read."""
    phone_page_port: int = 8443
    """Port of the page that makes a phone's browser a sensor; another one than `phone_port`, which speaks no TLS."""
    phone_page_host: str | None = None
    """Name or address by which phones reach this computer; None: its address in the home network."""
    phone_tls_cert: str | None = None
    """File with a certificate that the phone trusts, for that name; None: one is made, and the phone warns once."""
    phone_tls_key: str | None = None
    """File with its key."""
    voice_folder: str | None = None
    """Folder of recorded sentences that replace the computer's voice; None: there are none."""

    @property
    def recordings_folder(self) -> Path:
        """The folder as a path; it need not exist."""
        return Path(self.recordings).expanduser()

    @property
    def own_voice_folder(self) -> Path | None:
        """The folder with recorded sentences as a path."""
        return Path(self.voice_folder).expanduser() if self.voice_folder else None


_TEXTS = ("person", "recordings", "language", "voice_folder", "phone_page_host", "phone_tls_cert", "phone_tls_key")
_PORTS = ("phone_port", "phone_page_port")
"""Keys that stand above the tables."""


def config_path(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """Where the config file lies: `SENSORSOMA_CONFIG`, or the system's usual folder for settings."""
    env = os.environ if environ is None else environ
    if env.get("SENSORSOMA_CONFIG"):
        return Path(env["SENSORSOMA_CONFIG"]).expanduser()
    home = Path(env["HOME"]) if env.get("HOME") else Path.home()
    if platform == "win32":
        base = Path(env["APPDATA"]) if env.get("APPDATA") else home / "AppData" / "Roaming"
    elif platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(env["XDG_CONFIG_HOME"]) if env.get("XDG_CONFIG_HOME") else home / ".config"
    return base / "sensorsoma" / "config.toml"


def load_config(path: Path | None = None) -> Config:
    """The config; all defaults when there is no file.

    Raises:
        InputFileError: the file cannot be read, is not TOML, or holds something that is not known; one sentence.
    """
    path = path or config_path()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise InputFileError(f"The config file {path} cannot be read ({error}); mend or remove it.") from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputFileError(f"The config file {path} is not valid TOML: {error}; mend or remove it.") from error
    return parse_config(data, str(path))


def parse_config(data: Mapping[str, Any], where: str = "the config") -> Config:
    """A config from TOML data.

    Raises:
        InputFileError: an unknown key, or a value of the wrong kind.
    """
    known = [one.name for one in fields(Config)]
    _refuse_unknown(data, known, where)
    values: dict[str, Any] = {}
    for name in _TEXTS:
        if name in data:
            values[name] = _text(data[name], name, where)
    for name in _PORTS:
        if name in data:
            values[name] = _port(data[name], name, where)
    if ("phone_tls_cert" in data) != ("phone_tls_key" in data):
        raise InputFileError(f"Expected phone_tls_cert and phone_tls_key together in {where}; give both or neither.")
    sensors = data.get("sensors", {})
    if not isinstance(sensors, dict):
        raise InputFileError(f"Expected a table [sensors.PLACEMENT] in {where}, found {sensors!r}.")
    values["sensors"] = {
        cast(Placement, placement): _sensor(placement, entry, where) for placement, entry in sensors.items()
    }
    values["boards"] = _boards(data.get("boards", {}), where)
    return Config(**values)


def _boards(data: Any, where: str) -> dict[str, Mapping[str, Any]]:
    if not isinstance(data, dict):
        raise InputFileError(f"Expected a table [boards.NAME] in {where}, found {data!r}.")
    for name, table in data.items():
        if name in DECODERS:
            raise InputFileError(
                f"Expected a board's own name in [boards.{name}] in {where}, but {name} is a built-in "
                "kind; choose another name."
            )
        parse_board(table, f"[boards.{name}] in {where}")
    return dict(data)


def _sensor(placement: str, entry: Any, where: str) -> SensorEntry:
    table = f"[sensors.{placement}] in {where}"
    if placement not in PLACEMENTS:
        raise InputFileError(f"Expected one of {', '.join(PLACEMENTS)} in [sensors.…], found {placement!r} in {where}.")
    if not isinstance(entry, dict):
        raise InputFileError(f"Expected a table {table}, found {entry!r}.")
    _refuse_unknown(entry, [one.name for one in fields(SensorEntry)], table)
    values: dict[str, Any] = {name: _text(value, name, table) for name, value in entry.items() if name != "acc_fit"}
    if "acc_fit" in entry:
        values["acc_fit"] = _acc_fit(entry["acc_fit"], table)
    if values.get("kind") not in KINDS:
        raise InputFileError(f"Expected kind as one of {', '.join(KINDS)} in {table}, found {values.get('kind')!r}.")
    if values.get("sign") not in (None, "+", "-"):
        raise InputFileError(f'Expected sign as "+" or "-" in {table}, found {values["sign"]!r}.')
    return SensorEntry(**values)


def _acc_fit(value: Any, table: str) -> dict[str, Any]:
    """Three offsets and three gains that an accelerometer can have; what else stands there is kept."""
    is_table = isinstance(value, dict)
    for name, low, high in (("offset_mps2", -2.0, 2.0), ("gain", 0.8, 1.25)):
        numbers = value.get(name) if is_table else None
        is_list = isinstance(numbers, list) and len(numbers) == 3
        if not is_list or not all(type(n) in (int, float) and low <= n <= high for n in numbers or ()):
            raise InputFileError(
                f"Expected acc_fit in {table} to hold three numbers from {low:g} to {high:g} as {name}, "
                f"found {numbers!r}; remove it or let analyze --keep-fit write it."
            )
    return dict(value)


def _refuse_unknown(data: Mapping[str, Any], known: list[str], where: str) -> None:
    for key in data:
        if key not in known:
            close = get_close_matches(key, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}."
            raise InputFileError(f"Found an unknown key {key!r} in {where}{hint}")


def _port(value: Any, name: str, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 65535:
        raise InputFileError(f"Expected a port from 1 to 65535 as {name} in {where}, found {value!r}.")
    return value


def _text(value: Any, name: str, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputFileError(f"Expected text in quotes as {name} in {where}, found {value!r}.")
    return value


# ---------------------------------------------------------------------------------------------------- writing


def config_text(config: Config) -> str:
    """The config as TOML; reading it back gives an equal config."""
    lines = ["# Settings of SensorSoma; `sensorsoma setup` writes this file, and it may be edited by hand."]
    lines += [f"{name} = {quote(value)}" for name in _TEXTS if (value := getattr(config, name)) is not None]
    lines += [f"{name} = {getattr(config, name)}" for name in _PORTS]
    for placement in PLACEMENTS:
        entry = config.sensors.get(placement)
        if entry is None:
            continue
        lines += ["", f"[sensors.{placement}]"]
        lines += [
            f"{one.name} = {_value(value)}"
            for one in fields(SensorEntry)
            if (value := getattr(entry, one.name)) is not None
        ]
    for name, board in config.boards.items():
        lines += ["", f"[boards.{_key(name)}]"]
        lines += [f"{_key(key)} = {_value(value)}" for key, value in board.items()]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quote(name)


def _value(value: Any) -> str:
    """A TOML value: text, number, truth, list or inline table."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value)


def quote(text: str) -> str:
    r"""A TOML basic string.

    >>> print(quote('C:\\night "one"'))
    "C:\\night \"one\""
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda match: f"\\u{ord(match[0]):04x}", escaped) + '"'


def save_config(config: Config, path: Path | None = None) -> Path:
    """Writes the config at once or not at all; readable by its owner only. Returns the path.

    Raises:
        InputFileError: the file cannot be written; the old one is untouched.
    """
    path = path or config_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, config_text(config).encode())
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputFileError(f"The config file {path} cannot be written ({reason}); nothing was changed.") from error
    return path
