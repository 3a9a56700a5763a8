"""Which way is up in the sensor, sample by sample, with or without a gyroscope.

With a gyroscope: VQF without magnetometer (Laidig and Seel, Information Fusion 91, 2023). It also estimates the
gyroscope's bias, and that has two traps for slow movement in bed. Its default clip of 2 deg/s loses an ordinary offset
of 3 deg/s (mean inclination error 3.5 deg instead of 0.7 on the BROAD data), so the clip is 5 deg/s here. But a clip of
5 deg/s lets a steady slow fall of 4 deg/s pass for rest, and the fall would be learnt as bias: so rest has to be
quieter and longer than VQF asks by default.

Without: the accelerometer through a causal second-order low-pass, good for slow movement only; `ACC_ONLY_DELAY_S` late.

Earth frame: z up, heading arbitrary and drifting. Frames and signs: `firmware_notes/frames.md`.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, sosfilt, sosfilt_zi
from vqf import VQF

from sensorsoma.messages import Floats, Gap, ImuBlock, OrientedBlock, Placement
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

MAX_ACC_MPS2 = 1000.0
MAX_GYR_RADPS = 200.0
"""No worn sensor has ranges near these; anything beyond is a broken number and is clipped."""


@dataclass(frozen=True, slots=True)
class OrientationParams:
    """Settings of the orientation filter."""

    bias_clip_dps: float = 5.0
    """Largest gyroscope offset that is believed; consumer sensors reach 3 deg/s."""
    bias_sigma_init_dps: float = 4.0
    """How uncertain the offset is at the start; VQF's 0.5 is slow to learn 3 deg/s when a session starts moving."""
    start_tau_acc_s: float = 0.5
    """Trust in the accelerometer at the start and after a long gap, while the offset is being learnt: with VQF's 3 s,
    an offset of 3 deg/s tips the first still pose by 2-4 deg for six seconds; with this, 0.1 from 3 s on."""
    start_s: float = 5.0
    """How long that lasts."""
    bias_known_dps: float = 0.5
    """Once the offset is known this well, a restart needs no strong trust in the accelerometer: VQF's own running mean
    of its first samples is better while something moves."""
    tau_acc_s: float = 3.0
    """Trust in the accelerometer afterwards: VQF's default and the optimum of a grid on the BROAD data."""
    rest_gyr_dps: float = 1.0
    """Rest: gyroscope deviates less than this from its own low-pass; half of VQF's default, see the trap above."""
    rest_acc_mps2: float = 0.25
    """Rest: same for the accelerometer; 25 mg is 1.5 deg of turning within about half a second."""
    rest_min_s: float = 2.5
    """Rest lasts at least this long before it is believed; a slow steady fall or slide rarely does."""
    bridge_s: float = 0.25
    """Gaps up to this long are bridged inside the filter by a straight line (science: never in the output)."""
    keep_near_deg: float = 15.0
    """After a long gap, the direction that was up before it is kept as far as the accelerometer is nearer to it than
    this: accelerating at a quarter g tips a reading by as much, so the two do not contradict each other."""
    keep_s: float = 0.2
    """It then counts as much as so many seconds of samples."""
    step_off: float = 0.15
    """Time steps further from the rate than this share are the sample's own; nearer ones are a clock being followed."""
    rate_change: float = 0.03
    """A new estimate of the rate that differs by more than this share rebuilds the filter."""
    acc_only_cutoff_hz: float = 2.5
    """Low-pass without gyroscope: keeps soft-tissue wobble and tremor out of the angle."""


ACC_ONLY_DELAY_S = math.sqrt(2.0) / (2.0 * math.pi * OrientationParams().acc_only_cutoff_hz)
"""Group delay at low frequency of the low-pass used without gyroscope (second-order Butterworth)."""


def filter_delay_s(block: OrientedBlock) -> float:
    """How late `up_sensor` of a block is: 0 with gyroscope, about 0.09 s without."""
    return 0.0 if block.quat_sensor_to_earth is not None else ACC_ONLY_DELAY_S


def up_from_quat(quat_sensor_to_earth: Floats) -> Floats:
    """`(n, 3)` unit vectors: earth's up in sensor axes, from `(n, 4)` w, x, y, z.

    >>> up_from_quat(np.array([[1.0, 0.0, 0.0, 0.0]])).tolist()
    [[0.0, 0.0, 1.0]]
    """
    w, x, y, z = quat_sensor_to_earth.T
    up = np.empty((len(quat_sensor_to_earth), 3))
    up[:, 0] = 2.0 * (x * z - w * y)
    up[:, 1] = 2.0 * (y * z + w * x)
    up[:, 2] = w * w - x * x - y * y + z * z
    return up


