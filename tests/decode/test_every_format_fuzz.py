"""Every wire format under packets that no sensor would send: broken, doubled, swapped, cut, glued, at impossible times.

Good packets come from `sample_packets()` in the test file of each format, else from its recorded vectors; a format that
has neither gets random bytes alone. `make soak` feeds a million packets to each, the default run two thousand.
"""

from __future__ import annotations

import importlib.util
import random
import sys
import time
import warnings
import zlib
from collections import Counter, deque
from functools import cache
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

import numpy as np
import pytest
from vectors import FORMATS, load

from sensorsoma.decode import DECODERS, make_decoder
from sensorsoma.decode.base import Decoded
from sensorsoma.messages import BadPacket, DeviceInfo, Gap, ImuBlock, Packet

HERE = Path(__file__).parent
CHANNEL = "right-thigh"
N_QUICK, N_SOAK = 2_000, 1_000_000

LONGEST_S = 1.0
"""Seconds of the processor for one packet; a thousand times what it takes, so that a busy computer is no hang."""
LARGEST_BYTES = 2_000_000
"""What a decoder may hold at any time: five minutes of clock and a second or two of samples are a tenth of it."""
N_SAMPLINGS = 40
"""How often a decoder is weighed."""
ODD_HOSTS_NS = (0, -1, -(2**62), 2**62, 2**40, 1)
RESUMED, FED = "resumed", "fed"


BUILDERS = {
    "soma_v1": lambda module: [module.make_frame(i) for i in range(26)],
    "rows": lambda module: [module.rows(np.arange(8 * i, 8 * i + 8) / 104) for i in range(13)],
    "sensor_logger": lambda module: [
        packet.payload for packet in module.packets(module.pushes(*module.movement(2.0), module.PhoneParams()))
    ],
    "phone_page": lambda module: [packet.payload for packet in module.sent(module.cut(*module.motion(2.0)))],
}
"""How the helpers of a test file make good packets, where it has no `sample_packets`."""

NEVER_TWICE = ("rows", "sensor_logger", "phone_page")
"""Files and numbered messages: what was read once is a repeat for ever, also after a new link."""


def module_of(name):
    """The test file of a format, or None."""
    path = HERE / f"test_{name}.py"
    if not path.exists():
        return None
    spec = importlib.util.spec_from_file_location(f"samples_of_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def seeds_of(name):
    """Good packets of a format in order, and what its decoder is told."""
    module = module_of(name)
    make = getattr(module, "sample_packets", None)
    packets = list(make() if make else BUILDERS[name](module) if name in BUILDERS else ())
    if not packets and name in FORMATS:
        for entry in load(name):
            packets += [bytes.fromhex(part) for part in entry.get("hex", "").split()]
    return packets, dict(getattr(module, "sample_config", dict)())


class Trouble:
    """What happens to a decoder: endless, and the same for the same seed.

    Args:
        rng: all chance comes from here.
        seeds: good packets in order; may be empty.
    """

    def __init__(self, rng, seeds):
        self._rng, self._seeds = rng, seeds or [b""]
        self._ways = (self.flipped, self.cut, self.longer, self.doubled, self.swapped, self.glued, self.spliced,
                      self.blotted, self.random)  # fmt: skip
        self._at, self._last, self._host_ns = 0, b"", 1_000_000_000

    def __iter__(self):
        while True:
            self._host_ns += self._rng.randrange(0, 100_000_000)
            host_ns = self._host_ns
            if self._rng.random() < 0.02:
                host_ns = self._rng.choice((*ODD_HOSTS_NS, host_ns - 3_600_000_000_000, host_ns + 3_600_000_000_000))
            if self._rng.random() < 0.005:
                yield RESUMED, host_ns, b""
            self._last = self.good() if self._rng.random() < 0.4 else self._rng.choice(self._ways)()
            yield FED, host_ns, self._last

    def good(self):
        """The next one in order."""
        self._at = (self._at + 1) % len(self._seeds)
        return self._seeds[self._at]

    def flipped(self):
        """A few bits wrong."""
        made = bytearray(self.good())
        for _ in range(self._rng.randint(1, 8) if made else 0):
            made[self._rng.randrange(len(made))] ^= 1 << self._rng.randrange(8)
        return bytes(made)

    def cut(self):
        """The end is missing."""
        made = self.good()
        return made[: self._rng.randint(0, len(made))]

    def longer(self):
        """More than there should be."""
        return self.good() + self._rng.randbytes(self._rng.randint(1, 64))

    def doubled(self):
        """The same again."""
        return self._last[:4096]

    def swapped(self):
        """One from elsewhere, earlier or later."""
        return self._rng.choice(self._seeds)

    def glued(self):
        """Two in one."""
        return self.good() + self.good()

    def spliced(self):
        """The beginning of one with the end of another."""
        head, tail = self.good(), self.swapped()
        at = self._rng.randint(0, len(head))
        return head[:at] + tail[at:]

    def blotted(self):
        """A run of zeros or ones."""
        made = self.good()
        begin, n = self._rng.randint(0, len(made)), self._rng.randint(1, 12)
        return made[:begin] + self._rng.choice((b"\0", b"\xff")) * n + made[begin + n :]

    def random(self):
        """No packet at all, sometimes behind a good beginning."""
        head = self.good()[: self._rng.randint(0, 4)] if self._rng.random() < 0.5 else b""
        return head + self._rng.randbytes(self._rng.randint(0, 260))


def footprint(thing):
    """Bytes that an object holds, arrays and all, shared things once."""
    seen, waiting, total = set(), [thing], 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | FunctionType | BuiltinFunctionType | MethodType):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        if isinstance(one, np.ndarray):
            total += one.base.nbytes if isinstance(one.base, np.ndarray) else 0
        elif isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set | frozenset | deque):
            waiting += one
        else:
            waiting += getattr(one, "__dict__", {}).values()
            slots = (name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ()))
            waiting += [getattr(one, name) for name in slots if hasattr(one, name)]
    return total


