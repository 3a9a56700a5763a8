"""Bytes into samples: one file per wire format, and the clock that places them in time."""
