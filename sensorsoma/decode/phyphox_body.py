"""What the app phyphox answers over HTTP, read: `/config` and `/get`. Wire format: `firmware_notes/phyphox.md`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from sensorsoma.messages import Floats

Buffers = Mapping[str, Mapping[str, str]]
"""Name of the buffer by sensor ("acc", "gyr") and column ("t", "x", "y", "z"); sensors that are not there are left out.
This is what the decoder's config holds under `buffers`."""

Mode = Literal["single", "partial", "full"]

SOURCES: Mapping[str, str] = {"acc": "accelerometer", "gyr": "gyroscope"}
"""How `/config` calls the sensors that are used; `linear_acceleration` has no gravity in it and is of no use."""

COLUMNS = ("t", "x", "y", "z")

USUAL_BUFFERS: Buffers = {
    "acc": {"t": "acc_time", "x": "accX", "y": "accY", "z": "accZ"},
    "gyr": {"t": "gyr_time", "x": "gyrX", "y": "gyrY", "z": "gyrZ"},
}
"""Names in experiments that were put together in the app; for answers whose `/config` was not kept."""

MAX_NUMBER = 1e9
"""No time, acceleration or rate is as large; what is, is not a number that was measured."""


class BodyError(ValueError):
    """The bytes are no answer of phyphox; says what was found instead."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """What `/config` tells of the experiment that is open in the app."""

    title: str
    buffers: Buffers
    """Sensors with all four columns."""
    sizes: Mapping[str, int]
    """Values that a buffer holds before the oldest is dropped, by name; 0 means all."""


@dataclass(frozen=True, slots=True)
class Track:
    """Readings of one sensor in one answer."""

    mode: Mode
    t_s: Floats
    """`(n,)` seconds of experiment time, as sent: they may repeat."""
    values: Floats
    """`(n, 3)` x, y, z as sent; NaN where the app says null."""

    @property
    def newest_s(self) -> float | None:
        """The latest time; None without any."""
        times = self.t_s[np.isfinite(self.t_s)]
        return float(times.max()) if times.size else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What `/get` answers."""

    session: str
    """Changes with every experiment that is opened; empty where it is missing (old versions on iPhones)."""
    is_measuring: bool
    is_timed: bool
    """A timed run: it may count down before it measures, and it ends by itself."""
    tracks: Mapping[str, Track]
    """By sensor; one whose buffers are not in the answer is left out."""


def parse_body(body: bytes) -> dict[str, Any]:
    """The JSON object that a body holds.

    Raises:
        BodyError: it holds none.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BodyError(f"expected JSON, found {len(body)} bytes that are not") from error
    if not isinstance(data, dict):
        raise BodyError("expected an object")
    return data


def is_config(data: Mapping[str, Any]) -> bool:
    """Whether this is an answer of `/config` rather than of `/get`."""
    return isinstance(data.get("inputs"), list) and isinstance(data.get("buffers"), list)


def read_config(data: Mapping[str, Any]) -> Experiment:
    """The experiment that `/config` tells of.

    Raises:
        BodyError: this is not an answer of `/config`.

    >>> body = b'''{"title": "Leg", "buffers": [{"name": "T", "size": 0}], "inputs": [{"source": "accelerometer",
    ...             "outputs": [{"x": "A"}, {"y": "B"}, {"z": "C"}, {"abs": "D"}, {"t": "T"}]}]}'''
    >>> read_config(parse_body(body)).buffers
    {'acc': {'t': 'T', 'x': 'A', 'y': 'B', 'z': 'C'}}
    """
    if not is_config(data):
        raise BodyError("expected lists called inputs and buffers")
    buffers = {sensor: names for sensor in SOURCES if (names := _names_of(SOURCES[sensor], data["inputs"])) is not None}
    sizes: dict[str, int] = {}
    for each in data["buffers"]:
        if isinstance(each, dict) and isinstance(each.get("name"), str) and isinstance(each.get("size"), int):
            sizes[each["name"]] = each["size"]
    return Experiment(_text(data.get("title")), buffers, sizes)


def _names_of(source: str, inputs: list[Any]) -> dict[str, str] | None:
    """Buffers of the first input with this source that fills all four columns."""
    for each in inputs:
        if not isinstance(each, dict) or each.get("source") != source or not isinstance(each.get("outputs"), list):
            continue
        found: dict[str, str] = {}
        for output in each["outputs"]:
            if isinstance(output, dict):
                found.update({key: name for key, name in output.items() if isinstance(name, str) and name})
        if all(column in found for column in COLUMNS):
            return {column: found[column] for column in COLUMNS}
    return None


def buffers_from(config: Any) -> Buffers | None:
    """Buffer names out of a decoder's config; None where they are missing or not complete."""
    if not isinstance(config, Mapping):
        return None
    found: dict[str, dict[str, str]] = {}
    for sensor in SOURCES:
        names = config.get(sensor)
        if isinstance(names, Mapping) and all(isinstance(names.get(column), str) for column in COLUMNS):
            found[sensor] = {column: names[column] for column in COLUMNS}
    return found if "acc" in found else None


def read_answer(data: Mapping[str, Any], buffers: Buffers) -> Answer:
    """What `/get` answered.

    Raises:
        BodyError: this is not an answer of `/get`.

    >>> body = b'''{"buffer": {"acc_time": {"size": 0, "updateMode": "partial", "buffer": [1.2304112E1]},
    ...   "accX": {"updateMode": "partial", "buffer": [0.5]}, "accY": {"updateMode": "partial", "buffer": [null]},
    ...   "accZ": {"updateMode": "partial", "buffer": [9.75, 9.8]}}, "status": {"session": "1a", "measuring": true}}'''
    >>> answer = read_answer(parse_body(body), USUAL_BUFFERS)
    >>> answer.tracks["acc"].t_s.tolist(), answer.tracks["acc"].values.tolist()
    ([12.304112], [[0.5, nan, 9.75]])
    """
    found, status = data.get("buffer"), data.get("status")
    if not isinstance(found, dict) or not isinstance(status, dict):
        raise BodyError("expected objects called buffer and status")
    tracks: dict[str, Track] = {}
    for sensor, names in buffers.items():
        track = _track([found.get(names[column]) for column in COLUMNS])
        if track is not None:
            tracks[sensor] = track
    return Answer(_text(status.get("session")), status.get("measuring") is True, status.get("timedRun") is True, tracks)


def _track(parts: list[Any]) -> Track | None:
    """Four columns as one track. The app may add a reading to one buffer before the next is read, so the columns may
    differ in length; what they share from the beginning belongs together."""
    columns: list[list[Any]] = []
    for part in parts:
        values = part.get("buffer") if isinstance(part, dict) else None
        if not isinstance(values, list):
            return None
        columns.append(values)
    n = min(len(column) for column in columns)
    table = np.array([[_number(value) for value in column[:n]] for column in columns], dtype=np.float64).reshape(4, n)
    mode = parts[0].get("updateMode")
    return Track(mode if mode in get_args(Mode) else "partial", table[0], table[1:].T)


def _number(value: Any) -> float:
    """The value as float; NaN for anything that is not a number of moderate size."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    return float(value) if abs(value) < MAX_NUMBER else math.nan


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
