"""`sensorsoma` on a virtual link where something goes wrong: `python troubled.py JSON WORDS...`.

| key of the JSON | what happens |
|---|---|
| `"after": [["RepCompleted", 3, {"type": "blackout", "seconds": 10}]]` | after so many of these the room obeys |
| `"address": "C0:00:00:00:00:01"` | the sensor with this address is looked for |
| `"scan_s": 1` | for so long |
"""

from __future__ import annotations

import asyncio
import functools
import json
import sys
from collections import Counter
from typing import Any

import sensorsoma.cli.opening as opening
import sensorsoma.sources.ble.link as link
import sensorsoma.virtual.launcher as launcher
from sensorsoma.cli import main

_tasks: set[asyncio.Task[Any]] = set()


def install(troubles: dict[str, Any]) -> None:
    """Makes the virtual link behave so, in this process."""
    start, plain = launcher.start_virtual, opening._without_file
    waiting = list(troubles.get("after", ()))

    async def start_virtual(*args: Any, **options: Any) -> Any:
        world = await start(*args, **options)
        seen: Counter[str] = Counter()
        hear = world.on_message

        def on_message(message: Any) -> None:
            hear(message)
            kind = type(message).__name__
            seen[kind] += 1
            for name, n, request in waiting:
                if (name, n) == (kind, seen[kind]):
                    task = asyncio.get_running_loop().create_task(world.ask(**request))
                    _tasks.add(task)
                    task.add_done_callback(_tasks.discard)

        world.on_message = on_message  # type: ignore[method-assign] # the one place where it is overheard
        return world

    launcher.start_virtual = start_virtual  # type: ignore[assignment]
    if "address" in troubles:
        from dataclasses import replace

        opening._without_file = lambda settings: replace(plain(settings), address=troubles["address"])
    if "scan_s" in troubles:
        link.LinkParams = functools.partial(link.LinkParams, scan_s=troubles["scan_s"])  # type: ignore[misc, assignment]


if __name__ == "__main__":
    install(json.loads(sys.argv.pop(1)))
    main()
