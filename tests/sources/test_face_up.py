"""A phone on the table tells its sign convention."""

from __future__ import annotations

import asyncio
import contextlib

import httpx
import numpy as np
import pytest

from sensorsoma.clock import Clock
from sensorsoma.errors import DeviceNotFoundError
from sensorsoma.sources.phone.face_up import learn_sign, sign_of_face_up
from sensorsoma.sources.phone.pushes import PhoneParams, pushes
from sensorsoma.sources.phone.sensor_logger import PhoneSourceParams, SensorLoggerSource


def test_face_up_tells_a_phones_sign() -> None:
    """Plus on Android, minus on an iPhone with its own convention, nothing for a phone on its side or in the hand."""
    up = np.tile([0.3, -0.5, 9.75], (50, 1))
    assert sign_of_face_up(up) == "+"
    assert sign_of_face_up(-up) == "-"
    assert sign_of_face_up(up[:, [2, 0, 1]]) is None
    assert sign_of_face_up(up + 3 * np.random.default_rng(1).standard_normal(up.shape)) is None


@pytest.mark.parametrize(("sign", "expected"), [(1, "+"), (-1, "-")])
def test_a_phone_is_waited_for_until_it_lies(sign: int, expected: str) -> None:
    """First on its side, then screen up: the answer comes with the second pose, and the server is gone afterwards."""
    t_s = np.arange(800) / 100
    acc = np.where(t_s[:, None] < 4, [9.81, 0.0, 0.0], [0.0, 0.0, 9.81])
    sent = pushes(t_s, acc, None, PhoneParams(sign=sign, batch_s=0.5))

    async def both() -> str:
        clock = Clock()
        source = SensorLoggerSource({"belly": "quietnight7"}, clock, 0, "127.0.0.1")
        is_up = asyncio.Event()
        learning = asyncio.create_task(learn_sign(source, clock, lambda _status: is_up.set()))
        await is_up.wait()
        async with httpx.AsyncClient() as http:
            for push in sent[:8]:
                await http.post(source.url("belly"), content=push.body)
            assert not learning.done()
            with contextlib.suppress(httpx.TransportError):  # the server leaves as soon as it knows
                for push in sent[8:]:
                    await http.post(source.url("belly"), content=push.body)
        return await asyncio.wait_for(learning, 10)

    assert asyncio.run(both()) == expected


def test_a_phone_that_never_comes_is_one_sentence() -> None:
    """The wait ends with the source's own words."""

    async def learn() -> None:
        clock = Clock()
        params = PhoneSourceParams(find_s=0.1, check_s=0.02)
        await learn_sign(SensorLoggerSource({"belly": "quietnight7"}, clock, 0, "127.0.0.1", params), clock)

    with pytest.raises(DeviceNotFoundError, match="same Wi-Fi"):
        asyncio.run(learn())
