"""A phone's browser as the sensor: the page in real Chromium, with motion given to the browser's own sensors."""

from __future__ import annotations

import asyncio
import contextlib
import io
import math
import re
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest
from chromium import PROGRAM, Chromium, Tab, chromium

from sensorsoma.clock import Clock
from sensorsoma.decode.phone_page import PhonePageDecoder
from sensorsoma.decode.phone_page_frame import decode_frames
from sensorsoma.dsp.orientation import OrientationFilter
from sensorsoma.messages import (
    BadPacket,
    Floats,
    Gap,
    ImuBlock,
    Packet,
    SegmentMeasured,
    SettingsSnapshot,
    StreamInterrupted,
    StreamResumed,
    UserMark,
)
from sensorsoma.pipeline import Pipeline
from sensorsoma.recording.reader import open_recording
from sensorsoma.serving.pairing import Pairings
from sensorsoma.serving.tls import TlsFiles, own_certificate
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.simulate.difficulties import Difficulties
from sensorsoma.simulate.exercise import simulate_exercise
from sensorsoma.sources.phone.page import PageSourceParams, PhonePageSource

pytestmark = [
    pytest.mark.link,
    pytest.mark.skipif(PROGRAM is None, reason="no Chromium here; on Debian: apt-get install chromium"),
]

CHANNEL = "right-thigh"
TRUSTING = "--ignore-certificate-errors"
"""Stands for the person who goes on to the page in spite of the warning."""

NOTING = """
globalThis.events = [];
addEventListener("devicemotion", (event) => {
  const isOn = ["connecting", "streaming", "away"].includes(document.body.dataset.state);
  if (isOn && event.accelerationIncludingGravity?.x != null) events.push(event.timeStamp);
});
"""
"""Notes every motion event with a reading while the page measures: what must arrive."""

WEBKIT = """
const both = Object.getOwnPropertyDescriptor(DeviceMotionEvent.prototype, "accelerationIncludingGravity").get;
Object.defineProperty(DeviceMotionEvent.prototype, "accelerationIncludingGravity", {
  get() { const a = both.call(this); return a && { x: -a.x, y: -a.y, z: -a.z }; },
});
globalThis.nAsked = 0;
DeviceMotionEvent.requestPermission = async () => { nAsked++; return navigator.userActivation.isActive && "granted"; };
globalThis.WebSocket = class {
  constructor() { setTimeout(() => { this.onerror?.({}); this.onclose?.({ code: 1006 }); }, 30); }
  close() {}
};
"""
"""What an iPhone does otherwise: opposite sign, permission only from a tap, no socket with a certificate of our own."""


STILL_S = 5.5
"""A session begins at rest; the orientation filter needs about five seconds to learn the gyroscope's offset."""


class Fall:
    """A knee that falls open by 30° and comes back, five seconds each time, after a moment of rest; in closed form."""

    def __init__(self, still_s: float = STILL_S) -> None:
        self._begin_s = time.time() + still_s
        self._told = (time.time(), 0.0, 0.0)
        """When a reading was given last, its rate, and the angle that all rates so far add up to."""

    def angle_and_rate(self, now_s: float) -> tuple[float, float]:
        """Rad and rad/s at a wall time."""
        since_s = max(0.0, now_s - self._begin_s)
        turn, half = 2 * math.pi * 0.2, math.radians(15)
        return half * (1 - math.cos(turn * since_s)), half * turn * math.sin(turn * since_s)

    def felt(self, _loop_s: float) -> tuple[list[float], list[float], float, float]:
        """What a phone feels right now that turns about its x axis.

        On a busy computer a reading is given late, and the rate before it lasts too long. A gyroscope's own filter
        does not lose what it turned meanwhile, so the next rates make up for it within a tenth of a second.
        """
        now_s = time.time()
        angle, rate = self.angle_and_rate(now_s)
        told_s, told_rate, told_angle = self._told
        told_angle += told_rate * (now_s - told_s)
        rate += (angle - told_angle) / 0.1
        self._told = (now_s, rate, told_angle)
        return [0.0, 9.80665 * math.sin(angle), 9.80665 * math.cos(angle)], [rate, 0.0, 0.0], math.degrees(angle), 0.0

    def errors_deg(self, up: Floats, times_s: Floats) -> tuple[Floats, float]:
        """Errors of an angle, told by the direction of up at wall times, and the delay that fits best, up to 0.1 s.

        The delay is how long a reading takes from being set to the page's stamp: none of it is an error of the angle.
        """
        measured = np.degrees(np.arctan2(up[:, 1], up[:, 2]))

        def errors(delay_s: float) -> Floats:
            return measured - np.degrees([self.angle_and_rate(at - delay_s)[0] for at in times_s])

        best = min(np.arange(0.0, 0.1, 0.002).tolist(), key=lambda delay_s: rms(errors(delay_s)))
        return errors(best), best


