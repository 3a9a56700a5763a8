"""A phone with phyphox and the program as people start it."""

from __future__ import annotations

import time

import numpy as np
import pytest
from sources.phyphox_server import ACC, GYR, Felt, PhyphoxPhone, serving, simple_experiment

from sensorsoma.analysis import analyze_recording, differences_from_live
from sensorsoma.clock import Clock
from sensorsoma.messages import ImuBlock, Packet
from sensorsoma.pipeline import Pipeline
from sensorsoma.recording.reader import open_recording

pytestmark = pytest.mark.link


@pytest.fixture
def phone():
    """A phone that lies screen up."""
    t_s = np.arange(12_000) / 100
    zero = np.zeros_like(t_s)
    acc = Felt(t_s + 0.004, np.column_stack([zero, zero, zero + 9.81]))
    return PhyphoxPhone(simple_experiment(acc, Felt(t_s, np.column_stack([zero, zero, zero]))), Clock())


def test_ctrl_c_keeps_what_the_phone_sent(cli, phone):
    """Kept by setup, recorded without an address, interrupted: the file is whole and says how it is to be read."""
    with serving(phone) as port:
        where = f"right-thigh=phyphox:http://127.0.0.1:{port}/"
        assert cli("setup", where, "--yes").code == 0
        assert f'address = "127.0.0.1:{port}"' in (cli.home / "config/sensorsoma/config.toml").read_text()
        running = cli.start("record", "right-thigh=phyphox", "--exercise", "stillness", "--out", "rec")
        running.wait_for(lambda: phone.is_measuring and phone.world_s - phone._since_s > 4)
        running.interrupt()
        begin_s = time.monotonic()
        done = running.done()
        assert done.code == 130, done
        assert time.monotonic() - begin_s < 10
        assert not phone.is_measuring
    (path,) = running.recordings()
    recording = open_recording(path)
    assert recording.is_complete
    assert differences_from_live(path) == []
    (source,) = recording.settings.sources
    assert (source.kind, source.decoder) == ("phyphox", "phyphox")
    assert source.config == {"buffers": {"acc": ACC, "gyr": GYR}}
    packets = [message for message in recording.inputs() if isinstance(message, Packet)]
    assert packets[0].payload == phone.config().encode()
    pipeline, n = Pipeline(), 0
    for message in recording.inputs():
        n += sum(len(one.t_s) for one in pipeline.feed(message) if isinstance(one, ImuBlock))
    assert n > 250
    assert analyze_recording(path).analysis["link"] == "real"


def test_what_is_missing_is_one_sentence(cli):
    """No address, an address that is none, a phone that is not there: each is named, and nothing is left behind."""
    done = cli("record", "belly=phyphox", "--out", "rec")
    assert done.code == 2
    assert "belly=phyphox:192.168.1.23" in done.the_one_sentence()
    done = cli("setup", "belly=phyphox", "--yes")
    assert done.code == 2
    assert "phyphox shows it when remote access is allowed" in done.the_one_sentence()
    done = cli("record", "belly=phyphox:a phone", "--out", "rec")
    assert done.code == 2
    assert "the address that phyphox shows" in done.the_one_sentence()
    assert not list(cli.home.rglob("*.mcap"))
