"""Samples of imported files: the file's own time is kept exactly.

A packet is a little-endian float64 table, row by row: `t_s, acc_x, acc_y, acc_z` or, with a gyroscope,
`t_s, acc_x, acc_y, acc_z, gyr_x, gyr_y, gyr_z`, in seconds since the file's first sample, m/s² and rad/s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sensorsoma.decode.base import Decoded
from sensorsoma.decode.timebase import Intervals
from sensorsoma.messages import BadPacket, Floats, Gap, ImuBlock, Packet

GAP_INTERVALS = 4.0
"""A step longer than this many sample intervals is a gap; files with irregular stamps vary by up to 2."""
GAP_MIN_S = 0.1
"""And longer than this: shorter holes lie within what every filter here bridges."""


def encode_rows(t_s: ArrayLike, acc_mps2: ArrayLike, gyr_radps: ArrayLike | None = None) -> bytes:
    """The payload that `RowsDecoder` reads.

    Args:
        t_s: `(n,)` seconds.
        acc_mps2: `(n, 3)`.
        gyr_radps: `(n, 3)`, or None for four columns.

    >>> encode_rows([0.0], [[0.0, 0.0, 9.81]]).hex()
    '0000000000000000000000000000000000000000000000001f85eb51b89e2340'
    """
    parts = [np.asarray(t_s, dtype="<f8")[:, np.newaxis], np.asarray(acc_mps2, dtype="<f8")]
    if gyr_radps is not None:
        parts.append(np.asarray(gyr_radps, dtype="<f8"))
    return np.ascontiguousarray(np.hstack(parts)).astype("<f8").tobytes()


class RowsDecoder:
    """Float rows into blocks; time stays as it is in the file.

    Config:
        `columns`: 4 (default) or 7, see the module.
        `rate_hz`: estimated from the whole file by the importer; without it, the rate is estimated on the way.
    """

    name = "rows"

    def __init__(self, channel: str, epoch_ns: int, config: Mapping[str, Any]) -> None:
        self._channel = channel
        self._epoch_ns = epoch_ns
        self._n_columns = 7 if config.get("columns", 4) == 7 else 4
        self._rate_hz = _positive(config.get("rate_hz"))
        self._intervals = Intervals()
        self._last_t_s: float | None = None

    def feed(self, packet: Packet) -> tuple[Decoded, ...]:
        """Blocks and gaps of one packet; rows that repeat, go back or are not finite are left out and reported."""
        row_bytes = 8 * self._n_columns
        if not packet.payload or len(packet.payload) % row_bytes:
            reason = f"expected rows of {row_bytes} bytes, found {len(packet.payload)} bytes"
            return (BadPacket(packet.host_ns, self._channel, reason),)
        rows = np.frombuffer(packet.payload, dtype="<f8").reshape(-1, self._n_columns)
        out: list[Decoded] = []
        finite = np.isfinite(rows).all(axis=1)
        if not finite.all():
            out.append(self._bad(packet, int((~finite).sum()), "with values that are not numbers"))
            rows = rows[finite]
        forward = self._is_forward(rows[:, 0])
        if not forward.all():
            out.append(self._bad(packet, int((~forward).sum()), "whose time repeats or goes back"))
            rows = rows[forward]
        if len(rows):
            out.extend(self._blocks(rows))
        return tuple(out)

    def resumed(self, host_ns: int) -> None:
        """Nothing: a file has one clock."""

    def finish(self) -> tuple[Decoded, ...]:
        """Nothing: no row is held back."""
        return ()

    def _is_forward(self, t_s: Floats) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """True for rows that are later than every row before them."""
        start = -np.inf if self._last_t_s is None else self._last_t_s
        before = np.maximum.accumulate(np.concatenate(([start], t_s)))[:-1]
        return np.asarray(t_s > before)

    def _blocks(self, rows: Floats) -> list[Decoded]:
        times = rows[:, 0]
        known = times if self._last_t_s is None else np.concatenate(([self._last_t_s], times))
        steps = np.diff(known)
        self._intervals.add(steps)
        rate_hz = self._rate_hz or self._estimated_rate_hz()
        n_before = len(known) - len(times)
        cuts = np.flatnonzero(steps > max(GAP_INTERVALS / rate_hz, GAP_MIN_S)) + 1 - n_before
        out: list[Decoded] = []
        begin = 0
        for cut in (*cuts.tolist(), len(rows)):
            if cut > begin:
                out.append(self._block(rows[begin:cut], rate_hz))
            if cut < len(rows):
                before = float(times[cut - 1]) if cut else float(known[0])
                out.append(Gap(self._channel, before, float(times[cut]), None, "lost_packets"))
            begin = cut
        self._last_t_s = float(times[-1])
        return out

    def _block(self, rows: Floats, rate_hz: float) -> ImuBlock:
        gyr = rows[:, 4:7] if self._n_columns == 7 else None
        return ImuBlock(self._channel, rate_hz, rows[:, 0], rows[:, 1:4], gyr)

    def _estimated_rate_hz(self) -> float:
        mean_s = self._intervals.mean_s
        return 1.0 / mean_s if mean_s else 100.0

    def _bad(self, packet: Packet, n: int, what: str) -> BadPacket:
        return BadPacket(packet.host_ns, self._channel, f"{n} {'row' if n == 1 else 'rows'} {what}")


def _positive(value: Any) -> float | None:
    """`value` as a rate, or None when it is none."""
    return float(value) if isinstance(value, int | float) and 0 < value < float("inf") else None
