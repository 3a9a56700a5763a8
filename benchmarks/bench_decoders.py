"""What every wire format costs to decode, and every virtual sensor through the real Bluetooth client.

    python benchmarks/bench_decoders.py [--minutes 10] [--rounds 15] [--seconds 10] [--json FILE] [--quick]

Decoding, for each stream of `packet_streams.py`: CPU time of `feed` by packet and by sample, beside the plainest code
on the same packets in the same run (`plain_...` there: the same numbers without clock, loss accounting or checks; for
JSON `json.loads` alone). The first half of the stream is not timed: a clock is fitted over the last five minutes, which
costs most when they are full. All formats are timed in turn, and medians over the rounds are given, ratios within a
round. A loop keeps code and data in the processor's cache, which packets that come 20 ms apart do not find there: live,
a packet costs more, see the link. Memory is what the decoder holds halfway and after the whole stream.

The link, for each row of `virtual.devices.DEVICES`: a still sensor in another process, found, started and heard by the
real client over a simulated radio of 15 ms. The sensor ends by itself, so that every sample it sent is received, lost,
or still held by the decoder. Time is from the entry of the notification callback to the decoded samples; CPU is that of
the client process, the Bluetooth stack in Python included.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from bench_live_link import TARGETS as LINK
from bench_live_link import listen, percentiles
from figures import add_json, progress, tell
from packet_streams import STREAMS, Stream, every_stream, test_file

from sensorsoma.clock import Clock
from sensorsoma.decode import DECODERS, make_decoder
from sensorsoma.decode.base import Decoded, Decoder
from sensorsoma.messages import BadPacket, Gap, ImuBlock, Packet, SourceStatus
from sensorsoma.settings import AUTO, SourceSettings
from sensorsoma.sources.ble.link import BleSource
from sensorsoma.virtual.devices import DEVICES
from sensorsoma.virtual.launcher import start_virtual

TARGETS = {"lost": LINK["lost"], "p99_ms": LINK["p99_ms"]}
INTERVAL_MS = 15
BEGIN_NS = 1_700_000_000_000_000_000
SETTLE_S = 1.0
FILL_S = 3.0
"""A still Verity Sense needs so long to fill its first frame."""
CHANNEL = "right-thigh"


@dataclass(slots=True)
class Counts:
    """What came out of a decoder."""

    samples: int = 0
    gaps: int = 0
    bad: int = 0
    lost: int = 0
    """As far as the format tells."""

    def add(self, out: Sequence[Decoded]) -> None:
        """What one packet gave."""
        for item in out:
            if isinstance(item, ImuBlock):
                self.samples += len(item.t_s)
            elif isinstance(item, Gap):
                self.gaps += 1
                self.lost += item.n_lost or 0
            elif isinstance(item, BadPacket):
                self.bad += 1


# ------------------------------------------------------------------------------------------------------- decoding


def arrivals_ns(stream: Stream) -> list[int]:
    """When its packets arrive: each when it is full, and then up to a radio's interval later."""
    n = len(stream.payloads)
    late_s = np.random.default_rng(1).uniform(0.0, INTERVAL_MS / 1000, n)
    at_s = np.maximum.accumulate(np.arange(1, n + 1) / n * stream.seconds + late_s)
    return (BEGIN_NS + np.rint(at_s * 1e9).astype(np.int64)).tolist()


def new_decoder(stream: Stream) -> Decoder:
    """A fresh one for a stream."""
    return make_decoder(stream.decoder, CHANNEL, BEGIN_NS, stream.config)


