"""What a Bluetooth stack throws, as one sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakError

from sensorsoma.errors import BluetoothUnavailableError

_Reason = BleakBluetoothNotAvailableReason

_SENTENCES: dict[_Reason, str] = {
    _Reason.NO_BLUETOOTH: "This computer has no Bluetooth adapter; plug one in, or use a phone or a virtual sensor.",
    _Reason.NO_BLE_CENTRAL_ROLE: "This Bluetooth adapter is too old for sensors; use one with Bluetooth 4.0 or newer.",
    _Reason.POWERED_OFF: "Bluetooth is switched off; switch it on and try again.",
    _Reason.DENIED_BY_USER: "This program may not use Bluetooth; allow it in the system's privacy settings.",
    _Reason.DENIED_BY_SYSTEM: "This computer's policy does not allow Bluetooth; ask its administrator.",
    _Reason.DENIED_BY_UNKNOWN: "This program may not use Bluetooth; allow it in the system's privacy settings.",
}


@contextmanager
def bluetooth_errors() -> Iterator[None]:
    """Turns whatever goes wrong while scanning into a `BluetoothUnavailableError`."""
    try:
        yield
    except BleakBluetoothNotAvailableError as error:
        sentence = _SENTENCES.get(error.reason, f"Bluetooth cannot be used here: {one_line(error)}.")
        raise BluetoothUnavailableError(sentence) from error
    except TimeoutError as error:
        raise BluetoothUnavailableError(
            "The computer's Bluetooth does not answer; switch it off and on again, then try again."
        ) from error
    except OSError as error:
        raise BluetoothUnavailableError(
            "No Bluetooth was found on this computer; sensorsoma doctor says what is missing, and a phone or a virtual "
            "sensor needs none."
        ) from error
    except BleakError as error:
        raise BluetoothUnavailableError(f"Bluetooth cannot be used now: {one_line(error)}.") from error


def one_line(error: BaseException) -> str:
    """An error's words on one line, without a full stop; its type when it has none."""
    words = " ".join(str(part) for part in error.args if isinstance(part, str)) or type(error).__name__
    return " ".join(words.split()).rstrip(".")[:200]
