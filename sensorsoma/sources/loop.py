"""One event loop for the whole program: Bluetooth stacks tie themselves to the first loop they meet (bleak's notes on
troubleshooting), so looking at a sensor, asking a question and then practising must share it."""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


@cache
def _runner() -> asyncio.Runner:
    runner = asyncio.Runner()
    atexit.register(runner.close)
    return runner


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """What the coroutine gives; as `asyncio.run`, but on the program's one loop.

    >>> import asyncio
    >>> async def loop_id() -> int:
    ...     return id(asyncio.get_running_loop())
    >>> run(loop_id()) == run(loop_id())
    True
    """
    return _runner().run(coroutine)
