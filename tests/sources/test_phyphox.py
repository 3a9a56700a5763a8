"""phyphox over real HTTP on the loopback interface, against a phone with the app's quirks."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any, get_args

import numpy as np
import pytest
from sources.phyphox_server import ACC, GYR, Experiment, Felt, Input, PhyphoxPhone, System, serving, simple_experiment

from sensorsoma.clock import Clock
from sensorsoma.decode.phyphox import PhyphoxDecoder
from sensorsoma.errors import DeviceNotFoundError, LinkError
from sensorsoma.messages import (
    BadPacket,
    Floats,
    Gap,
    ImuBlock,
    Packet,
    SegmentMeasured,
    SettingsSnapshot,
    SourceStatus,
    StreamInterrupted,
    StreamResumed,
)
from sensorsoma.pipeline import Pipeline
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.simulate.exercise import simulate_exercise
from sensorsoma.simulate.stream import encode_soma_v1
from sensorsoma.simulate.stream import packets as ble_packets
from sensorsoma.sources.phone import phyphox_api
from sensorsoma.sources.phone.http_get import HttpParams
from sensorsoma.sources.phone.phyphox import PhyphoxSource, PhyphoxSourceParams

SYSTEMS: tuple[System, ...] = get_args(System)
Doing = Callable[[PhyphoxPhone, Callable[[float], Awaitable[None]]], Awaitable[None]]


def numbered(seconds: float = 60.0, acc_offset_s: float = 0.0037) -> tuple[Felt, Felt]:
    """What a phone feels that lies screen up; the rate about x tells which reading it is."""
    t_s = np.arange(round(seconds * 100)) / 100
    zero = np.zeros_like(t_s)
    acc = Felt(t_s + acc_offset_s, np.column_stack([zero, zero, zero + 9.81]))
    return acc, Felt(t_s, np.column_stack([np.arange(len(t_s)) * 1e-4, zero, zero]))


def conversation(
    doing: Doing | float,
    speed: float = 16.0,
    system: System = "android",
    params: PhyphoxSourceParams | None = None,
    experiment: Experiment | None = None,
    prepare: Callable[[PhyphoxPhone], None] = lambda _phone: None,
) -> tuple[list[Any], PhyphoxPhone]:
    """Everything that a source puts while something happens on the phone, until it is cancelled; and the phone.

    Args:
        doing: what happens; a number waits so many session seconds.
        speed: session seconds per real second.
        system: which app answers.
        params: of the source.
        experiment: what is open on the phone.
        prepare: what was done on the phone before.
    """
    clock = Clock(speed)
    phone = PhyphoxPhone(experiment or simple_experiment(*numbered()), clock, system)
    prepare(phone)

    async def wait(session_s: float) -> None:
        await asyncio.sleep(clock.real_seconds(session_s))

    async def both(port: int) -> list[Any]:
        put: list[Any] = []
        source = PhyphoxSource("belly", f"127.0.0.1:{port}", clock, params)
        running = asyncio.create_task(source.run(put.append))
        happening = asyncio.ensure_future(wait(doing) if isinstance(doing, float) else doing(phone, wait))
        done, _ = await asyncio.wait([running, happening], return_when=asyncio.FIRST_COMPLETED)
        if running in done:
            happening.cancel()
            running.result()
        begin_s = time.monotonic()
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()
        assert time.monotonic() - begin_s < 3
        happening.result()
        return put

    with serving(phone) as port:
        return asyncio.run(both(port)), phone


def decoded(put: list[Any]) -> list[Any]:
    """What the pipeline's decoder makes of it, with the settings as the source found them."""
    config: dict[str, Any] = {}
    decoder: PhyphoxDecoder | None = None
    out: list[Any] = []
    for message in put:
        if isinstance(message, SourceStatus) and decoder is None:
            config = {**config, **(message.config or {})}
        elif isinstance(message, Packet):
            decoder = decoder or PhyphoxDecoder("belly", message.host_ns, config)
            out += decoder.feed(message)
        elif isinstance(message, StreamResumed) and decoder is not None:
            decoder.resumed(message.host_ns)
    return out


