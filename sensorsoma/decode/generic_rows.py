"""Rows of numbers out of the packets of a board that is described in the config file: packed, or as lines of text."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sensorsoma.decode.generic_board import ACC_FIELDS, COUNTER_FIELD, GYR_FIELDS, TICKS, Board
from sensorsoma.decode.generic_layout import Layout
from sensorsoma.messages import Floats

LONGEST_LINE = 512
"""Bytes; what has no end until then is no line of numbers."""
FARTHEST = 1e15
"""Counts of a time or a counter; beyond it float numbers have gaps, and no board has run for so long."""
SMALLEST_PAYLOAD = 20
"""What an MTU of 23 leaves: packets that are cut there are a common mistake."""
_BETWEEN = re.compile(rb"[,;\s]+")
_NUMPY = {
    "b": "i1", "B": "u1", "h": "i2", "H": "u2", "i": "i4", "I": "u4", "l": "i4", "L": "u4", "q": "i8", "Q": "u8",
    "e": "f2", "f": "f4", "d": "f8",
}  # fmt: skip


class RowsError(ValueError):
    """Bytes that are not what the board's description says."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """What one packet holds, in SI units but for time and counter."""

    acc_sensor_mps2: Floats
    """`(n, 3)`."""
    gyr_sensor_radps: Floats | None
    """`(n, 3)`; None without gyroscope."""
    time: Floats | None = None
    """`(n,)` counts of the board's clock, or `(1,)` for the first sample where a packet has one time for all."""
    counter: Floats | None = None
    """`(n,)` numbers of the samples."""
    bad: str = ""
    """What could not be read, in words; empty for nothing."""

    def kept(self, mask: NDArray[np.bool_]) -> Samples:
        """Only these samples."""
        if mask.all():
            return self
        gyr, time, counter = self.gyr_sensor_radps, self.time, self.counter
        return Samples(
            self.acc_sensor_mps2[mask],
            None if gyr is None else gyr[mask],
            time[mask] if time is not None and len(time) == len(mask) else time,
            None if counter is None else counter[mask],
            self.bad,
        )


