"""Samples as the packets that a host would receive: lost frames missing, arrival stamps with a radio's jitter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from sensorsoma.decode.rows import encode_rows
from sensorsoma.decode.soma_v1_frame import DEFAULT_ACC_RANGE_G, DEFAULT_GYR_RANGE_DPS, Frame, encode_frame, to_lsb
from sensorsoma.messages import Floats, Packet
from sensorsoma.simulate.seeds import stream
from sensorsoma.simulate.sensor import Samples
from sensorsoma.units import DEG, NS_PER_S, STANDARD_GRAVITY_MPS2


class Encode(Protocol):
    """Makes the payload of one packet."""

    def __call__(self, first_index: int, device_t_s: Floats, acc_mps2: Floats, gyr_radps: Floats | None) -> bytes: ...


def encode_soma_v1(first_index: int, device_t_s: Floats, acc_mps2: Floats, gyr_radps: Floats | None) -> bytes:
    """A soma_v1 frame at the default ranges."""
    interval_s = (device_t_s[-1] - device_t_s[0]) / (len(device_t_s) - 1) if len(device_t_s) > 1 else 0.01
    frame = Frame(
        number=first_index % 65536,
        first_us=round(float(device_t_s[0]) * 1e6) % 2**32,
        acc_lsb=to_lsb(acc_mps2, DEFAULT_ACC_RANGE_G * STANDARD_GRAVITY_MPS2),
        gyr_lsb=None if gyr_radps is None else to_lsb(gyr_radps, DEFAULT_GYR_RANGE_DPS * DEG),
        interval_us=round(float(interval_s) * 1e6),
        dropped=0,
        is_first=first_index == 0,
    )
    return encode_frame(frame)


def encode_float_rows(first_index: int, device_t_s: Floats, acc_mps2: Floats, gyr_radps: Floats | None) -> bytes:  # noqa: ARG001 - one signature for every format
    """Float rows with the device's time, as imported files travel."""
    return encode_rows(device_t_s, acc_mps2, gyr_radps)


def packets(samples: Samples, encode: Encode, *, epoch_ns: int = 0, jitter_seed: int = 0) -> Iterator[Packet]:
    """The packets that arrive, in order; lost ones are missing.

    Args:
        samples: of one sensor; the channel is its placement.
        encode: payload of one packet, e.g. `encode_soma_v1`.
        epoch_ns: session time of the true time 0.
        jitter_seed: arrival is 15 ms after the last sample plus a random delay of 12 ms on average.
    """
    rng = stream(jitter_seed, "arrival", samples.placement)
    n = len(samples.t_s)
    bounds = np.flatnonzero(np.diff(samples.packet_index)) + 1
    arrived_ns = epoch_ns
    for begin, end in zip((0, *bounds.tolist()), (*bounds.tolist(), n), strict=True):
        delay_s = 0.015 + float(rng.exponential(0.012))
        if begin == end or samples.is_lost[begin]:
            continue
        gyr = None if samples.gyr_sensor_radps is None else samples.gyr_sensor_radps[begin:end]
        payload = encode(begin, samples.device_t_s[begin:end], samples.acc_sensor_mps2[begin:end], gyr)
        arrived_ns = max(arrived_ns + 1, epoch_ns + round((float(samples.t_s[end - 1]) + delay_s) * NS_PER_S))
        yield Packet(arrived_ns, samples.placement, payload)
