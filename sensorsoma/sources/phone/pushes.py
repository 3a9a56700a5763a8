"""Samples as the pushes that a phone with Sensor Logger would send: for tests, benchmarks and people without a phone.

As on a real phone, gravity and the rest of the acceleration come as two sensors, every sensor keeps its own offset
within the sampling step, and a message holds what was gathered in one batch period.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorsoma.messages import Floats
from sensorsoma.units import NS_PER_S, STANDARD_GRAVITY_MPS2


@dataclass(frozen=True, slots=True)
class PhoneParams:
    """What the phone is like."""

    batch_s: float = 0.2
    """Batch period; the app offers 0.1 s and more, and users report 0.2 s as reliable."""
    phone_zero_ns: int = 1_700_000_123_456_789_001
    """The phone's clock at sample time 0, Unix nanoseconds; odd, so that a float would not hold it."""
    sign: int = 1
    """1 for Android and standardised phones, -1 for an iPhone with its own convention."""
    session_id: str = "3f1c-night"
    device_id: str = "9b2e-phone"
    gravity_tau_s: float = 0.5
    """Time constant of the phone's split into gravity and the rest; their sum does not depend on it."""
    gravity_offset_s: float = 0.0031
    """Gravity's place within the sampling step."""
    gyr_offset_s: float = 0.0
    """The gyroscope's place within the sampling step."""
    has_uncalibrated: bool = False
    """Also send the uncalibrated accelerometer: in g on an iPhone with its own convention."""


@dataclass(frozen=True, slots=True)
class Push:
    """One message and when the phone sends it."""

    send_s: float
    """Sample time at which the batch is full."""
    body: bytes


def pushes(t_s: Floats, acc_mps2: Floats, gyr_radps: Floats | None, params: PhoneParams | None = None) -> list[Push]:
    """What a phone sends that feels these samples.

    Args:
        t_s: `(n,)` seconds, increasing.
        acc_mps2: `(n, 3)` specific force, +9.81 on the axis that points up at rest.
        gyr_radps: `(n, 3)`, or None for a phone whose gyroscope is switched off.
        params: what the phone is like.

    Returns:
        Messages in the order of sending; reading them back gives the samples, to the rounding of interpolation.
    """
    p = params or PhoneParams()
    gravity = _low_pass(t_s, acc_mps2, p.gravity_tau_s)
    linear = acc_mps2 - gravity
    gravity_t_s = _inside(t_s + p.gravity_offset_s, t_s)
    tracks: list[tuple[str, Floats, Floats]] = [
        ("accelerometer", t_s, p.sign * linear),
        ("gravity", gravity_t_s, p.sign * _at(gravity_t_s, t_s, gravity)),
    ]
    if gyr_radps is not None:
        gyr_t_s = _inside(t_s + p.gyr_offset_s, t_s)
        tracks.append(("gyroscope", gyr_t_s, _at(gyr_t_s, t_s, gyr_radps)))
    if p.has_uncalibrated:
        unit = STANDARD_GRAVITY_MPS2 if p.sign < 0 else 1.0
        tracks.append(("accelerometeruncalibrated", t_s, p.sign * acc_mps2 / unit))
    first = float(t_s[0])
    n_batches = int((max(float(times[-1]) for _, times, _ in tracks) - first) // p.batch_s) + 1
    items: list[list[tuple[int, dict[str, Any]]]] = [[] for _ in range(n_batches)]
    for name, times, values in tracks:
        batch = ((times - first) // p.batch_s).astype(np.int64)
        times_ns = p.phone_zero_ns + np.round(times * NS_PER_S).astype(np.int64)
        for index, at_ns, row in zip(batch.tolist(), times_ns.tolist(), values.tolist(), strict=True):
            items[index].append((at_ns, reading_item(name, at_ns, row)))
    out: list[Push] = []
    for index, batch_items in enumerate(items):
        payload = [item for _, item in sorted(batch_items, key=lambda entry: entry[0])]
        out.append(Push(first + (index + 1) * p.batch_s, encode_body(index, p, payload)))
    return out


def reading_item(name: str, time_ns: int, xyz: Sequence[float]) -> dict[str, Any]:
    """One reading as the app writes it."""
    return {"name": name, "time": time_ns, "values": {"z": xyz[2], "y": xyz[1], "x": xyz[0]}}


def encode_body(message_id: int, params: PhoneParams, payload: Sequence[dict[str, Any]]) -> bytes:
    """One HTTP body."""
    envelope = {"messageId": message_id, "sessionId": params.session_id, "deviceId": params.device_id}
    return json.dumps({**envelope, "payload": list(payload)}).encode()


def _inside(when_s: Floats, t_s: Floats) -> Floats:
    """Times up to the end of the samples; beyond it there is nothing to tell."""
    inside: Floats = when_s[when_s <= t_s[-1]]
    return inside


def _at(when_s: Floats, t_s: Floats, values: Floats) -> Floats:
    return np.column_stack([np.interp(when_s, t_s, column) for column in values.T])


def _low_pass(t_s: Floats, values: NDArray[np.float64], tau_s: float) -> Floats:
    """First-order, from the first sample on."""
    out = np.array(values, dtype=np.float64)
    shares = 1.0 - np.exp(-np.diff(t_s) / tau_s)
    for index, share in enumerate(shares.tolist(), start=1):
        out[index] = out[index - 1] + share * (values[index] - out[index - 1])
    return out
