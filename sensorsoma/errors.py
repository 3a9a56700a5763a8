"""One tree of errors.

    SensorSomaError                 anything that a user can be told in one sentence
    ├── InputFileError (ValueError)     a file that cannot be read as what it claims to be
    │   └── RecordingError              a recording that cannot be written or read
    ├── PlanError (ValueError)          a plan with a mistake; says line and field
    ├── SourceError                     a sensor that cannot be used
    │   ├── SourceSpecError (ValueError)    `PLACEMENT=KIND[:ADDRESS]` mistyped
    │   ├── BluetoothUnavailableError       no adapter, switched off, or not permitted
    │   ├── DeviceNotFoundError             nothing with that kind or address was heard
    │   └── LinkError                       found, but it does not stream
    ├── MissingExtraError (ImportError)  an optional dependency is not installed
    └── UsageError (ValueError)          words on the command line that do not fit together

Every message is one sentence that says what was expected, what was found and what to do.
"""

from __future__ import annotations


class SensorSomaError(Exception):
    """Base of every error that reaches a user as one sentence.

    Attributes:
        exit_code: what the command line returns when this error ends a command.
    """

    exit_code = 1


class InputFileError(SensorSomaError, ValueError):
    """A file is missing, unknown, empty or broken; names the file and, where it can, the line."""

    exit_code = 2


class RecordingError(InputFileError):
    """A recording cannot be written (full disk, no permission) or read (not ours, no intact chunk)."""


class PlanError(SensorSomaError, ValueError):
    """A plan does not follow the schema; names file, line and field."""

    exit_code = 2


class SourceError(SensorSomaError):
    """A sensor or phone cannot be used."""

    exit_code = 3


class SourceSpecError(SourceError, ValueError):
    """`PLACEMENT=KIND[:ADDRESS]` does not parse."""

    exit_code = 2


class BluetoothUnavailableError(SourceError):
    """This computer has no usable Bluetooth adapter right now."""


class DeviceNotFoundError(SourceError):
    """No sensor of that kind or address answered within the scan time."""


class LinkError(SourceError):
    """A sensor was found but could not be connected, started or understood."""


class MissingExtraError(SensorSomaError, ImportError):
    """A feature needs an optional dependency that is not installed."""

    exit_code = 4


class UsageError(SensorSomaError, ValueError):
    """Options that do not fit together."""

    exit_code = 2