def samples(out: list[Any]) -> tuple[Floats, Floats]:
    """Times and numbers of the samples."""
    blocks = [one for one in out if isinstance(one, ImuBlock)]
    numbers = np.concatenate([np.asarray(block.gyr_sensor_radps)[:, 0] for block in blocks])
    return np.concatenate([block.t_s for block in blocks]), numbers / 1e-4


def states(put: list[Any]) -> list[str]:
    """The states that were told, repeats left out."""
    told = [message.state for message in put if isinstance(message, SourceStatus)]
    return [state for before, state in zip(["", *told], told, strict=False) if state != before]


def texts(put: list[Any]) -> str:
    return "\n".join(message.text for message in put if isinstance(message, SourceStatus))


def assert_complete(put: list[Any], least_n: int) -> None:
    """Every reading from the first to the last, once, in order, evenly in time."""
    out = decoded(put)
    assert not [one for one in out if isinstance(one, Gap | BadPacket)]
    t_s, numbers = samples(out)
    np.testing.assert_allclose(np.diff(numbers), 1.0, atol=1e-3)
    assert len(numbers) >= least_n
    assert (np.diff(t_s) > 0).all()


# ---------------------------------------------------------------------------------------------------- streaming


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_reading_arrives_once_in_order(system: System) -> None:
    """On both systems, old and new, nothing is lost or doubled, and the rate is right within 1 %."""
    put, phone = conversation(6.0, system=system)
    assert_complete(put, 500)
    rate_hz = [one for one in decoded(put) if isinstance(one, ImuBlock)][-1].rate_hz
    assert rate_hz == pytest.approx(100.0, rel=0.01)
    assert states(put) == ["searching", "starting", "streaming", "stopped"]
    bar = "|" if system in ("old_android", "oldest_android") else "%7C"
    assert f"{bar}acc_time&" in phone.questions[-2]


def test_what_decoding_needs_is_known_before_the_first_packet() -> None:
    """Names of the buffers stand in a status and in the first packet, which is the untouched answer of /config."""
    put, phone = conversation(3.0)
    index = next(index for index, message in enumerate(put) if isinstance(message, Packet))
    told = [message for message in put[:index] if isinstance(message, SourceStatus)][-1]
    assert told.decoder == "phyphox"
    assert told.config == {"buffers": {"acc": ACC, "gyr": GYR}}
    assert put[index].payload == phone.config().encode()
    assert all(b'"status"' in message.payload for message in put[index + 1 :] if isinstance(message, Packet))
    stamps = [message.host_ns for message in put if isinstance(message, Packet)]
    assert stamps == sorted(stamps)


def test_the_past_of_a_measurement_is_not_fetched() -> None:
    """A measurement that has run for a minute is joined where it is; it is the person's and goes on at the end."""

    def a_minute_ago(phone: PhyphoxPhone) -> None:
        phone.start()
        phone._begin_ns -= 60_000_000_000

    put, phone = conversation(3.0, experiment=simple_experiment(*numbered(200.0)), prepare=a_minute_ago)
    assert_complete(put, 200)
    assert samples(decoded(put))[1][0] > 5900
    assert phone.is_measuring
    assert not [question for question in phone.questions if "control" in question]


def test_a_measurement_started_from_here_is_stopped_at_the_end() -> None:
    """The phone does not go on through the night."""
    _, phone = conversation(2.0)
    assert not phone.is_measuring
    assert [question for question in phone.questions if "control" in question] == [
        "/control?cmd=start", "/control?cmd=stop",
    ]  # fmt: skip


def test_acceleration_alone_is_taken_and_said() -> None:
    """An experiment without gyroscope streams, with a hint."""
    put, _ = conversation(4.0, experiment=simple_experiment(numbered()[0], None))
    blocks = [one for one in decoded(put) if isinstance(one, ImuBlock)]
    assert sum(len(block.t_s) for block in blocks) > 300
    assert all(block.gyr_sensor_radps is None for block in blocks)
    assert "without gyroscope" in texts(put)


