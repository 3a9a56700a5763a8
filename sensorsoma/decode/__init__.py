"""Bytes into samples: one file per wire format, and the clock that places them in time."""

from __future__ import annotations

from sensorsoma.decode.base import make_decoder

__all__ = ["DECODERS", "make_decoder"]

DECODERS: dict[str, str] = {
    "soma_v1": "sensorsoma.decode.soma_v1:SomaV1Decoder",
    "rows": "sensorsoma.decode.rows:RowsDecoder",
    "sensor_logger": "sensorsoma.decode.sensor_logger:SensorLoggerDecoder",
}
"""Wire format name → `module:Class`; `make_decoder` imports only the one that is asked for."""
