"""Phones over real HTTP on the loopback interface."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import numpy as np
import pytest

from sensorsoma.clock import Clock
from sensorsoma.decode.sensor_logger import SensorLoggerDecoder
from sensorsoma.errors import DeviceNotFoundError, SourceError
from sensorsoma.messages import Gap, ImuBlock, Packet, SourceStatus, StreamInterrupted, StreamResumed
from sensorsoma.serving.address import lan_address
from sensorsoma.sources.phone.pushes import PhoneParams, Push, pushes
from sensorsoma.sources.phone.sensor_logger import PhoneSourceParams, SensorLoggerSource, make_token

TOKEN = "quietnight7"
Client = Callable[[httpx.AsyncClient, SensorLoggerSource], Awaitable[None]]


def felt(seconds: float = 6.0) -> list[Push]:
    """What a phone sends that tilts slowly, screen up."""
    t_s = np.arange(round(seconds * 100)) / 100
    angle = 0.5 * np.sin(2 * np.pi * 0.2 * t_s)
    zero = np.zeros_like(t_s)
    acc = 9.80665 * np.column_stack([zero, np.sin(angle), np.cos(angle)])
    return pushes(t_s, acc, np.column_stack([0.2 * np.pi * np.cos(2 * np.pi * 0.2 * t_s), zero, zero]))


def serve(
    client: Client,
    clock: Clock | None = None,
    tokens: dict[str, str] | None = None,
    params: PhoneSourceParams | None = None,
) -> list[Any]:
    """Everything that a source puts while a client talks to it over a real socket; then it is cancelled."""

    async def both() -> list[Any]:
        put: list[Any] = []
        is_up = asyncio.Event()
        source = SensorLoggerSource(tokens or {"right-thigh": TOKEN}, clock or Clock(), 0, "127.0.0.1", params)

        def take(message: Any) -> None:
            put.append(message)
            is_up.set()

        running = asyncio.create_task(source.run(take))
        await asyncio.wait_for(is_up.wait(), 10)
        try:
            async with httpx.AsyncClient(timeout=10) as http:
                await client(http, source)
        finally:
            running.cancel()
            await asyncio.wait([running], timeout=5)
        assert running.cancelled()
        with socket.socket() as again:  # the port is free again
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("127.0.0.1", source.port))
        return put

    return asyncio.run(both())


def packets(put: list[Any]) -> list[Packet]:
    """The packets among what was put."""
    return [message for message in put if isinstance(message, Packet)]


def states(put: list[Any]) -> list[str]:
    """The states among what was put."""
    return [message.state for message in put if isinstance(message, SourceStatus)]


def test_pushes_arrive_untouched_and_stamped() -> None:
    """Each body comes out as it was sent, in order, with rising stamps and a calm status."""
    sent = felt(2.0)

    async def client(http: httpx.AsyncClient, source: SensorLoggerSource) -> None:
        for push in sent:
            answer = await http.post(source.url("right-thigh"), content=push.body)
            assert (answer.status_code, answer.text) == (200, "ok")

    put = serve(client)
    assert [packet.payload for packet in packets(put)] == [push.body for push in sent]
    stamps = [packet.host_ns for packet in packets(put)]
    assert stamps == sorted(stamps)
    assert states(put) == ["searching", "streaming", "stopped"]
    assert f"/{TOKEN}/data and start recording" in put[0].text


def test_a_hasty_client_loses_nothing() -> None:
    """Bursts, messages that overtake one another and doubled ones give all samples, without a gap."""
    sent = felt(6.0)
    clock = Clock(speed=4.0)
    dice = random.Random(5)

    async def client(http: httpx.AsyncClient, source: SensorLoggerSource) -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time()

        async def post(push: Push, late_s: float) -> None:
            await asyncio.sleep(max(0.0, begin + clock.real_seconds(push.send_s + late_s) - loop.time()))
            await http.post(source.url("right-thigh"), content=push.body)

        doubled = dice.sample(sent, 6)
        await asyncio.gather(*(post(push, dice.uniform(0.0, 0.5)) for push in [*sent, *doubled]))

    arrived = packets(serve(client, clock))
    assert len(arrived) == len(sent) + 6
    assert [packet.payload for packet in arrived] != [push.body for push in sent]
    decoder = SensorLoggerDecoder("right-thigh", arrived[0].host_ns, {})
    out = [one for packet in arrived for one in decoder.feed(packet)]
    blocks = [one for one in out if isinstance(one, ImuBlock)]
    assert not any(isinstance(one, Gap) for one in out)
    n = sum(len(block.t_s) for block in blocks)
    assert n >= 600 - 22
    acc = np.concatenate([block.acc_sensor_mps2 for block in blocks])
    assert np.abs(np.linalg.norm(acc, axis=1) - 9.80665).max() < 0.02


def test_a_wrong_word_is_refused() -> None:
    """Only the exact address is taken; nothing else reaches the session."""

    async def client(http: httpx.AsyncClient, source: SensorLoggerSource) -> None:
        root = f"http://127.0.0.1:{source.port}"
        for word in ("wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "ü"):
            assert (await http.post(f"{root}/{word}/data", content=b"{}")).status_code == 403
        assert (await http.post(f"{root}/{TOKEN}/other", content=b"{}")).status_code == 404
        assert (await http.post(f"{root}/", content=b"{}")).status_code == 404
        assert (await http.put(f"{root}/{TOKEN}/data", content=b"{}")).status_code == 405

    assert packets(serve(client)) == []


def test_a_browser_is_told_that_it_works() -> None:
    """A person who opens the address sees a sentence."""

    async def client(http: httpx.AsyncClient, source: SensorLoggerSource) -> None:
        assert "listens here" in (await http.get(source.url("right-thigh"))).text

    assert packets(serve(client)) == []


def test_a_body_that_is_too_large_is_refused() -> None:
    """Declared or streamed, more than the limit is not read."""

    async def chunks() -> Any:
        for _ in range(30):
            yield b"x" * 100

    async def client(http: httpx.AsyncClient, source: SensorLoggerSource) -> None:
        assert (await http.post(source.url("right-thigh"), content=b"x" * 2000)).status_code == 413
        assert (await http.post(source.url("right-thigh"), content=chunks())).status_code == 413
        assert (await http.post(source.url("right-thigh"), content=b"x" * 1000)).status_code == 200

    assert len(packets(serve(client, params=PhoneSourceParams(max_body_bytes=1000)))) == 1


def test_two_phones_are_told_apart() -> None:
    """Each phone's word tells where it is worn; the server is one."""

    async def client(http: httpx.AsyncClient, source: SensorLoggerSource) -> None:
        for channel in ("belly", "right-thigh", "belly"):
            await http.post(source.url(channel), content=channel.encode())

    put = serve(client, tokens={"right-thigh": TOKEN, "belly": "another-word"})
    assert [(packet.channel, packet.payload) for packet in packets(put)] == [
        ("belly", b"belly"), ("right-thigh", b"right-thigh"), ("belly", b"belly"),
    ]  # fmt: skip