class OrientationFilter:
    """`ImuBlock` to `OrientedBlock` for one channel; the same bits however the samples are cut into blocks.

    Samples with a NaN or an infinity are left out of the result and treated as missing.
    """

    def __init__(self, channel: str, params: OrientationParams | None = None) -> None:
        self.channel = channel
        self.params = params or OrientationParams()
        self._engine: _Gyro | _AccOnly | None = None
        self._last_t_s: float | None = None
        self._last_row: Floats | None = None

    def gap(self, gap: Gap) -> None:
        """Told of missing samples. Only a restarted clock matters here: other gaps show in the time stamps."""
        if gap.reason == "clock_restart" and self._engine is not None:
            self._engine.restart()
            self._last_t_s = None

    def feed(self, block: ImuBlock, placement: Placement) -> OrientedBlock:
        """The block with `up_sensor`, and with quaternion and bias-free rates where there is a gyroscope."""
        rows, t_s = _whole_rows(block)
        engine = self._engine_for(block)
        out = self._through(engine, rows, t_s, block.rate_hz)
        return OrientedBlock(
            channel=block.channel,
            placement=placement,
            rate_hz=block.rate_hz,
            t_s=t_s,
            up_sensor=out[:, :3],
            quat_sensor_to_earth=out[:, 3:7] if engine.has_gyro else None,
            acc_sensor_mps2=rows[:, :3],
            gyr_sensor_radps=rows[:, 3:6] - out[:, 7:10] if engine.has_gyro else None,
        )

    def _engine_for(self, block: ImuBlock) -> _Gyro | _AccOnly:
        has_gyro = block.gyr_sensor_radps is not None
        old = self._engine
        if old is None or old.has_gyro != has_gyro:
            self._engine = _Gyro(block.rate_hz, self.params) if has_gyro else _AccOnly(block.rate_hz, self.params)
            self._last_t_s = None
        elif abs(block.rate_hz / old.rate_hz - 1.0) > self.params.rate_change:
            old.set_rate(block.rate_hz)
        assert self._engine is not None
        return self._engine

    def _through(self, engine: _Gyro | _AccOnly, rows: Floats, t_s: Floats, rate_hz: float) -> Floats:
        """What the engine says of every row, holes crossed."""
        if not len(t_s):
            return engine.empty()
        steps = np.empty(len(t_s))
        steps[0] = 1.0 / rate_hz if self._last_t_s is None else t_s[0] - self._last_t_s
        np.subtract(t_s[1:], t_s[:-1], out=steps[1:])
        lasting = self._lasting(engine, rows, steps, rate_hz)
        parts = []
        begins = [0, *(np.flatnonzero(steps[1:] > 1.5 / rate_hz) + 1).tolist(), len(t_s)]
        for begin, end in itertools.pairwise(begins):
            self._cross(engine, float(t_s[begin]), rows[begin], rate_hz)
            parts.append(engine.run(lasting[begin:end]))
            self._last_t_s, self._last_row = float(t_s[end - 1]), rows[end - 1]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _lasting(self, engine: _Gyro | _AccOnly, rows: Floats, steps: Floats, rate_hz: float) -> Floats:
        """The same rows, with the angular rate scaled so that one step of the engine turns by what a sample lasted."""
        share = steps * rate_hz
        is_off = (np.abs(share - 1.0) > self.params.step_off) & (share < 1.5)
        if not engine.has_gyro or (rate_hz == engine.rate_hz and not is_off.any()):
            return rows
        lasting = rows.copy()
        lasting[:, 3:6] *= np.where(is_off, share, 1.0)[:, None] * (engine.rate_hz / rate_hz)
        return lasting

    def _cross(self, engine: _Gyro | _AccOnly, t_s: float, row: Floats, rate_hz: float) -> None:
        """Bring the engine over the hole before a run, if there is one."""
        if self._last_t_s is None or self._last_row is None:
            return
        step_s = t_s - self._last_t_s
        if step_s > self.params.bridge_s + 1.5 / rate_hz:
            engine.restart(row)
        elif step_s > 1.5 / rate_hz:
            n_missing = round(step_s * rate_hz) - 1
            if n_missing > 0:
                weight = (np.arange(1, n_missing + 1) / (n_missing + 1))[:, None]
                rows = np.ascontiguousarray(self._last_row * (1.0 - weight) + row * weight)
                rows[:, 3:6] *= engine.rate_hz * step_s / (n_missing + 1)
                engine.run(rows)


def _whole_rows(block: ImuBlock) -> tuple[Floats, Floats]:
    """`(n, 3)` or `(n, 6)` numbers and `(n,)` times of the samples that are finite, clipped to what can be."""
    acc, gyr = block.acc_sensor_mps2, block.gyr_sensor_radps
    rows = np.array(acc) if gyr is None else np.concatenate([acc, gyr], axis=1)
    t_s = block.t_s
    if not np.isfinite(rows).all():
        is_whole = np.isfinite(rows).all(axis=1)
        rows, t_s = rows[is_whole], t_s[is_whole]
    if rows.size and max(float(rows.max()), -float(rows.min())) > min(MAX_ACC_MPS2, MAX_GYR_RADPS):
        np.clip(rows[:, :3], -MAX_ACC_MPS2, MAX_ACC_MPS2, out=rows[:, :3])
        np.clip(rows[:, 3:], -MAX_GYR_RADPS, MAX_GYR_RADPS, out=rows[:, 3:])
    return rows, t_s


