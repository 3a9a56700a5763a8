"""Means over a fixed time grid: slow decisions at one rate, whatever the sensor's rate and however its samples are cut.

The grid hangs on session time (cell `k` holds `k / rate_hz <= t < (k + 1) / rate_hz`), so a cell's content never
depends on where a block ends. A cell is given out when the first sample of a later cell arrives.

When the number of columns changes (a sensor that goes on without its gyroscope), the cell that was filling is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensorsoma.messages import Floats

BIN_RATE_HZ = 25.0
"""40 ms: far above any slow movement, far below tremor; averages noise of the faster sensors away."""


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """Finished cells in time order."""

    t_s: Floats
    """`(n,)` mean time of the samples inside."""
    rows: Floats
    """`(n, columns)` mean of the samples inside."""


class Binner:
    """Rows of samples to means over the grid.

    >>> binner = Binner(rate_hz=10.0)
    >>> binner.feed(np.array([0.0, 0.05]), np.array([[1.0], [3.0]])).rows.tolist()
    []
    >>> binner.feed(np.array([0.1]), np.array([[7.0]])).rows.tolist()
    [[2.0]]
    """

    def __init__(self, rate_hz: float = BIN_RATE_HZ) -> None:
        self.rate_hz = rate_hz
        self._t_s: Floats = np.empty(0)
        self._rows: Floats | None = None

    def feed(self, t_s: Floats, rows: Floats) -> Bins:
        """Cells that these samples finish; `t_s` `(n,)` increasing, `rows` `(n, columns)`."""
        if self._rows is None or self._rows.shape[1] != rows.shape[1]:
            self._t_s, self._rows = np.empty(0), rows[:0]
        t_all, rows_all = np.concatenate([self._t_s, t_s]), np.concatenate([self._rows, rows])
        if len(t_all) == 0:
            return Bins(t_all, rows_all)
        cell = np.floor(t_all * self.rate_hz)
        if cell[0] == cell[-1]:
            self._t_s, self._rows = t_all, rows_all
            return Bins(t_all[:0], rows_all[:0])
        begins = np.concatenate([[0], (cell[1:] != cell[:-1]).nonzero()[0] + 1])
        n_done = int(begins[-1])
        self._t_s, self._rows = t_all[n_done:], rows_all[n_done:]
        counts = begins[1:] - begins[:-1]
        t_mean = np.add.reduceat(t_all[:n_done], begins[:-1]) / counts
        row_mean = np.add.reduceat(rows_all[:n_done], begins[:-1], axis=0) / counts[:, None]
        return Bins(t_mean, row_mean)

    def finish(self) -> Bins:
        """The cell that was still filling, if any."""
        t_s, rows = self._t_s, self._rows
        self._t_s = np.empty(0)
        if rows is None or len(t_s) == 0:
            return Bins(np.empty(0), np.empty((0, 0)) if rows is None else rows[:0])
        self._rows = rows[:0]
        return Bins(np.array([t_s.mean()]), rows.mean(axis=0, keepdims=True))