def test_buffers_that_drop_their_oldest_values_are_enough() -> None:
    """A cyclic buffer of one second loses nothing while the phone is asked in time."""
    put, _ = conversation(4.0, speed=8.0, experiment=simple_experiment(*numbered(), size=100))
    assert_complete(put, 300)


# -------------------------------------------------------------------------------------------------- difficulties


def test_slow_answers_lose_nothing() -> None:
    """Answers that take almost a second of session time come late and whole."""
    put, _ = conversation(9.0, prepare=lambda phone: setattr(phone, "delay_s", 0.05))
    assert_complete(put, 500)
    assert not [message for message in put if isinstance(message, StreamInterrupted)]


def test_dropped_connections_lose_nothing() -> None:
    """Three answers of ten that are cut in the middle are asked for again."""
    params = PhyphoxSourceParams(backoff_s=0.02, backoff_max_s=0.1)
    put, _ = conversation(6.0, speed=8.0, params=params, prepare=lambda phone: setattr(phone, "drop_share", 0.3))
    assert_complete(put, 250)


@pytest.mark.parametrize("how", ["is_away", "is_hanging"])
def test_a_phone_that_was_away_brings_what_it_measured(how: str) -> None:
    """Gone for five seconds, in or out of reach: told once, and back with every reading."""

    async def doing(phone: PhyphoxPhone, wait: Any) -> None:
        await wait(2.0)
        setattr(phone, how, True)
        await wait(5.0)
        setattr(phone, how, False)
        await wait(6.0)

    params = PhyphoxSourceParams(backoff_s=0.02, backoff_max_s=0.1, http=HttpParams(0.2, 0.2))
    put, _ = conversation(doing, speed=12.0, params=params)
    assert_complete(put, 1000)
    kinds = [type(message).__name__ for message in put if isinstance(message, StreamInterrupted | StreamResumed)]
    assert kinds == ["StreamInterrupted", "StreamResumed"]
    assert states(put) == ["searching", "starting", "streaming", "lost", "streaming", "stopped"]
    assert "The phone is back." in texts(put)


def test_after_a_very_long_absence_only_the_present_counts() -> None:
    """What is older than the limit is not fetched; it is a gap."""

    async def doing(phone: PhyphoxPhone, wait: Any) -> None:
        await wait(2.0)
        phone.is_away = True
        await wait(7.0)
        phone.is_away = False
        await wait(4.0)

    params = PhyphoxSourceParams(backlog_s=4.0, backoff_s=0.02, backoff_max_s=0.1)
    out = decoded(conversation(doing, params=params)[0])
    (gap,) = [one for one in out if isinstance(one, Gap)]
    assert gap.reason == "link_lost"
    assert 6.0 < gap.end_s - gap.start_s < 11.0


@pytest.mark.parametrize("is_seen", [True, False])
def test_a_cleared_measurement_goes_on_by_itself(is_seen: bool) -> None:
    """Cleared on the phone: it is started again, times begin anew, also when a browser got the full answer."""

    async def doing(phone: PhyphoxPhone, wait: Any) -> None:
        await wait(4.0)
        with phone.lock:
            phone.clear()
            phone.is_forcing_full = is_seen
        await wait(5.0)

    put, phone = conversation(doing)
    out = decoded(put)
    assert [one.reason for one in out if isinstance(one, Gap)] == ["clock_restart"]
    t_s, numbers = samples(out)
    assert len(t_s) > 500
    assert (np.diff(t_s) > 0).all()
    assert (np.diff(numbers) > 0).all()
    assert np.count_nonzero(np.diff(numbers).round() != 1) == 1
    assert phone.questions.count("/control?cmd=start") == 2


def test_a_finger_on_pause_is_mended() -> None:
    """Paused in the dark: said calmly, asked to go on; the pause is a gap of its length."""

    async def doing(phone: PhyphoxPhone, wait: Any) -> None:
        await wait(3.0)
        phone.stop()
        phone.refuses_to_start = True
        await wait(4.0)
        phone.refuses_to_start = False
        await wait(6.0)

    put, _ = conversation(doing)
    (gap,) = [one for one in decoded(put) if isinstance(one, Gap)]
    assert 3.5 < gap.end_s - gap.start_s < 8.0
    assert states(put) == ["searching", "starting", "streaming", "lost", "streaming", "stopped"]
    assert "paused" in texts(put)
    assert "The phone is back." in texts(put)


