"""A phone with phyphox, written from the sources of its remote access, quirks included.

What is known of both systems and of versions before a fix of September 2022 (phyphox-android `RemoteServer.java` and
`ExperimentTimeReference.java`, its issues 34 and 84; phyphox-ios `ExperimentWebServer.swift`):

- `/get` without bound gives the last value, with `full` the whole buffer, with a bound what lies above it, where the
  bound belongs to the buffer after the bar. The bound is lifted by one unit of its eighth digit.
- Android writes eight digits and hangs up after each answer; an iPhone writes all digits, in any order of the buffers.
- Old Android versions do not decode the bar: a bound with `%7C` is no number, and the connection is closed without a
  word. A negative bound was no number either, and gave the last value. Still older ones did not lift the bound.
- Old iPhone versions read one buffer after the other, so that the columns can differ in length.
- Experiment time stands still while paused; clearing stops the measurement, empties the buffers and makes the next
  answer a full one; opening another experiment changes the session. Buffers that do not exist are passed over.
"""

from __future__ import annotations

import json
import math
import random
import socketserver
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from sensorsoma.clock import Clock
from sensorsoma.messages import Floats
from sensorsoma.units import NS_PER_S

System = Literal["android", "old_android", "oldest_android", "iphone", "old_iphone"]

ACC = {"t": "acc_time", "x": "accX", "y": "accY", "z": "accZ"}
GYR = {"t": "gyr_time", "x": "gyrX", "y": "gyrY", "z": "gyrZ"}


@dataclass(frozen=True, slots=True)
class Felt:
    """What a phone's sensor feels, by world time."""

    t_s: Floats
    values: Floats


@dataclass(slots=True)
class Input:
    """One sensor of an experiment: where its columns go."""

    source: str
    felt: Felt
    names: dict[str, str]


@dataclass(slots=True)
class Experiment:
    """What is open in the app."""

    inputs: list[Input]
    title: str = "Leg"
    size: int = 0
    """Of every buffer; 0 keeps everything."""
    buffers: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.buffers = {name: [] for each in self.inputs for name in each.names.values()}


def simple_experiment(acc: Felt, gyr: Felt | None, size: int = 0) -> Experiment:
    """Accelerometer and gyroscope, as "add simple experiment" makes it."""
    inputs = [Input("accelerometer", acc, ACC)]
    if gyr is not None:
        inputs.append(Input("gyroscope", gyr, GYR))
    return Experiment(inputs, size=size)


