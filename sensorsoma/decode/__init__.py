"""Bytes into samples: one file per wire format, and the clock that places them in time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from sensorsoma.decode.base import decoder_class, make_decoder

if TYPE_CHECKING:
    from sensorsoma.decode.driver import Driver

__all__ = ["DECODERS", "drivers", "make_decoder"]

DECODERS: dict[str, str] = {
    "soma_v1": "sensorsoma.decode.soma_v1:SomaV1Decoder",
    "witmotion": "sensorsoma.decode.witmotion:WitMotionDecoder",
    "microbit": "sensorsoma.decode.microbit:MicrobitDecoder",
    "movesense": "sensorsoma.decode.movesense:MovesenseDecoder",
    "generic": "sensorsoma.decode.generic:GenericDecoder",
    "polar_pmd": "sensorsoma.decode.polar_pmd:PolarPmdDecoder",
    "rows": "sensorsoma.decode.rows:RowsDecoder",
    "sensor_logger": "sensorsoma.decode.sensor_logger:SensorLoggerDecoder",
    "phyphox": "sensorsoma.decode.phyphox:PhyphoxDecoder",
    "phone_page": "sensorsoma.decode.phone_page:PhonePageDecoder",
    "xsens_dot": "sensorsoma.decode.xsens_dot:XsensDotDecoder",
    "thingy52": "sensorsoma.decode.thingy52:Thingy52Decoder",
}
"""Wire format name → `module:Class`; `make_decoder` imports only the one that is asked for."""


@cache
def drivers() -> Mapping[str, Driver]:
    """Wire format name → driver, of every format that Bluetooth sensors speak, in the order of the table."""
    found = ((name, getattr(decoder_class(name), "driver", None)) for name in DECODERS)
    return {name: driver for name, driver in found if driver is not None}