def filtered(blocks: list[ImuBlock]) -> Floats:
    """Which way is up, as the pipeline finds it."""
    filter_ = OrientationFilter(CHANNEL)
    return np.concatenate([filter_.feed(block, "right-thigh").up_sensor for block in blocks])


def accelerations(blocks: list[ImuBlock]) -> Floats:
    """All of them, which point up while nothing but gravity is felt."""
    return np.concatenate([block.acc_sensor_mps2 for block in blocks])


def times_s(blocks: list[ImuBlock], epoch_ns: int) -> Floats:
    """Wall time of every sample."""
    return np.concatenate([block.t_s for block in blocks]) + epoch_ns / 1e9


def rms(values: Floats) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(values**2)))


def troubles(out: list[Any]) -> list[Any]:
    """Gaps and bad packets; in its first second the browser's sensor may stutter, and that is measured as it is."""
    first_s = next(one.t_s[0] for one in out if isinstance(one, ImuBlock))
    gaps = [one for one in out if isinstance(one, Gap) and one.start_s > first_s + 1.0]
    return gaps + [one for one in out if isinstance(one, BadPacket)]


def arrived_ms(packets: list[Packet]) -> list[float]:
    """Page times of all samples that arrived, each once, in order."""
    return sorted(
        {ms for packet in packets for frame in decode_frames(packet.payload) for ms in frame.page_ms.tolist()}
    )


def rate_hz(times_ms: list[float]) -> float:
    """Events per second on the page's own clock."""
    return (len(times_ms) - 1) / (times_ms[-1] - times_ms[0]) * 1000


def assert_right(fall: Fall, blocks: list[ImuBlock], epoch_ns: int, times_ms: list[float], *up: Floats) -> None:
    """At least 59 events a second, and the angle within 0.3° in root mean square, by each of the directions of up.

    Where other work kept the browser from its even pace (its steps spread by more than a millisecond; 0.3 when nothing
    else runs), the motion itself was given unevenly, and only coarse faults can be told: below 50 Hz, beyond 1°.
    """
    is_even = float(np.std(np.diff(times_ms))) < 1.0
    least_hz, most_deg = (59.0, 0.3) if is_even else (50.0, 1.0)
    assert rate_hz(times_ms) >= least_hz
    for one in up:
        errors, delay_s = fall.errors_deg(one, times_s(blocks, epoch_ns))
        assert rms(errors[60:]) < most_deg
        assert delay_s < 0.08


async def start(tab: Tab, url: str) -> None:
    """What a person does: open the address, tap Start."""
    await tab.can_move()
    await tab.open(url)
    await tab.until("document.body.dataset.state === 'ready'")
    await tab.press("#start")
    await tab.until("['connecting', 'streaming'].includes(document.body.dataset.state)")


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def shown_url(stderr: io.TextIOBase) -> str:
    """The address that the program shows."""
    for line in stderr:
        found = re.search(r"https://\S+/#\S+", line)
        if found:
            return found[0]
    raise AssertionError("the program ended without showing an address")


async def refusal(browser: Chromium, url: str) -> str:
    """What another device reads that opens this address."""
    tab = await browser.tab(is_stranger=True)
    await tab.open(url)
    await tab.until("document.body.dataset.state === 'refused'")
    text = await tab.text()
    await tab.close()
    return text