class PhyphoxPhone:
    """The app: an experiment, its clock and its buffers, filled as time passes.

    Args:
        experiment: what is open.
        clock: world time, real or scaled.
        system: which app answers.
    """

    def __init__(self, experiment: Experiment, clock: Clock, system: System = "android") -> None:
        self.system = system
        self.lock = threading.RLock()
        self.questions: list[str] = []
        """Requests as they came, with their encoding."""
        self.refuses_to_start = False
        self.delay_s = 0.0
        """Real. Every answer comes this much later."""
        self.is_away = False
        """Out of the Wi-Fi: connections are taken and dropped without a word."""
        self.is_hanging = False
        """Asleep: connections are taken and nothing is said."""
        self.drop_share = 0.0
        """Share of answers that are cut short."""
        self.dice = random.Random(7)
        self._clock = clock
        self._begin_ns = clock.now_ns()
        self._session = 0x1A2B3C
        self._open(experiment)

    @property
    def world_s(self) -> float:
        """World time now: what the sensors feel."""
        return (self._clock.now_ns() - self._begin_ns) / NS_PER_S

    def _open(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.is_measuring = False
        self.session = f"{self._session:06x}"
        self.is_forcing_full = False
        self._paused_s = 0.0
        """Experiment time at the last pause."""
        self._since_s = 0.0
        """World time of the last start."""
        self._taken = [0] * len(experiment.inputs)
        self._torn = 0

    # ------------------------------------------------------------------------------ what a person does on the phone

    def open(self, experiment: Experiment) -> None:
        """Another experiment: a new session."""
        with self.lock:
            self._session += 1
            self._open(experiment)

    def start(self) -> bool:
        """Press play."""
        with self.lock:
            if self.refuses_to_start:
                return False
            if not self.is_measuring:
                self.is_measuring, self._since_s = True, self.world_s
                for index, each in enumerate(self.experiment.inputs):
                    self._taken[index] = int(np.searchsorted(each.felt.t_s, self._since_s))
            return True

    def stop(self) -> None:
        """Press pause."""
        with self.lock:
            self._advance()
            if self.is_measuring:
                self._paused_s += self.world_s - self._since_s
            self.is_measuring = False

    def clear(self) -> None:
        """Clear data."""
        with self.lock:
            self.stop()
            self._paused_s = 0.0
            for buffer in self.experiment.buffers.values():
                buffer.clear()
            self.is_forcing_full = True

    # ------------------------------------------------------------------------------------------------- what it does

    def _advance(self) -> None:
        """Takes what the sensors felt up to now into the buffers."""
        if not self.is_measuring:
            return
        now_s = self.world_s
        for index, each in enumerate(self.experiment.inputs):
            begin, end = self._taken[index], int(np.searchsorted(each.felt.t_s, now_s, side="right"))
            if end <= begin:
                continue
            self._taken[index] = end
            times = self._paused_s + each.felt.t_s[begin:end] - self._since_s
            for column, values in zip("txyz", [times, *each.felt.values[begin:end].T], strict=True):
                self._fill(each.names[column], values.tolist())

    def _fill(self, name: str, values: list[float]) -> None:
        buffer = self.experiment.buffers[name]
        buffer.extend(values)
        if self.experiment.size:
            del buffer[: -self.experiment.size]

    def config(self) -> str:
        """The answer of `/config`."""
        inputs: list[dict[str, Any]] = [
            {"source": each.source, "outputs": [{column: each.names[column]} for column in "xyzt"]}
            for each in self.experiment.inputs
        ]
        inputs.append({"source": "bluetooth"})
        return json.dumps({
            "crc32": "7d2c0b11", "title": self.experiment.title, "localTitle": self.experiment.title,
            "category": "Meins", "localCategory": "Meins",
            "buffers": [{"name": name, "size": self.experiment.size} for name in self.experiment.buffers],
            "inputs": inputs, "export": [],
        })  # fmt: skip

    def control(self, query: str) -> str:
        """The answer of `/control`."""
        command = urllib.parse.parse_qs(query).get("cmd", [""])[0]
        if command == "start":
            return '{"result": true}' if self.start() else '{"result": false}'
        if command == "stop":
            self.stop()
        elif command == "clear":
            self.clear()
        else:
            return '{"result": false}'
        return '{"result": true}'

    def get(self, query: str) -> str | None:
        """The answer of `/get`; None for a request that cannot be understood."""
        self._advance()
        requests = [part.partition("=")[::2] for part in query.split("&") if part]
        is_forced, answers = self.is_forcing_full, {}
        if requests:
            self.is_forcing_full = False
        for name_text, bound_text in requests:
            name = urllib.parse.unquote(name_text)
            try:
                mode, bound, reference = self._bound(bound_text, is_forced)
            except ValueError:
                return None
            if name not in self.experiment.buffers:
                continue
            if (reference or name) not in self.experiment.buffers:
                return None
            answers[name] = self._values(name, mode, bound, reference or name)
        return self._written(answers)

    def _bound(self, text: str, is_forced: bool) -> tuple[str, float, str]:
        """Mode, bound and the buffer it belongs to.

        Raises:
            ValueError: it is no number.
        """
        if not text:
            return "single", math.nan, ""
        if text == "full" or is_forced:
            return "full", -math.inf, ""
        is_old = self.system in ("old_android", "oldest_android")
        bound_text, _, reference = (text if is_old else urllib.parse.unquote(text)).partition("|")
        bound = float(bound_text)
        if is_old and bound < 0:
            return "single", math.nan, ""
        if bound and self.system not in ("oldest_android", "old_iphone"):
            bound += 10.0 ** math.floor(math.log10(abs(bound) / 1e7))
        return "partial", bound, reference

    def _values(self, name: str, mode: str, bound: float, reference: str) -> tuple[str, list[float]]:
        values = self.experiment.buffers[name]
        if mode == "single":
            return mode, [values[-1] if values else math.nan]
        by = self.experiment.buffers[reference]
        kept = [value for value, at in zip(values, by, strict=True) if not at <= bound]
        return mode, kept

    def _written(self, answers: dict[str, tuple[str, list[float]]]) -> str:
        if self.system in ("iphone", "old_iphone"):
            names = list(answers)
            self.dice.shuffle(names)
            if self.system == "old_iphone":
                self._tear(answers)
            buffers = {
                name: {
                    "size": self.experiment.size,
                    "updateMode": answers[name][0],
                    "buffer": [value if math.isfinite(value) else None for value in answers[name][1]],
                }
                for name in names
            }
            status = {"session": self.session, "measuring": self.is_measuring, "timedRun": False, "countDown": 0}
            return json.dumps({"buffer": buffers, "status": status})
        size = self.experiment.size
        parts = [
            f'"{name}":{{"size":{size},"updateMode":"{mode}", "buffer":[{",".join(map(written, values))}]}}'
            for name, (mode, values) in answers.items()
        ]
        measuring = "true" if self.is_measuring else "false"
        return (
            '{"buffer":{\n' + ",\n".join(parts) + '\n},\n"status":{\n'
            f'"session":"{self.session}", "measuring":{measuring}, "timedRun":false, "countDown":0\n}}\n}}\n'
        )

    def _tear(self, answers: dict[str, tuple[str, list[float]]]) -> None:
        """The buffers are read one after the other while a reading is written: some have it already."""
        for index, (name, (mode, values)) in enumerate(answers.items()):
            self._torn += 1
            if mode == "partial" and values and (self._torn + index) % 3 == 0:
                answers[name] = mode, values[:-1]


def written(value: float) -> str:
    """A number as Java's `DecimalFormat("0.#######E0")` writes it; null for what is none.

    >>> written(12.3041124), written(-0.14530182), written(0.0), written(float("nan"))
    ('1.2304112E1', '-1.4530182E-1', '0E0', 'null')
    """
    if not math.isfinite(value):
        return "null"
    mantissa, _, exponent = f"{value:.7E}".partition("E")
    return f"{mantissa.rstrip('0').rstrip('.')}E{int(exponent)}"


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def serving(phone: PhyphoxPhone, port: int = 0) -> Iterator[int]:
    """Answers for a phone on the loopback interface, in threads of its own; gives the port."""

    class Handler(socketserver.StreamRequestHandler):
        timeout = 10.0

        def handle(self) -> None:
            with suppress(OSError, ValueError, IndexError):  # whoever asked has hung up
                self._answer()

        def _answer(self) -> None:
            if phone.is_away:
                return
            target = self.rfile.readline(65536).decode("latin-1").split(" ")[1]
            while self.rfile.readline(65536).strip():
                pass
            while phone.is_hanging:
                time.sleep(0.01)
            if phone.delay_s:
                time.sleep(phone.delay_s)
            path, _, query = target.partition("?")
            with phone.lock:
                phone.questions.append(target)
                text = {"/config": phone.config, "/control": lambda: phone.control(query),
                        "/get": lambda: phone.get(query)}.get(path, lambda: "")()  # fmt: skip
                is_cut = phone.dice.random() < phone.drop_share
            if text is None:
                if phone.system.endswith("android") and phone.system != "android":
                    return  # the number format exception ends the connection
                self.wfile.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            status = "200 OK" if text else "404 Not Found"
            body = text.encode()
            head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            self.wfile.write((head.encode() + body)[: 100 if is_cut else None])

    with _Server(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            phone.is_hanging = False
            server.shutdown()
            thread.join()