class _Gyro:
    """VQF behind a small face. Rows are acc, gyr; results are up, quaternion, bias."""

    has_gyro = True

    def __init__(self, rate_hz: float, params: OrientationParams) -> None:
        self.rate_hz = rate_hz
        self._params = params
        self._vqf = self._make(rate_hz)
        self._begin()

    def _begin(self) -> None:
        """The first seconds, or the first after a long gap."""
        self._vqf.setTauAcc(self._params.start_tau_acc_s)
        self._n_start = round(self._params.start_s * self.rate_hz)

    def _make(self, rate_hz: float) -> VQF:
        params = self._params
        return VQF(
            1.0 / rate_hz,
            tauAcc=params.tau_acc_s,
            biasClip=params.bias_clip_dps,
            biasSigmaInit=params.bias_sigma_init_dps,
            restThGyr=params.rest_gyr_dps,
            restThAcc=params.rest_acc_mps2,
            restMinT=params.rest_min_s,
            magDistRejectionEnabled=False,
        )

    def empty(self) -> Floats:
        return np.empty((0, 10))

    def run(self, rows: Floats) -> Floats:
        if 0 < self._n_start <= len(rows):
            n = self._n_start
            first = self._update(rows[:n])
            self._n_start = 0
            self._vqf.setTauAcc(self._params.tau_acc_s)
            return np.concatenate([first, self._update(rows[n:])])
        self._n_start = max(self._n_start - len(rows), 0)
        return self._update(rows)

    def _update(self, rows: Floats) -> Floats:
        if len(rows) == 0:
            return self.empty()
        acc, gyr = np.ascontiguousarray(rows[:, :3]), np.ascontiguousarray(rows[:, 3:6])
        found = self._vqf.updateBatch(gyr, acc)
        return np.concatenate([up_from_quat(found["quat6D"]), found["quat6D"], found["bias"]], axis=1)

    def restart(self, row: Floats | None = None) -> None:
        """Forget the orientation, keep the bias: the next samples give a new inclination at once.

        Args:
            row: the first sample after a gap, acc and gyr.
        """
        params, vqf = self._params, self._vqf
        bias, sigma = vqf.getBiasEstimate()
        up = up_from_quat(vqf.getQuat6D()[None, :])[0]
        vqf.resetState()
        vqf.setBiasEstimate(bias, sigma)
        if sigma > params.bias_known_dps * DEG:
            self._begin()
            return
        vqf.setTauAcc(params.tau_acc_s)
        self._n_start = 0
        acc = np.zeros(3) if row is None else row[:3]
        if float(acc @ up) > math.cos(params.keep_near_deg * DEG) * float(np.linalg.norm(acc)):
            n = round(params.keep_s * self.rate_hz)
            vqf.updateBatch(np.tile(bias, (n, 1)), np.tile(up * STANDARD_GRAVITY_MPS2, (n, 1)))

    def set_rate(self, rate_hz: float) -> None:
        """Go on with another sampling time; orientation and bias are carried over, the low-passes start anew."""
        bias, sigma = self._vqf.getBiasEstimate()
        old = self._vqf.state
        self._vqf = self._make(rate_hz)
        self.rate_hz = rate_hz
        self._vqf.setBiasEstimate(bias, sigma)
        state = self._vqf.state
        state["gyrQuat"], state["accQuat"] = old["gyrQuat"], old["accQuat"]
        self._vqf.state = state
        self._n_start = 0


class _AccOnly:
    """Low-passed accelerometer, normalised. Rows are acc; results are up."""

    has_gyro = False

    def __init__(self, rate_hz: float, params: OrientationParams) -> None:
        self._params = params
        self._state: Floats | None = None
        self._up = np.array([0.0, 0.0, 1.0])
        self.set_rate(rate_hz)

    def set_rate(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self._sos = butter(2, min(self._params.acc_only_cutoff_hz, 0.4 * rate_hz), fs=rate_hz, output="sos")
        self._zi = sosfilt_zi(self._sos)
        self._state = None

    def empty(self) -> Floats:
        return np.empty((0, 3))

    def run(self, rows: Floats) -> Floats:
        if self._state is None:
            self._state = self._zi[:, :, None] * rows[0][None, None, :]
        smooth, self._state = sosfilt(self._sos, rows, axis=0, zi=self._state)
        norm = np.sqrt(smooth[:, 0] ** 2 + smooth[:, 1] ** 2 + smooth[:, 2] ** 2)
        is_weightless = norm < 1e-6
        up: Floats = smooth / np.where(is_weightless, 1.0, norm)[:, None]
        for i in np.flatnonzero(is_weightless).tolist():  # no direction: keep the last one
            up[i] = up[i - 1] if i else self._up
        if len(up):
            self._up = up[-1].copy()
        return up

    def restart(self, row: Floats | None = None) -> None:  # noqa: ARG002 - as the other engine
        """Forget the past: the next sample starts the low-pass in its steady state."""
        self._state = None
