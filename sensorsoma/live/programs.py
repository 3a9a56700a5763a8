"""Programs that speak, render or play: run to their end, ended at once when nobody wants to hear them any more."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping, Sequence

from sensorsoma.live.mouth import Unspoken


async def run_to_end(
    command: Sequence[str],
    text: str | None,
    limit_s: float,
    environ: Mapping[str, str] | None = None,
    complaints: bytearray | None = None,
) -> bool:
    """Runs one program to its end; False when it failed or took longer than `limit_s` seconds.

    Args:
        command: the program and its words.
        text: written to its standard input; None: it has none.
        limit_s: it is ended after so many real seconds.
        environ: set beside what this process has.
        complaints: gets what it writes to its standard error, where that is wanted.

    Raises:
        Unspoken: it could not be started.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE if text is not None else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL if complaints is None else asyncio.subprocess.PIPE,
            env=None if environ is None else {**os.environ, **environ},
            start_new_session=True,  # Ctrl-C is for the session, which still says its last sentence
        )
    except (OSError, ValueError) as error:
        raise Unspoken(f"{command[0]} could not be started ({error})") from error
    try:
        said = await asyncio.wait_for(process.communicate(text.encode() if text is not None else None), limit_s)
        if complaints is not None:
            complaints += said[1] or b""
    except (TimeoutError, OSError):
        return False
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await asyncio.shield(process.wait())
    return process.returncode == 0