@dataclass(slots=True)
class Course:
    """A decoder on its way through a stream, a stretch a round."""

    stream: Stream
    decoder: Decoder
    times_ns: list[int]
    counts: Counts = field(default_factory=Counts)
    bytes_halfway: int = 0
    ours_ns: list[float] = field(default_factory=list)
    """A packet, by round."""
    plain_ns: list[float] = field(default_factory=list)

    def stretch(self, begin: float, end: float) -> list[Packet]:
        """The packets between two shares of the stream."""
        n = len(self.times_ns)
        part = slice(round(begin * n), round(end * n))
        zipped = zip(self.times_ns[part], self.stream.payloads[part], strict=True)
        return [Packet(at_ns, CHANNEL, payload) for at_ns, payload in zipped]

    def first_half(self) -> None:
        """Untimed: the clock learns, caches fill; what comes out is counted."""
        for packet in self.stretch(0.0, 0.5):
            self.counts.add(self.decoder.feed(packet))
        self.bytes_halfway = footprint(self.decoder)

    def timed(self, number: int, rounds: int) -> None:
        """One round's stretch of the second half, decoded, then taken apart plainly; nothing is kept, as live."""
        packets = self.stretch(0.5 + 0.5 * number / rounds, 0.5 + 0.5 * (number + 1) / rounds)
        payloads = [packet.payload for packet in packets]
        began = time.process_time_ns()
        deque(map(self.decoder.feed, packets), maxlen=0)
        between = time.process_time_ns()
        deque(self.stream.plain(payloads), maxlen=0)
        ended = time.process_time_ns()
        self.ours_ns.append((between - began) / len(packets))
        self.plain_ns.append((ended - between) / len(packets))

    def figures(self) -> dict[str, Any]:
        """One row."""
        stream, n_bytes = self.stream, footprint(self.decoder)
        packet_us = statistics.median(self.ours_ns) / 1000
        packets_per_s = len(self.times_ns) / stream.seconds
        core_share = packet_us * packets_per_s / 1e6
        return {
            "format": stream.decoder,
            "rate_hz": stream.rate_hz,
            "packets_per_s": round(packets_per_s, 1),
            "us_per_packet": round(packet_us, 1),
            "us_per_sample": round(1e6 * core_share / stream.rate_hz, 2),
            "core_percent": round(100 * core_share, 3),
            "times_real_time": round(1 / core_share),
            "plain_us_per_packet": round(statistics.median(self.plain_ns) / 1000, 2),
            "over_plain": round(statistics.median(a / b for a, b in zip(self.ours_ns, self.plain_ns, strict=True)), 1),
            "kb_halfway": round(self.bytes_halfway / 1000, 1),
            "kb": round(n_bytes / 1000, 1),
            "samples_halfway": self.counts.samples,
            "expected_halfway": round(stream.rate_hz * stream.seconds / 2),
            "gaps": self.counts.gaps,
            "bad": self.counts.bad,
        }


def footprint(decoder: Decoder) -> int:
    """Bytes that it holds, counted as the tests count them that keep memory bounded."""
    return int(test_file("every_format_fuzz").footprint(decoder))


def decoding(seconds: float, rounds: int) -> dict[str, Any]:
    """One row for each stream."""
    progress("packing")
    courses = [Course(stream, new_decoder(stream), arrivals_ns(stream)) for stream in every_stream(seconds)]
    for course in courses:
        progress(f"{course.stream.title}: first half")
        course.first_half()
    for number in range(rounds):
        progress(f"decoding: round {number + 1} of {rounds}")
        for course in courses:
            course.timed(number, rounds)
    progress("")
    return {course.stream.title: course.figures() for course in courses}


# ------------------------------------------------------------------------------------------------------- the link


class Heard:
    """Decodes what one sensor sends, and notes how long each notification took."""

    def __init__(self, settings: SourceSettings, clock: Clock) -> None:
        self.is_timed = False
        self.latency_ms: list[float] = []
        self.counts = Counts()
        self.decoder: Decoder | None = None
        self.n_packets = 0
        self._settings = settings
        self._clock = clock
        self._epoch_ns = clock.now_ns()

    @property
    def n_heard(self) -> int:
        """Whether it has sent something."""
        return int(self.n_packets > 0)

    def put(self, message: Any) -> None:
        """One input."""
        if isinstance(message, SourceStatus):
            self._settings = self._settings.as_found(message)
        if not isinstance(message, Packet):
            return
        if self.decoder is None:
            found = self._settings
            self.decoder = make_decoder(found.decoder, found.channel, self._epoch_ns, found.config)
        out = self.decoder.feed(message)
        if self.is_timed:
            self.latency_ms.append((self._clock.now_ns() - message.host_ns) / 1e6)
        self.n_packets += 1
        self.counts.add(out)