class RowsReader:
    """Reads the packets of one board.

    Args:
        board: its description.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        bare = [field.lstrip("-") for field in board.fields]
        signs = [-1.0 if field.startswith("-") else 1.0 for field in board.fields]
        self._acc = [bare.index(field) for field in ACC_FIELDS]
        self._acc_scale = np.array([signs[at] for at in self._acc]) * board.acc_scale
        self._gyr = [bare.index(field) for field in GYR_FIELDS] if board.has_gyroscope else []
        self._gyr_scale = np.array([signs[at] for at in self._gyr]) * board.gyr_scale
        self._time = next((at for at, field in enumerate(bare) if field in TICKS or field == "t"), None)
        self._counter = bare.index(COUNTER_FIELD) if COUNTER_FIELD in bare else None
        self._head_time = next((at for at, name in enumerate(board.head_fields) if name in TICKS or name == "t"), None)
        self._head_counter = board.head_fields.index(COUNTER_FIELD) if COUNTER_FIELD in board.head_fields else None
        self._row = None if board.layout is None else _dtype(board.layout)
        self._head = None if board.head is None else _dtype(board.head)
        self._lines = Lines(len(board.fields), board.is_line_per_packet)

    def restart(self) -> None:
        """Forgets half a line from before a lost link."""
        self._lines.restart()

    def read(self, payload: bytes) -> Samples:
        """The samples of a packet; rows with a number that is none are left out and told.

        Raises:
            RowsError: the length does not fit.
        """
        if self._row is None:
            rows, bad = self._lines.feed(payload)
            head: Floats = np.empty(0)
        else:
            rows, head = self._unpacked(payload)
            bad = ""
        samples = self._samples(rows, head, bad)
        is_good = np.asarray(np.isfinite(rows[:, self._acc + self._gyr]).all(axis=1), dtype=np.bool_)
        for numbers in (samples.time, samples.counter):
            if numbers is not None:
                is_good = is_good & np.isfinite(numbers) & (np.abs(numbers) < FARTHEST)
        if is_good.all():
            return samples
        kept = samples.kept(is_good)
        told = f"expected finite numbers, found {np.count_nonzero(~is_good)} rows with others"
        return Samples(kept.acc_sensor_mps2, kept.gyr_sensor_radps, kept.time, kept.counter, bad or told)

    def _unpacked(self, payload: bytes) -> tuple[Floats, Floats]:
        board = self._board
        assert board.layout is not None
        assert self._row is not None
        begin, size = board.head.size if board.head is not None else 0, board.layout.size
        n = board.samples_per_packet or max(1, (len(payload) - begin) // size)
        if len(payload) != begin + n * size:
            cut = "; was it cut at the MTU of 23?" if len(payload) == SMALLEST_PAYLOAD else ""
            raise RowsError(f"expected {begin + n * size} bytes for {n} samples, found {len(payload)}{cut}")
        rows = _columns(np.frombuffer(payload, self._row, count=n, offset=begin))
        head = np.empty(0) if self._head is None else _columns(np.frombuffer(payload, self._head, count=1))[0]
        return rows, head

    def _samples(self, rows: Floats, head: Floats, bad: str) -> Samples:
        time = None if self._time is None else rows[:, self._time]
        counter = None if self._counter is None else rows[:, self._counter]
        if self._head_time is not None:
            time = head[[self._head_time]]
        if self._head_counter is not None:
            counter = head[self._head_counter] + np.arange(len(rows))
        gyr = rows[:, self._gyr] * self._gyr_scale if self._gyr else None
        return Samples(rows[:, self._acc] * self._acc_scale, gyr, time, counter, bad)


class Lines:
    """Lines of numbers, cut anywhere by notifications; at most one unfinished line is remembered.

    The first line after a start is passed over: nobody knows whether it was heard from its beginning.

    Args:
        n_columns: numbers in a line, separated by commas, semicolons, tabs or spaces.
        is_line_per_packet: every packet is a whole line.

    >>> lines = Lines(3)
    >>> lines.feed(b"0.98\\n0.1,0.2,0.9")[0].tolist(), lines.feed(b"7\\r\\n")[0].tolist()
    ([], [[0.1, 0.2, 0.97]])
    """

    def __init__(self, n_columns: int, is_line_per_packet: bool = False) -> None:
        self._n_columns = n_columns
        self._is_line_per_packet = is_line_per_packet
        self._rest = b""
        self._is_in_step = is_line_per_packet

    def restart(self) -> None:
        """Forgets what is unfinished."""
        self._rest, self._is_in_step = b"", self._is_line_per_packet

    def feed(self, payload: bytes) -> tuple[Floats, str]:
        """`(n, n_columns)` numbers of the lines that this packet completes, and what was wrong with the others."""
        *lines, self._rest = (self._rest + payload + (b"\n" if self._is_line_per_packet else b"")).split(b"\n")
        if lines and not self._is_in_step:
            del lines[0]
            self._is_in_step = True
        bad = ""
        if len(self._rest) > LONGEST_LINE:
            bad = f"expected a line of at most {LONGEST_LINE} bytes, found none"
            self._rest, self._is_in_step = b"", False
        rows: list[list[float]] = []
        for line in lines:
            text = line.strip()
            numbers = self._numbers(text)
            if numbers is not None:
                rows.append(numbers)
            elif text:
                found = text[:40].decode("ascii", "replace")
                bad = f"expected lines of {self._n_columns} numbers, found {found!r}"
        return np.array(rows, dtype=np.float64).reshape(len(rows), self._n_columns), bad

    def _numbers(self, line: bytes) -> list[float] | None:
        parts = _BETWEEN.split(line)
        if len(parts) != self._n_columns:
            return None
        try:
            return [float(part) for part in parts]
        except ValueError:
            return None


class Counting:
    """A number that rises from sample to sample, with its wraps counted: a board's clock, or its sample number.

    Args:
        wrap: counts after which it begins again; None for never.
        per_s: counts in a second, about.
    """

    restart_s = 1.0
    """Further behind than this, it has begun anew; less, a sample came late or twice."""

    def __init__(self, wrap: int | None, per_s: float) -> None:
        self._wrap = float(wrap) if wrap else None
        self._per_s = per_s
        self._last: float | None = None
        self._last_raw = 0.0
        self._last_host_s = 0.0

    def restart(self) -> None:
        """The next number may be any."""
        self._last = None

    def take(self, raw: Floats, host_s: float) -> tuple[Floats, NDArray[np.bool_]]:
        """Unwrapped numbers, and which of them are new: above all before, or all of a count that began anew.

        Args:
            raw: `(n,)` as sent, n > 0.
            host_s: arrival, for silences longer than half a wrap.
        """
        before = float(raw[0]) if self._last is None else self._last
        steps = np.diff(raw, prepend=raw[0] if self._last is None else self._last_raw)
        if self._wrap is not None:
            steps = (steps + self._wrap / 2) % self._wrap - self._wrap / 2
            elapsed = (host_s - self._last_host_s) * self._per_s
            if self._last is not None and elapsed > self._wrap / 2:
                ahead = float(steps[0]) % self._wrap
                steps[0] = ahead + self._wrap * max(0, round((elapsed - ahead) / self._wrap))
        values: Floats = np.asarray(before + np.cumsum(steps), dtype=np.float64)
        floor = -np.inf if self._last is None else self._last
        if float(values.max()) < floor - self.restart_s * self._per_s:
            floor = -np.inf
        is_new = values > np.maximum.accumulate(np.concatenate(([floor], values[:-1])))
        if is_new.any():
            at = int(np.flatnonzero(is_new)[-1])
            self._last, self._last_raw, self._last_host_s = float(values[at]), float(raw[at]), host_s
        return values, is_new


def _dtype(layout: Layout) -> np.dtype[np.void]:
    return np.dtype({
        "names": [str(at) for at in range(len(layout.codes))],
        "formats": [layout.order + _NUMPY[code] for code in layout.codes],
        "offsets": list(layout.offsets),
        "itemsize": layout.size,
    })  # fmt: skip


def _columns(table: NDArray[np.void]) -> Floats:
    return np.stack([table[name].astype(np.float64) for name in table.dtype.names or ()], axis=1)
