"""The virtual sensors that exist, one file each."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from sensorsoma.virtual.devices.base import VirtualDevice

DEVICES: dict[str, str] = {
    "soma_v1": "sensorsoma.virtual.devices.soma_v1:SomaV1Device",
    "witmotion": "sensorsoma.virtual.devices.witmotion:WitMotionDevice",
    "movesense": "sensorsoma.virtual.devices.movesense:MovesenseDevice",
    "xsens_dot": "sensorsoma.virtual.devices.xsens_dot:XsensDotDevice",
    "polar_pmd": "sensorsoma.virtual.devices.polar_pmd:PolarPmdDevice",
    "thingy52": "sensorsoma.virtual.devices.thingy52:Thingy52Device",
}
"""Kind, a key of `decode.DECODERS` → `module:Class`; imported only when asked for."""


def device_class(kind: str) -> type[VirtualDevice]:
    """The virtual sensor of a kind.

    Raises:
        KeyError: there is none.
    """
    module, _, attribute = DEVICES[kind].partition(":")
    return cast("type[VirtualDevice]", getattr(import_module(module), attribute))
