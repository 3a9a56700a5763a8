"""Setting up, apart from asking: which sensor goes where, what would change, and what a session then uses."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sensorsoma.config.file import Config, SensorEntry, config_text
from sensorsoma.decode.generic import driver_for
from sensorsoma.errors import SourceSpecError
from sensorsoma.messages import Floats, Placement
from sensorsoma.sources.ble.kinds import Kind, kind_named
from sensorsoma.sources.phone.sensor_logger import make_token
from sensorsoma.sources.spec import DEFAULT, DEVICES, SourceSpec, check_complete


@dataclass(frozen=True, slots=True)
class TapParams:
    """How a sensor that is tapped or picked up is told from those that lie still."""

    least_mps2: float = 0.5
    """Spread of the specific force's length while being handled; lying on a table it stays below 0.1 m/s²."""
    least_factor: float = 3.0
    """The handled one moves at least this much more than every other."""


def boards_of(config: Config) -> tuple[Kind, ...]:
    """The person's own boards, as kinds that can be recognised in the air."""
    return tuple(
        Kind(name, "generic", driver_for(table), {**table, "board": name}) for name, table in config.boards.items()
    )


def with_sensor(config: Config, placement: Placement, entry: SensorEntry) -> Config:
    """The config with a sensor at a placement; the same sensor leaves any other placement."""
    others = {
        where: kept
        for where, kept in config.sensors.items()
        if where != placement and not (entry.address and kept.kind == entry.kind and kept.address == entry.address)
    }
    return replace(config, sensors={**others, placement: entry})


def preview(before: Config, after: Config) -> str:
    """What saving would change, line by line with - and +; empty when nothing would."""
    lines = difflib.unified_diff(config_text(before).splitlines(), config_text(after).splitlines(), lineterm="", n=1)
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


def resolve_sources(given: Sequence[SourceSpec], config: Config, device: str | None = None) -> tuple[SourceSpec, ...]:
    """The sources of a session: what was given, else what was set up, else `DEFAULT`.

    With `device` every Bluetooth sensor is taken for that kind.

    An address that is given wins. A kept one fills in only where kind and placement agree. A phone that has no secret
    word yet gets one, so that its URL is the same for everything that is done with these sources.

    Raises:
        SourceSpecError: a kept address would put one sensor in two places, none is known where one is needed, or no
            kind has that name.
    """
    if device is not None:
        kind_named(device, boards_of(config))
    kept = tuple(
        SourceSpec(where, entry.kind, entry.address, device=entry.device) for where, entry in config.sensors.items()
    )
    specs = tuple(_filled(spec, config) for spec in given) or kept or (DEFAULT,)
    specs = tuple(_with_word(replace(spec, options=decoder_options(spec, config))) for spec in specs)
    if device is not None:
        specs = tuple(replace(spec, device=device) if spec.kind == "ble" else spec for spec in specs)
    seen: dict[tuple[str, str], SourceSpec] = {}
    for spec in specs:
        check_complete(spec)
        if spec.kind not in DEVICES or spec.address is None:
            continue
        first = seen.setdefault((spec.kind, spec.address.casefold()), spec)
        if first is not spec:
            raise SourceSpecError(
                f"Expected one placement for each sensor, but {spec.address} is on {first.placement} and on "
                f"{spec.placement}; name other addresses or run sensorsoma setup."
            )
    return specs


def _with_word(spec: SourceSpec) -> SourceSpec:
    is_ready = spec.kind != "sensor-logger" or spec.address is not None
    return spec if is_ready else replace(spec, address=make_token())


def _filled(spec: SourceSpec, config: Config) -> SourceSpec:
    entry = config.sensors.get(spec.placement)
    if entry is None or entry.kind != spec.kind or spec.address not in (None, entry.address):
        return spec
    return replace(spec, address=entry.address, device=spec.device or entry.device)


def decoder_options(spec: SourceSpec, config: Config) -> dict[str, Any]:
    """What a source is told from the config: a phone's sign convention, a sensor's own offset and gain."""
    entry = config.sensors.get(spec.placement)
    is_this = entry is not None and entry.kind == spec.kind and entry.address == spec.address
    if spec.kind == "ble" and entry is not None and is_this and entry.acc_fit is not None:
        return {"acc_fit": dict(entry.acc_fit)}
    if spec.kind != "sensor-logger" or entry is None or not is_this or entry.sign is None:
        return {}
    return {"sign": entry.sign}


def handled_sensor(acc_mps2: Mapping[str, Floats], params: TapParams | None = None) -> str | None:
    """The sensor that somebody just tapped or picked up, or None when that is not clear.

    Args:
        acc_mps2: `(n, 3)` specific force of the last seconds, by address or channel.
        params: thresholds.
    """
    p = params or TapParams()
    spreads = {name: float(np.std(np.linalg.norm(acc, axis=1))) for name, acc in acc_mps2.items() if len(acc) > 1}
    if not spreads:
        return None
    most = max(spreads, key=lambda name: spreads[name])
    others = [spread for name, spread in spreads.items() if name != most]
    is_clear = all(spreads[most] >= p.least_factor * spread for spread in others)
    return most if spreads[most] >= p.least_mps2 and is_clear else None