def test_another_experiment_is_followed() -> None:
    """The person opens another experiment whose buffers have other names: it goes on, with a gap."""
    other = Experiment([
        Input("linear_acceleration", numbered()[0], ACC),
        Input("accelerometer", numbered()[0], {"t": "t1", "x": "a&b", "y": "ä", "z": "z 1"}),
        Input("gyroscope", numbered()[1], {"t": "t2", "x": "g|x", "y": "g=y", "z": "g%z"}),
    ])  # fmt: skip

    async def doing(phone: PhyphoxPhone, wait: Any) -> None:
        await wait(3.0)
        phone.open(other)
        await wait(5.0)

    put, phone = conversation(doing)
    assert sum(b'"inputs"' in message.payload for message in put if isinstance(message, Packet)) == 2
    out = decoded(put)
    assert not [one for one in out if isinstance(one, BadPacket)]
    assert [one.reason for one in out if isinstance(one, Gap)] == ["clock_restart"]
    assert len(samples(out)[0]) > 500
    assert any("%7Ct1&" in question for question in phone.questions)


def test_an_experiment_of_no_use_in_the_middle_does_not_end_the_practice() -> None:
    """Without accelerometer it is said what is open; the right one is followed again when it is back."""

    async def doing(phone: PhyphoxPhone, wait: Any) -> None:
        first = phone.experiment
        await wait(2.0)
        phone.open(Experiment([Input("magnetic_field", numbered()[0], ACC)], title="Compass"))
        await wait(5.0)
        for buffer in first.buffers.values():
            buffer.clear()
        phone.open(first)
        await wait(5.0)

    params = PhyphoxSourceParams(backoff_s=0.02, backoff_max_s=0.1)
    put, _ = conversation(doing, params=params)
    away = next(message for message in put if isinstance(message, StreamInterrupted))
    assert '"Compass" in phyphox has no accelerometer' in away.reason
    assert states(put) == ["searching", "starting", "streaming", "lost", "streaming", "stopped"]
    assert len(samples(decoded(put))[0]) > 400


# ---------------------------------------------------------------------------------------------- wrong beginnings


@pytest.mark.parametrize(
    ("experiment", "words"),
    [
        (Experiment([Input("magnetic_field", numbered()[0], ACC)], title="Compass"), '"Compass" in phyphox has no acc'),
        (Experiment([Input("linear_acceleration", numbered()[0], ACC)]), "has no accelerometer with gravity"),
        (simple_experiment(*numbered(), size=1), "keeps only the last 1 values"),
    ],
)
def test_an_experiment_of_no_use_is_one_sentence(experiment: Experiment, words: str) -> None:
    """What is open, what is missing, what to do."""
    with pytest.raises(LinkError, match=f"{words}.*add a simple experiment") as caught:
        conversation(5.0, experiment=experiment)
    assert str(caught.value).endswith(".")


def test_a_phone_that_does_not_start_is_one_sentence() -> None:
    """It answers but measures nothing, for as long as one waits."""
    params = PhyphoxSourceParams(find_s=2.0)
    with pytest.raises(LinkError, match="answers but measures nothing; press play"):
        conversation(9.0, params=params, prepare=lambda phone: setattr(phone, "refuses_to_start", True))


def ask_at(address: str, params: PhyphoxSourceParams) -> list[Any]:
    """What is told while nobody is found."""
    put: list[Any] = []
    with pytest.raises(DeviceNotFoundError, match="remote access") as caught:
        asyncio.run(PhyphoxSource("belly", address, Clock(), params).run(put.append))
    return [*put, str(caught.value)]


