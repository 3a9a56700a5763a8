"""Commands to our own sensors and what they say of themselves."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorsoma.decode.soma_v1_control import (
    IdentifyCommand,
    SensorInfo,
    StartCommand,
    StopCommand,
    decode_command,
    decode_info,
)
from sensorsoma.decode.soma_v1_frame import FrameError

NOTES = Path(__file__).resolve().parents[2] / "firmware_notes" / "soma_v1.md"


@given(st.integers(0, 65535), st.integers(0, 255), st.integers(0, 65535), st.integers(0, 255), st.booleans())
def test_start_round_trip(rate, acc_range, gyr_range, n, is_acc_only):
    """A start command comes back from its bytes."""
    command = StartCommand(rate, acc_range, gyr_range, n, is_acc_only)
    assert decode_command(command.to_bytes()) == command


def test_stop_and_identify():
    """The two short commands are told apart."""
    assert decode_command(b"\x02") == StopCommand()
    assert decode_command(IdentifyCommand(7).to_bytes()) == IdentifyCommand(7)


@pytest.mark.parametrize("payload", [b"", b"\x01", b"\x02\x00", b"\x03", b"\x09", bytes(40)])
def test_other_commands_are_refused(payload):
    """Wrong opcodes and lengths raise."""
    with pytest.raises(FrameError):
        decode_command(payload)


def test_default_start_is_the_one_in_the_notes():
    """The notes quote the start command that this software sends."""
    assert StartCommand().to_bytes().hex(" ") in NOTES.read_text(encoding="utf-8")


def test_info_example_of_the_notes():
    """The info bytes in the notes mean what the sentence beside them says."""
    (hexa,) = re.findall(r"^Example: `([0-9a-f ]+)`", NOTES.read_text(encoding="utf-8"), re.MULTILINE)
    wanted = SensorInfo((1, 2, 0), True, False, True, 104.0, 8, 500, 1000, 0, (52, 104))
    assert decode_info(bytes.fromhex(hexa)) == wanted
    assert wanted.to_bytes().hex(" ") == hexa


@given(st.binary(max_size=60))
def test_broken_info_raises_only_its_own_error(payload):
    """Any bytes give a record or a FrameError."""
    with contextlib.suppress(FrameError):
        assert decode_info(payload).rate_hz >= 0