async def linked(kind: str, seconds: float) -> dict[str, Any]:
    """One sensor of a kind over the virtual link."""
    clock = Clock()
    plays_s = SETTLE_S + seconds + FILL_S
    world = await start_virtual([f"{CHANNEL}={kind}@still:{plays_s:g}"], seed=1, interval_ms=INTERVAL_MS)
    settings = SourceSettings(CHANNEL, CHANNEL, "virtual", AUTO, None, "simulated")
    heard = Heard(settings, clock)
    source = BleSource(settings, world.door, clock)
    try:
        elapsed_s, cpu_s = await listen([source], heard, seconds, settle_s=SETTLE_S, rest_s=FILL_S + 0.5)
        counters = (await world.ask(type="counters"))[CHANNEL]
    finally:
        await world.close()
    assert heard.decoder is not None
    n_before = heard.counts.samples
    heard.counts.add(heard.decoder.finish())
    counts = heard.counts
    return {
        "sent": counters["sent"],
        "received": counts.samples,
        "held": counts.samples - n_before,
        "lost": counters["sent"] - counts.samples,
        "lost_told": counts.lost,
        "dropped_by_sensor": counters["dropped"],
        "gaps": counts.gaps,
        "bad": counts.bad,
        "seconds": round(elapsed_s, 1),
        "notifications": len(heard.latency_ms),
        "decoded_ms": percentiles(heard.latency_ms, (50, 99, 100)),
        "client_cpu_percent": round(100 * cpu_s / elapsed_s, 1),
    }


async def links(seconds: float) -> dict[str, Any]:
    """One row for each kind of virtual sensor, one after the other."""
    out = {}
    for kind in DEVICES:
        progress(f"{kind} over the virtual link")
        out[kind] = await linked(kind, seconds)
    progress("")
    return out


# ----------------------------------------------------------------------------------------------------- the figures


def lines(figures: dict[str, Any]) -> Iterator[str]:
    """The readable form."""
    yield f"decoding, {figures['minutes']:g} min of each, the second half timed in {figures['rounds']} rounds:"
    for title, row in figures["decoding"].items():
        yield (
            f"  {title:24} {row['us_per_packet']:6.1f} us a packet, {row['us_per_sample']:6.2f} us a sample, "
            f"{row['core_percent']:.3f} % of a core at {row['rate_hz']:g} Hz ({row['times_real_time']} x real time); "
            f"{row['over_plain']:.1f} x plain ({row['plain_us_per_packet']:.2f} us a packet); "
            f"holds {row['kb']:.0f} kB (halfway {row['kb_halfway']:.0f})"
        )
        if not is_as_meant(row):
            yield (
                f"    NOT AS MEANT: {row['samples_halfway']} samples of {row['expected_halfway']} halfway, "
                f"{row['gaps']} gaps, {row['bad']} bad packets"
            )
    for name in figures["not_measured"]:
        yield f"  {name}: NOT MEASURED, it has no stream in packet_streams.py"
    yield f"simulated link of {INTERVAL_MS} ms, one still sensor at a time, {figures['seconds']:g} s measured:"
    for kind, row in figures["link"].items():
        yield (
            f"  {kind:10} {row['sent']} samples sent, {row['received']} received, {row['lost']} lost, "
            f"{row['gaps']} gaps, {row['bad']} bad; notification to samples "
            f"p50 {row['decoded_ms']['p50']:.2f} ms, p99 {row['decoded_ms']['p99']:.2f} ms of {row['notifications']}; "
            f"client {row['client_cpu_percent']:.1f} % of a core" + ("" if is_met(row) else "   FALLS SHORT")
        )


def is_as_meant(row: dict[str, Any]) -> bool:
    """Whether a stream was decoded whole: what was timed is then what a good link costs."""
    return bool(not row["gaps"] and not row["bad"] and row["samples_halfway"] >= 0.99 * row["expected_halfway"])


def is_met(row: dict[str, Any]) -> bool:
    """Whether a sensor over the link reached the targets."""
    is_whole = row["lost"] <= TARGETS["lost"] and not row["dropped_by_sensor"] and not row["gaps"] and not row["bad"]
    return bool(is_whole and row["decoded_ms"]["p99"] <= TARGETS["p99_ms"])


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="of packets, half of them timed")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each sensor over the link")
    parser.add_argument("--quick", action="store_true", help="2 minutes, 5 rounds, 3 seconds")
    add_json(parser)
    options = parser.parse_args()
    if options.quick:
        options.minutes, options.rounds, options.seconds = 2.0, 5, 3.0
    figures = {
        "benchmark": "decoders",
        "minutes": options.minutes,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "interval_ms": INTERVAL_MS,
        "decoding": decoding(60 * options.minutes, options.rounds),
        "not_measured": sorted(set(DECODERS) - set(STREAMS)),
        "link": asyncio.run(links(options.seconds)),
    }
    tell(figures, lines(figures), options.json)


if __name__ == "__main__":
    main()