def test_silence_is_noticed_and_the_return_too() -> None:
    """A phone that falls silent is said to be away once, and to be back with its next push."""
    sent = felt(2.0)

    async def client(http: httpx.AsyncClient, source: SensorLoggerSource) -> None:
        for push in sent[:3]:
            await http.post(source.url("right-thigh"), content=push.body)
        await asyncio.sleep(0.8)
        await http.post(source.url("right-thigh"), content=sent[-1].body)

    put = serve(client, params=PhoneSourceParams(silent_s=0.2, check_s=0.02))
    kinds = [type(message).__name__ for message in put if not isinstance(message, SourceStatus)]
    assert kinds == ["Packet", "Packet", "Packet", "StreamInterrupted", "StreamResumed", "Packet"]
    assert states(put) == ["searching", "streaming", "lost", "streaming", "stopped"]
    away = next(message for message in put if isinstance(message, StreamInterrupted))
    back = next(message for message in put if isinstance(message, StreamResumed))
    assert (back.host_ns - away.host_ns) > 0.3e9


def test_the_test_button_is_answered() -> None:
    """A push without readings shows that the way is open and asks to start recording; silence after it is no loss."""

    async def client(http: httpx.AsyncClient, source: SensorLoggerSource) -> None:
        await http.post(source.url("right-thigh"), content=b'{"messageId": 0, "sessionId": "t", "payload": []}')
        await asyncio.sleep(0.3)

    put = serve(client, params=PhoneSourceParams(silent_s=0.1, check_s=0.02))
    assert states(put) == ["searching", "connecting", "stopped"]


