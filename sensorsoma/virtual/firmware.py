"""What runs inside a soma_v1 sensor, without any radio: commands in, frames out, counters in between.

A maker's firmware has the same parts: a sample clock, a batch that grows into a frame, a queue that may be full.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sensorsoma.decode.soma_v1_control import (
    DEFAULT_RATES_HZ,
    IdentifyCommand,
    SensorInfo,
    StartCommand,
    StopCommand,
    decode_command,
)
from sensorsoma.decode.soma_v1_frame import Frame, FrameError, encode_frame, to_lsb
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2
from sensorsoma.virtual.waveform import Taken, Waveform

FIRMWARE_VERSION = (1, 0, 0)
NATIVE_RATE_HZ = 104
BATCH_S = 0.05
"""How much a frame holds when the client does not say: late enough to save power, early enough to coach by."""
_ACC_RANGES_G = (2, 4, 8, 16)
_GYR_RANGES_DPS = (125, 250, 500, 1000, 2000)
_HOLE_INTERVALS = 2.5
_LONG_HEADER = 12


@dataclass(slots=True)
class _Batch:
    """Samples of the frame that is being filled."""

    t_s: list[float]
    rows: list[np.ndarray]


class Firmware:
    """A soma_v1 sensor.

    Args:
        waveform: what it measures.
        clock_offset_s: its clock when the virtual room was opened; a sensor has been on for a while.
    """

    def __init__(self, waveform: Waveform, clock_offset_s: float = 0.0) -> None:
        self._waveform = waveform
        self._clock_offset_s = clock_offset_s
        self._settings = StartCommand(rate_hz=NATIVE_RATE_HZ)
        self._rate_hz = float(NATIVE_RATE_HZ)
        self._n_per_frame = 1
        self._number = 0
        self._batch = _Batch([], [])
        self._is_first = True
        self.is_streaming = False
        self.is_through = False
        self.sent = 0
        """Samples handed to the radio since the start command."""
        self.dropped = 0
        """Samples thrown away since the start command."""
        self.blinks_until_s = 0.0

    @property
    def info(self) -> SensorInfo:
        """What the information characteristic says now."""
        return SensorInfo(
            firmware=FIRMWARE_VERSION,
            is_streaming=self.is_streaming,
            is_through=self.is_through,
            has_gyroscope=self._waveform.has_gyroscope,
            rate_hz=self._rate_hz,
            acc_range_g=self._settings.acc_range_g,
            gyr_range_dps=self._settings.gyr_range_dps,
            sent=self.sent,
            dropped=self.dropped,
        )

    @property
    def frame_s(self) -> float:
        """How long a frame takes to fill."""
        return self._n_per_frame / self._rate_hz

    def command(self, payload: bytes, now_s: float, max_payload: int) -> None:
        """Obeys what was written to the control characteristic.

        Raises:
            FrameError: it cannot; nothing has changed.
        """
        match decode_command(payload):
            case StartCommand() as start:
                self._start(start, now_s, max_payload)
            case StopCommand():
                self.stop()
            case IdentifyCommand(seconds):
                self.blinks_until_s = now_s + seconds

    def _start(self, start: StartCommand, now_s: float, max_payload: int) -> None:
        rate = start.rate_hz or NATIVE_RATE_HZ
        if rate not in DEFAULT_RATES_HZ or start.acc_range_g not in _ACC_RANGES_G:
            raise FrameError(f"expected a supported rate and range, found {rate} Hz and ±{start.acc_range_g} g")
        if start.gyr_range_dps not in _GYR_RANGES_DPS:
            raise FrameError(f"expected a supported range, found ±{start.gyr_range_dps} °/s")
        self._settings = start
        self._rate_hz = self._waveform.start(now_s, float(rate))
        columns = 6 if self._has_gyroscope else 3
        fits = (max_payload - _LONG_HEADER) // (2 * columns)
        wanted = start.samples_per_frame or max(1, round(BATCH_S * self._rate_hz))
        self._is_short = fits < 1
        self._n_per_frame = 1 if self._is_short else min(wanted, fits, 255)
        self._number = self.sent = self.dropped = 0
        self._batch = _Batch([], [])
        self._is_first = True
        self.is_streaming, self.is_through = True, False

    @property
    def _has_gyroscope(self) -> bool:
        return self._waveform.has_gyroscope and not self._settings.is_acc_only

    def stop(self) -> None:
        """Ends streaming; the counters stay readable."""
        self.is_streaming = False

    def frames_until(self, now_s: float) -> Iterator[bytes]:
        """Frames that have become full by `now_s`; after the last one of a finite waveform `is_through` is set.

        The caller says `took(frame)` or `dropped` by `self.account`.
        """
        taken = self._waveform.read(now_s)
        rows = self._rows(taken)
        for t_s, row in zip(taken.device_t_s.tolist(), rows, strict=True):
            batch = self._batch
            if batch.t_s and t_s - batch.t_s[-1] > _HOLE_INTERVALS / self._rate_hz:
                yield self._frame()
            self._batch.t_s.append(t_s)
            self._batch.rows.append(row)
            if len(self._batch.t_s) >= self._n_per_frame:
                yield self._frame()
        if taken.is_through and not self.is_through:
            self.is_through = True
            if self._batch.t_s:
                yield self._frame()

    def last_frame(self) -> bytes:
        """The report that says that nothing more will come."""
        empty = np.zeros((0, 3), np.int16)
        gyr = empty if self._has_gyroscope else None
        frame = Frame(self._number % 65536, 0, empty, gyr, self._interval_us(), self.dropped % 65536, is_last=True)
        return encode_frame(frame)

    def account(self, payload: bytes, *, is_sent: bool) -> None:
        """Counts a frame as sent or as thrown away."""
        if is_sent:
            self.sent += payload[1]
        else:
            self.dropped += payload[1]

    def _rows(self, taken: Taken) -> np.ndarray:
        acc = to_lsb(taken.acc_sensor_mps2 / STANDARD_GRAVITY_MPS2, self._settings.acc_range_g)
        if not self._has_gyroscope or taken.gyr_sensor_radps is None:
            return acc
        gyr = to_lsb(taken.gyr_sensor_radps / DEG, self._settings.gyr_range_dps)
        return np.concatenate((acc, gyr), axis=1)

    def _interval_us(self) -> int:
        return min(65535, round(1e6 / self._rate_hz))

    def _frame(self) -> bytes:
        """The batch as bytes; a new batch begins."""
        batch, self._batch = self._batch, _Batch([], [])
        rows = np.stack(batch.rows)
        n = len(rows)
        span_s = batch.t_s[-1] - batch.t_s[0]
        interval_us = round(1e6 * span_s / (n - 1)) if n > 1 else self._interval_us()
        frame = Frame(
            number=self._number % 65536,
            first_us=round((batch.t_s[0] + self._clock_offset_s) * 1e6) % 2**32,
            acc_lsb=rows[:, :3],
            gyr_lsb=rows[:, 3:] if rows.shape[1] == 6 else None,
            interval_us=None if self._is_short else interval_us,
            dropped=None if self._is_short else self.dropped % 65536,
            is_first=self._is_first,
        )
        self._number += n
        self._is_first = False
        return encode_frame(frame)
