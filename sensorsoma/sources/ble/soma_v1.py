"""Starting and stopping a soma_v1 sensor; the commands are specified in `firmware_notes/soma_v1.md`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sensorsoma.decode.soma_v1_control import (
    CONTROL_UUID,
    DATA_UUID,
    INFO_UUID,
    STOP,
    IdentifyCommand,
    StartCommand,
    decode_info,
)
from sensorsoma.sources.ble.talk import OnData, Talk


def start_command(config: Mapping[str, Any]) -> StartCommand:
    """The start command that a source's config asks for.

    Keys: `rate_hz`, `acc_range_g`, `gyr_range_dps`, `samples_per_frame`, `acc_only`; absent ones mean the defaults.

    >>> start_command({"rate_hz": 52}).rate_hz
    52
    """
    default = StartCommand()
    return StartCommand(
        rate_hz=round(config.get("rate_hz", default.rate_hz)),
        acc_range_g=round(config.get("acc_range_g", default.acc_range_g)),
        gyr_range_dps=round(config.get("gyr_range_dps", default.gyr_range_dps)),
        samples_per_frame=int(config.get("samples_per_frame", default.samples_per_frame)),
        is_acc_only=bool(config.get("acc_only", False)),
    )


async def start(talk: Talk, config: Mapping[str, Any], on_data: OnData) -> None:
    """Subscribes, then starts, so that no frame is missed."""
    await talk.write(CONTROL_UUID, STOP)
    await talk.subscribe(DATA_UUID, on_data)
    await talk.write(CONTROL_UUID, start_command(config).to_bytes())


async def stop(talk: Talk) -> None:
    """Ends streaming."""
    await talk.write(CONTROL_UUID, STOP)


async def drop_count(talk: Talk) -> int | None:
    """The sensor's own count of dropped samples."""
    return decode_info(await talk.read(INFO_UUID)).dropped


async def identify(talk: Talk, seconds: int) -> None:
    """Lets it blink."""
    await talk.write(CONTROL_UUID, IdentifyCommand(seconds).to_bytes())