def test_a_knee_fall_is_recorded_through_the_page(cli: Any) -> None:
    """`record right-thigh=phone`: at least 59 Hz, nothing lost, the angle right within 0.3°, a wrong and a reused code
    refused, the screen black, short touches ignored, and holding it for 3 s ends the session."""
    config = cli.home / "config" / "sensorsoma" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'phone_page_port = {free_port()}\nphone_page_host = "127.0.0.1"\n')
    cli.environment["PYTHONWARNINGS"] = "ignore::ResourceWarning"  # of spare connections that Chromium never uses
    started = cli.start("record", "right-thigh=phone", "--out", "rec")
    url = shown_url(started.process.stderr)
    assert url.rpartition("#")[2] not in "".join(path.name for path in config.parent.iterdir())

    falls: list[Fall] = []

    async def practise() -> list[float]:
        async with chromium(TRUSTING) as browser:
            assert "This code is not known here." in await refusal(browser, url[:-1])
            tab = await browser.tab(NOTING)
            await start(tab, url)
            assert "#" not in await tab.ask("location.href")
            assert "used already" in await refusal(browser, url)
            falls.append(Fall())
            moving = asyncio.create_task(tab.keep_moving(falls[0].felt))
            await tab.until("document.body.dataset.state === 'streaming'")
            assert ("button", "Hold for 3 seconds to stop") in await tab.roles()
            await asyncio.sleep(STILL_S + 8.0)
            assert await tab.ask("document.elementFromPoint(195, 400).closest('#black') !== null")
            await tab.press("#black", 0.3)
            await asyncio.sleep(0.2)
            assert await tab.ask("document.body.dataset.state") == "streaming"
            await tab.press("#black", 3.3)
            await tab.until("document.body.innerText.includes('the computer knows')")
            events: list[float] = await tab.ask("events")
            moving.cancel()
            return events

    events = asyncio.run(practise())
    done = started.done()
    assert done.code == 0
    (path,) = started.recordings()
    inputs = list(open_recording(path).inputs())
    (settings,) = (one for one in inputs if isinstance(one, SettingsSnapshot))
    packets = [one for one in inputs if isinstance(one, Packet)]
    decoder = PhonePageDecoder(CHANNEL, settings.host_ns, {})
    out = [one for packet in packets for one in decoder.feed(packet)]
    blocks = [one for one in out if isinstance(one, ImuBlock)]
    times_ms = arrived_ms(packets)
    assert times_ms == [ms for ms in events if ms >= times_ms[0]]
    assert len(times_ms) > 59 * 12
    assert not troubles(out)
    assert sum(len(block.t_s) for block in blocks) + decoder.n_repeats == len(times_ms)
    assert blocks[-1].rate_hz == pytest.approx(60.0, abs=2.0)
    assert (decoder.sign, decoder.sign_found_by) == (1, "page")
    assert_right(falls[0], blocks, settings.host_ns, times_ms, accelerations(blocks), filtered(blocks))
    assert [one.kind for one in inputs if isinstance(one, UserMark)] == ["stop"]