def test_nobody_there_is_one_sentence() -> None:
    """A wrong address is said while waiting and at the end, with what to check; both usual ports were tried."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    params = PhyphoxSourceParams(find_s=0.4, backoff_s=0.02, backoff_max_s=0.05, check_s=0.02)
    put = ask_at(f"127.0.0.1:{port}", params)
    assert put[-1].startswith(f"No phone with phyphox answered at 127.0.0.1 (port {port});")
    assert "nobody listens there" in texts(put)
    assert states(put[:-1]) == ["searching", "failed"]


def test_something_else_there_is_one_sentence() -> None:
    """A web server that is not phyphox is recognised at once."""

    async def both() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>")
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(LinkError, match=f"something else answers at 127.0.0.1:{port}; type the address"):
            await PhyphoxSource("belly", f"127.0.0.1:{port}", Clock()).run(lambda _message: None)
        server.close()

    asyncio.run(both())


def test_both_usual_ports_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a port Android's comes first, then the iPhone's; the one that answers is kept."""
    assert phyphox_api.USUAL_PORTS == (8080, 80)
    clock = Clock(16.0)
    phone = PhyphoxPhone(simple_experiment(*numbered()), clock, "iphone")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]

    async def run() -> list[Any]:
        put: list[Any] = []
        running = asyncio.create_task(PhyphoxSource("belly", "127.0.0.1", clock).run(put.append))
        await asyncio.sleep(0.3)
        running.cancel()
        await asyncio.wait([running])
        return put

    with serving(phone) as port:
        monkeypatch.setattr(phyphox_api, "USUAL_PORTS", (free, port))
        assert_complete(asyncio.run(run()), 200)


# ------------------------------------------------------------------------------------------------------- angles


def test_a_knee_fall_through_phyphox_is_the_one_that_happened() -> None:
    """Angles of a simulated fall are those of the truth within 0.3°, and a Bluetooth sensor's within 0.1°."""
    simulation = simulate_exercise("knee_fall", side="right", seed=3, rate_hz=100.0)
    worn = next(iter(simulation.samples.values()))
    worn = dataclasses.replace(worn, is_lost=np.zeros_like(worn.is_lost))
    assert worn.gyr_sensor_radps is not None
    t_s = worn.device_t_s - worn.device_t_s[0] + 0.5
    acc = Felt(t_s + 0.0037, _at(t_s + 0.0037, t_s, worn.acc_sensor_mps2))
    phone = simple_experiment(acc, Felt(t_s, worn.gyr_sensor_radps))
    put, _ = conversation(float(t_s[-1]) + 1.0, speed=60.0, experiment=phone)

    epoch_ns = 1_700_000_000_000_000_000
    by_ble = measures(list(ble_packets(worn, encode_soma_v1, epoch_ns=epoch_ns)), epoch_ns, "soma_v1", worn.placement)
    packets = [dataclasses.replace(one, channel=worn.placement) for one in put if isinstance(one, Packet)]
    by_phone = measures(packets, packets[0].host_ns, "phyphox", worn.placement)
    (fall,), (by_sensor,) = by_phone["falls"], by_ble["falls"]
    (true,) = [stretch.fall for stretch in simulation.truth.stretches if stretch.fall is not None]
    for name in ("arrival_deg", "final_deg", "sink_deg"):
        assert fall[name] == pytest.approx(getattr(true, name), abs=0.3)
        assert fall[name] == pytest.approx(by_sensor[name], abs=0.1)


def _at(when_s: Floats, t_s: Floats, values: Floats) -> Floats:
    return np.column_stack([np.interp(when_s, t_s, column) for column in values.T])


def measures(packets: list[Packet], epoch_ns: int, decoder: str, placement: Any) -> dict[str, Any]:
    """What the pipeline measures of one knee fall."""
    source = SourceSettings(placement, placement, "test", decoder)
    request = SegmentRequest("knee_fall", "right", placement)
    pipeline = Pipeline()
    out = list(pipeline.feed(SettingsSnapshot(epoch_ns, SessionSettings((source,), segments=(request,)).to_json())))
    for packet in packets:
        out += pipeline.feed(packet)
    out += pipeline.finish()
    assert not [one for one in out if isinstance(one, Gap | BadPacket)]
    (segment,) = (one for one in out if isinstance(one, SegmentMeasured))
    return dict(segment.measures)
