"""`python -m sensorsoma.virtual`: a virtual room as a process of its own.

Prints one JSON line when it is ready, `{"hci_port": …, "room_port": …}`, and ends when its standard input closes, so it
never outlives the program that started it.

Example: python -m sensorsoma.virtual --sensor right-thigh=movesense --port 6402
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import threading
from collections.abc import Sequence

from sensorsoma.clock import Clock
from sensorsoma.errors import SensorSomaError
from sensorsoma.messages import PLACEMENTS
from sensorsoma.simulate.habits import HABITS
from sensorsoma.simulate.temperament import TEMPERAMENTS
from sensorsoma.virtual.devices import DEVICES

SENSOR_HELP = (
    f"a sensor, several are fine; PLACEMENT is one of {', '.join(PLACEMENTS)}; KIND one of {', '.join(DEVICES)} "
    "(soma_v1 without one); what it measures is person (a virtual one, who moves when coached), still, still:SECONDS "
    "(through after so long), or a FILE"
)
PERSON_HELP = (
    """the virtual person as a JSON object, for example '{"difficulties": "none", "shaking": true}'; keywords: """
    f'difficulties ("none", "all"), temperament ({", ".join(TEMPERAMENTS)}), shaking (true, false; null: in some), '
    'options (wishes by exercise: {"clamshell": {"range_deg": 40}}), rate_hz, waits_for_words (true, false), '
    f"habits ({', '.join(HABITS)}, or an object of single ones)"
)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m sensorsoma.virtual", description=__doc__)
    parser.add_argument(
        "--sensor", action="append", required=True, metavar="PLACEMENT=[KIND@]person|still|FILE", help=SENSOR_HELP
    )
    parser.add_argument("--port", type=int, default=0, help="TCP port of the Bluetooth dongle; 0 for any")
    parser.add_argument("--room-port", type=int, default=0, help="TCP port for JSON lines; 0 for any")
    parser.add_argument("--speed", type=float, default=1.0, help="session seconds per real second")
    parser.add_argument("--seed", type=int, default=1, help="everything random follows from it")
    parser.add_argument("--person", type=json.loads, default={}, help=PERSON_HELP)
    parser.add_argument("--packet-errors", type=float, default=0.0, help="share of radio packets sent again, 0-1")
    parser.add_argument("--packets-per-event", type=int, default=6)
    parser.add_argument("--packet-octets", type=int, default=251)
    parser.add_argument("--mtu", type=int, default=247)
    parser.add_argument("--stay", action="store_true", help="go on when standard input closes")
    return parser.parse_args(arguments)


async def serve(options: argparse.Namespace) -> None:
    """Opens the room, says so, and waits for the end."""
    from sensorsoma.virtual.extra import need_bumble

    need_bumble()
    from sensorsoma.virtual.controller import HciPort
    from sensorsoma.virtual.lines import serve_lines
    from sensorsoma.virtual.radio import RadioParams
    from sensorsoma.virtual.room import Room, RoomParams, SensorSpec

    radio = RadioParams(
        packets_per_event=options.packets_per_event,
        packet_octets=options.packet_octets,
        packet_error_rate=options.packet_errors,
        seed=options.seed,
    )
    params = RoomParams(seed=options.seed, radio=radio, max_mtu=options.mtu, person=options.person)
    room = Room([SensorSpec.parse(text) for text in options.sensor], Clock(options.speed), params)
    await room.open()
    loop = asyncio.get_running_loop()
    dongles: list[HciPort] = []

    def plug_in() -> HciPort:
        dongles.append(HciPort(room.radio))
        return dongles[-1]

    hci = await loop.create_server(plug_in, "127.0.0.1", options.port)
    lines = await asyncio.start_server(lambda r, w: serve_lines(room, r, w), "127.0.0.1", options.room_port)
    ports = {"hci_port": hci.sockets[0].getsockname()[1], "room_port": lines.sockets[0].getsockname()[1]}
    print(json.dumps(ports), flush=True)
    is_over = asyncio.Event()
    if not options.stay:
        _watch_input(loop, is_over)
    await is_over.wait()
    hci.close()
    lines.close()
    await room.close()
    for dongle in dongles:
        dongle.close()
    await asyncio.sleep(0)  # lets closed connections end before the loop does


def _watch_input(loop: asyncio.AbstractEventLoop, is_over: asyncio.Event) -> None:
    """Sets `is_over` when standard input ends; in a thread, because no loop can wait for every kind of input."""

    def wait() -> None:
        with contextlib.suppress(OSError, ValueError):
            while sys.stdin.buffer.readline():
                pass
        with contextlib.suppress(RuntimeError):  # the loop is gone already
            loop.call_soon_threadsafe(is_over.set)

    threading.Thread(target=wait, daemon=True).start()


def main() -> int:
    """Runs the room; a user's mistake is told as a JSON line."""
    try:
        asyncio.run(serve(parse()))
    except SensorSomaError as error:
        print(json.dumps({"error": str(error), "kind": type(error).__name__}), flush=True)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
