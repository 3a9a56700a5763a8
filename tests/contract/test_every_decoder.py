"""What every wire format owes, whatever is listed in the table of decoders."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.decode import DECODERS
from sensorsoma.decode.base import Decoded, make_decoder
from sensorsoma.messages import BadPacket, DeviceInfo, Gap, ImuBlock, Packet

payloads = st.lists(st.binary(max_size=260), max_size=12)


@pytest.mark.parametrize("name", sorted(DECODERS))
@given(payloads=payloads)
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_answered_and_never_raise(name: str, payloads: list[bytes]) -> None:
    """Garbage from a sensor becomes bad packets, and time never goes back."""
    decoder = make_decoder(name, "right-thigh", 0)
    last_s = -np.inf
    for n, payload in enumerate(payloads):
        for item in decoder.feed(Packet(n * 50_000_000, "right-thigh", payload)):
            assert isinstance(item, Decoded)
            if isinstance(item, ImuBlock):
                assert np.isfinite(item.acc_sensor_mps2).all()
                assert (np.diff(item.t_s, prepend=last_s) > 0).all()
                last_s = float(item.t_s[-1]) if len(item.t_s) else last_s


@pytest.mark.parametrize("name", sorted(DECODERS))
def test_an_empty_packet_is_bad_and_carries_its_arrival(name: str) -> None:
    """An empty notification is counted as a bad packet, not lost in silence."""
    answer = make_decoder(name, "pelvis", 0).feed(Packet(7, "pelvis", b""))
    assert [type(item) for item in answer] == [BadPacket]
    assert answer[0] == BadPacket(7, "pelvis", answer[0].reason)  # type: ignore[union-attr]


def test_the_kinds_of_answers_are_these() -> None:
    """A decoder gives samples, gaps, bad packets and what the device says of itself, nothing else."""
    assert set(Decoded.__args__) == {ImuBlock, Gap, BadPacket, DeviceInfo}