@pytest.mark.parametrize(
    ("names", "words"), [((b"accelerometer",), "switch on Gravity"), ((b"accelerometer", b"gravity"), "gyroscope")]
)
def test_what_is_switched_off_is_said(names: tuple[bytes, ...], words: str) -> None:
    """The first push tells which sensor to switch on."""

    async def client(http: httpx.AsyncClient, source: SensorLoggerSource) -> None:
        await http.post(source.url("right-thigh"), content=b"".join(b'"name": "%b"' % name for name in names))

    assert words in next(message.text for message in serve(client) if getattr(message, "state", "") == "streaming")


def test_a_port_in_use_is_one_sentence() -> None:
    """Another program on the port, or a port that is none, ends in a sentence with the way out."""

    async def run(port: int) -> None:
        await SensorLoggerSource({"belly": TOKEN}, Clock(), port, "127.0.0.1").run(lambda _message: None)

    taken = socket.create_server(("127.0.0.1", 0))
    with taken, pytest.raises(SourceError, match=r"used by another program.*choose another port"):
        asyncio.run(run(taken.getsockname()[1]))
    with pytest.raises(SourceError, match="cannot be opened"):
        asyncio.run(run(700_000))


def test_nobody_there_is_one_sentence() -> None:
    """When no phone ever sends, the wait ends with what to check."""

    async def run() -> None:
        params = PhoneSourceParams(find_s=0.1, check_s=0.02)
        await SensorLoggerSource({"belly": TOKEN}, Clock(), 0, "127.0.0.1", params).run(lambda _message: None)

    with pytest.raises(DeviceNotFoundError, match="same Wi-Fi"):
        asyncio.run(run())


def test_words_differ_and_are_easy_to_type() -> None:
    """New words are long enough, unlike one another, and free of letters that look alike."""
    words = {make_token() for _ in range(50)}
    assert len(words) == 50
    assert all(len(word) == 10 and not set(word) & set("il10o") for word in words)
    with pytest.raises(SourceError, match="different secret word"):
        SensorLoggerSource({"belly": TOKEN, "pelvis": TOKEN}, Clock())


def test_the_address_is_one_that_other_devices_can_use() -> None:
    """The address in the URL is numeric, and the loopback only without a network."""
    socket.inet_aton(lan_address())
    source = SensorLoggerSource({"belly": TOKEN}, Clock())
    assert source.url("belly") == f"http://{lan_address()}:8000/{TOKEN}/data"


def test_an_iphone_over_http_gives_the_same_samples() -> None:
    """The other sign convention, through the same door."""
    t_s = np.arange(300) / 100
    acc = np.tile([0.0, 0.0, 9.80665], (300, 1))
    sent = pushes(t_s, acc, np.zeros((300, 3)), dataclasses.replace(PhoneParams(), sign=-1))

    async def client(http: httpx.AsyncClient, source: SensorLoggerSource) -> None:
        for push in sent:
            await http.post(source.url("right-thigh"), content=push.body)

    arrived = packets(serve(client))
    decoder = SensorLoggerDecoder("right-thigh", arrived[0].host_ns, {})
    blocks = [one for packet in arrived for one in decoder.feed(packet) if isinstance(one, ImuBlock)]
    assert all(np.allclose(block.acc_sensor_mps2[:, 2], 9.80665) for block in blocks)