class Wire:
    """A way to the computer that can be cut, as Wi-Fi can."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self._to = port
        self._is_cut = False
        self._open: set[asyncio.StreamWriter] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Wire]:
        server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self.cut()
            server.close()

    def cut(self) -> None:
        self._is_cut = True
        for writer in self._open:
            writer.transport.abort()

    def heal(self) -> None:
        self._is_cut = False

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        there = await asyncio.open_connection("127.0.0.1", self._to)
        self._open |= {writer, there[1]}
        await asyncio.gather(self._carry(reader, there[1]), self._carry(there[0], writer))
        self._open -= {writer, there[1]}

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    """A certificate for this computer."""
    return own_certificate(tmp_path_factory.mktemp("tls"), ["127.0.0.1", "localhost"])


@contextlib.asynccontextmanager
async def served(tls: TlsFiles, put: list[Any]) -> AsyncIterator[PhonePageSource]:
    """The page, without a session around it."""
    clock = Clock()
    params = PageSourceParams(silent_s=1.0)
    source = PhonePageSource(Pairings([CHANNEL], clock.now_ns()), clock, tls, 0, "127.0.0.1", params=params)
    running = asyncio.create_task(source.run(put.append))
    while not put:  # noqa: ASYNC110 - until it says that it listens
        await asyncio.sleep(0.02)
    try:
        yield source
    finally:
        running.cancel()
        await asyncio.wait([running], timeout=5)


@pytest.mark.parametrize("is_webkit", [True, pytest.param(False, marks=pytest.mark.soak)])
def test_a_cut_wire_loses_nothing(tls: TlsFiles, is_webkit: bool) -> None:
    """By POST with an iPhone's quirks, and over the socket: 2.5 s without the computer are kept and come later, when
    they were measured, with the sign settled and permission asked from the tap."""
    put: list[Any] = []
    fall = Fall(still_s=0.0)

    async def practise() -> list[float]:
        async with served(tls, put) as source, Wire(source.port).running() as wire, chromium(TRUSTING) as browser:
            tab = await browser.tab(NOTING + (WEBKIT if is_webkit else ""))
            url = source.url(CHANNEL).replace(f":{source.port}/", f":{wire.port}/")
            await start(tab, url)
            moving = asyncio.create_task(tab.keep_moving(fall.felt))
            await tab.until("document.body.dataset.state === 'streaming'")
            await asyncio.sleep(2.5)
            wire.cut()
            await tab.until("document.body.dataset.state === 'away'")
            await asyncio.sleep(2.5)
            wire.heal()
            await tab.until("document.body.dataset.state === 'streaming'")
            await asyncio.sleep(1.5)
            assert not is_webkit or await tab.ask("nAsked") == 1
            await tab.press("#stop", 3.3)
            await tab.until("document.body.innerText.includes('the computer knows')")
            events: list[float] = await tab.ask("events")
            moving.cancel()
            return events

    events = asyncio.run(practise())
    kinds = [type(one) for one in put if isinstance(one, StreamInterrupted | StreamResumed | UserMark)]
    assert kinds == [StreamInterrupted, StreamResumed, UserMark]
    packets = [one for one in put if isinstance(one, Packet)]
    decoder = PhonePageDecoder(CHANNEL, packets[0].host_ns, {})
    out: list[Any] = []
    for one in put:
        if isinstance(one, StreamResumed):
            decoder.resumed(one.host_ns)
        elif isinstance(one, Packet):
            out += decoder.feed(one)
    times_ms = arrived_ms(packets)
    assert times_ms == [ms for ms in events if ms >= times_ms[0]]
    assert not troubles(out)
    assert (decoder.sign, decoder.sign_found_by) == (-1 if is_webkit else 1, "page")
    blocks = [one for one in out if isinstance(one, ImuBlock)]
    assert sum(len(block.t_s) for block in blocks) + decoder.n_repeats == len(times_ms)
    assert_right(fall, blocks, packets[0].host_ns, times_ms, accelerations(blocks))


def test_what_is_missing_is_said_calmly(tls: TlsFiles) -> None:
    """A refused permission, a browser without motion sensors, one whose sensors say nothing, a page without a code."""
    put: list[Any] = []

    async def look() -> None:
        async with served(tls, put) as source, chromium(TRUSTING) as browser:
            root = f"https://127.0.0.1:{source.port}/"
            none = await browser.tab("delete globalThis.DeviceMotionEvent;", is_stranger=True)
            await none.open(root)
            await none.until("document.body.innerText.includes('gives pages no motion sensors')")
            bare = await browser.tab(is_stranger=True)
            await bare.open(root)
            await bare.until("document.body.innerText.includes('scan the code that the computer shows')")
            denied = "globalThis.answer = 'denied'; DeviceMotionEvent.requestPermission = async () => answer;"
            tab = await browser.tab(denied)
            await tab.open(source.url(CHANNEL))
            await tab.until("document.body.dataset.state === 'ready'")
            await tab.press("#start")
            await tab.until("document.body.innerText.includes('did not allow motion sensors')")
            await tab.ask("globalThis.answer = 'granted'")
            await tab.press("#start")
            await tab.until("document.body.innerText.includes('No motion readings come')")
            await tab.open(root)  # loaded anew, the page knows its key
            await tab.until("document.body.dataset.state === 'ready'")

    asyncio.run(look())
    assert not [one for one in put if isinstance(one, Packet)]


@pytest.mark.soak
@pytest.mark.timeout(240)
def test_a_simulated_persons_knee_fall_measures_as_it_was(tls: TlsFiles) -> None:
    """A whole knee fall, felt by the browser and measured by the pipeline: its angles are right within 1°."""
    simulation = simulate_exercise("knee_fall", side="right", seed=3, rate_hz=100.0, difficulties=Difficulties.none())
    samples = simulation.samples["right-thigh"]
    assert samples.gyr_sensor_radps is not None
    felt = np.hstack([samples.acc_sensor_mps2, samples.gyr_sensor_radps])
    put: list[Any] = []

    def motion_since(begin_s: float) -> Callable[[float], tuple[list[float], list[float], float, float]]:
        def motion(now_s: float) -> tuple[list[float], list[float], float, float]:
            row = [float(np.interp(now_s - begin_s, samples.device_t_s, column)) for column in felt.T]
            x, y, z = np.array(row[:3]) / np.linalg.norm(row[:3])
            return row[:3], row[3:], math.degrees(math.asin(y)), math.degrees(math.atan2(-x, z))

        return motion

    async def practise() -> None:
        async with served(tls, put) as source, chromium(TRUSTING) as browser:
            tab = await browser.tab()
            await start(tab, source.url(CHANNEL))
            begin_s = asyncio.get_running_loop().time() + 0.2
            moving = asyncio.create_task(tab.keep_moving(motion_since(begin_s)))
            await asyncio.sleep(float(samples.device_t_s[-1]) + 0.5)
            moving.cancel()

    asyncio.run(practise())
    packets = [one for one in put if isinstance(one, Packet)]
    pipeline = Pipeline()
    settings = SessionSettings(
        (SourceSettings(CHANNEL, "right-thigh", "phone", "phone_page"),),
        segments=(SegmentRequest("knee_fall", "right", "right-thigh"),),
    )
    out = list(pipeline.feed(SettingsSnapshot(packets[0].host_ns, settings.to_json())))
    for packet in packets:
        out += pipeline.feed(packet)
    out += pipeline.finish()
    (segment,) = (one for one in out if isinstance(one, SegmentMeasured))
    (measured,) = segment.measures["falls"]
    truths = [stretch.fall for stretch in simulation.truth.stretches if stretch.fall is not None]
    assert len(truths) == 1
    for name in ("arrival_deg", "final_deg"):
        assert measured[name] == pytest.approx(getattr(truths[0], name), abs=1.0), name


@pytest.mark.soak
@pytest.mark.timeout(400)
def test_five_minutes_keep_their_rate(tls: TlsFiles) -> None:
    """300 s over the socket: 59 Hz and more, every event arrives, the angle stays right within 0.3°."""
    put: list[Any] = []
    falls: list[Fall] = []

    async def practise() -> list[float]:
        async with served(tls, put) as source, chromium(TRUSTING) as browser:
            tab = await browser.tab(NOTING)
            await start(tab, source.url(CHANNEL))
            falls.append(Fall())
            moving = asyncio.create_task(tab.keep_moving(falls[0].felt))
            await asyncio.sleep(300.0)
            await tab.press("#black", 3.3)
            await tab.until("document.body.innerText.includes('the computer knows')")
            events: list[float] = await tab.ask("events")
            moving.cancel()
            return events

    events = asyncio.run(practise())
    packets = [one for one in put if isinstance(one, Packet)]
    times_ms = arrived_ms(packets)
    assert times_ms == [ms for ms in events if ms >= times_ms[0]]
    decoder = PhonePageDecoder(CHANNEL, packets[0].host_ns, {})
    blocks = [one for packet in packets for one in decoder.feed(packet) if isinstance(one, ImuBlock)]
    assert_right(falls[0], blocks, packets[0].host_ns, times_ms, accelerations(blocks), filtered(blocks))