def check(out, last_s):
    """What came out is what may come out, and later than all before; the time of the last sample."""
    for item in out:
        assert isinstance(item, Decoded)
        if isinstance(item, ImuBlock):
            assert len(item.t_s)
            assert np.isfinite(item.t_s).all()
            assert np.isfinite(item.acc_sensor_mps2).all()
            assert item.gyr_sensor_radps is None or np.isfinite(item.gyr_sensor_radps).all()
            assert np.isfinite(item.rate_hz)
            assert item.rate_hz > 0
            assert item.t_s[0] > last_s
            assert (np.diff(item.t_s) > 0).all()
            last_s = float(item.t_s[-1])
        elif isinstance(item, Gap):
            assert item.end_s > item.start_s
            assert item.n_lost is None or item.n_lost >= 0
    return last_s


def torment(name, n_packets):
    """Feeds so many packets; counts of what came out, and the largest footprint of either half."""
    seeds, config = seeds_of(name)
    decoder = make_decoder(name, CHANNEL, 0, config)
    counts, largest, last_s, n = Counter(), [0, 0], -np.inf, 0
    for what, host_ns, payload in Trouble(random.Random(zlib.crc32(name.encode())), seeds):
        if what == RESUMED:
            decoder.resumed(host_ns)
            continue
        began_s = time.thread_time()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                out = decoder.feed(Packet(host_ns, CHANNEL, payload))
            took_s = time.thread_time() - began_s
            last_s = check(out, last_s)
        except Exception as error:
            error.add_note(f"packet {n} of {name}, {len(payload)} bytes at {host_ns} ns: {payload[:300].hex()}")
            raise
        assert took_s < LONGEST_S, f"packet {n}: {payload[:300].hex()}"
        counts.update(type(item) for item in out)
        n += 1
        if n % (n_packets // N_SAMPLINGS) == 0:
            half = int(n > n_packets // 2)
            largest[half] = max(largest[half], footprint(decoder))
        if n == n_packets:
            break
    check_recovery(decoder, () if name in NEVER_TWICE else seeds, last_s)
    return counts, largest


def check_recovery(decoder, seeds, last_s):
    """After all that, a new link with good packets gives samples again; finishing twice is harmless."""
    decoder.resumed(2**62)
    out = []
    for i, payload in enumerate(seeds):
        out += decoder.feed(Packet(2**62 + (i + 1) * 50_000_000, CHANNEL, payload))
    out += decoder.finish()
    check(out, last_s)
    assert decoder.finish() == ()
    assert not seeds or any(isinstance(item, ImuBlock) for item in out)


def check_counts(name, counts, largest):
    """Bad packets are told, good ones still come through, and memory stays what it was."""
    assert set(counts) <= {ImuBlock, Gap, BadPacket, DeviceInfo}
    assert counts[BadPacket] > 0
    assert counts[ImuBlock] > 0 or not seeds_of(name)[0]
    assert max(largest) < LARGEST_BYTES


@pytest.mark.parametrize("name", sorted(DECODERS))
def test_two_thousand_broken_packets_are_survived(name):
    """No exception, no warning, no hang, no hoarding; time goes on, and a new link brings samples again."""
    counts, largest = torment(name, N_QUICK)
    check_counts(name, counts, largest)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", sorted(DECODERS))
def test_a_million_broken_packets_are_survived(name):
    """The same for a million; what a decoder holds in the second half is not more than in the first."""
    began_s = time.thread_time()
    counts, largest = torment(name, N_SOAK)
    spent_s = time.thread_time() - began_s
    print(f"\n{name}: {spent_s:.0f} s, { {kind.__name__: n for kind, n in counts.items()} }, at most {largest} bytes")
    check_counts(name, counts, largest)
    assert largest[1] < 1.5 * largest[0] + 50_000


@pytest.mark.parametrize("name", sorted(DECODERS))
def test_the_same_trouble_gives_the_same_samples(name):
    """A replay of broken packets repeats the session to the last bit."""

    def run():
        seeds, config = seeds_of(name)
        decoder, out, fed = make_decoder(name, CHANNEL, 0, config), [], 0
        for what, host_ns, payload in Trouble(random.Random(7), seeds):
            if what == RESUMED:
                decoder.resumed(host_ns)
                continue
            out += decoder.feed(Packet(host_ns, CHANNEL, payload))
            fed += 1
            if fed == 200:
                return [*out, *decoder.finish()]
        return out

    first, second = run(), run()
    assert [type(item) for item in first] == [type(item) for item in second]
    for one, other in zip(first, second, strict=True):
        if isinstance(one, ImuBlock):
            np.testing.assert_array_equal(one.t_s, other.t_s)
            np.testing.assert_array_equal(one.acc_sensor_mps2, other.acc_sensor_mps2)
        else:
            assert one == other
