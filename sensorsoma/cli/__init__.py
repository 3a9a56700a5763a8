"""The command line: one file per command.

Nothing heavy is imported here: `--help` must come at once. Each command imports its rooms when it runs.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any, NoReturn

EXIT_INTERRUPTED = 130
"""What a shell expects after Ctrl-C."""

EXIT_FILE = 2
"""A file or folder that cannot be read or written."""

EXIT_INTERNAL = 70
"""A fault of ours (sysexits EX_SOFTWARE)."""


def main() -> None:
    """Runs the command line; every ending is an exit code, and an error is one sentence on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # an old terminal still gets the rest
    try:
        _run()
    except KeyboardInterrupt:
        _say("Stopped.")
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _run() -> None:
    from sensorsoma.cli.app import app
    from sensorsoma.errors import SensorSomaError

    try:
        try:
            code = app(standalone_mode=False)
        finally:
            sys.stdout.flush()  # a reader that went away shows here, not when Python has already ended
        sys.exit(code if isinstance(code, int) else 0)
    except SensorSomaError as error:
        _say(str(error))
        sys.exit(error.exit_code)
    except BrokenPipeError:
        raise
    except Exception as error:
        if _was_interrupted(error) or type(error).__name__ == "Abort":
            raise KeyboardInterrupt from error
        if hasattr(error, "format_message"):  # from the library that reads the command line
            _refuse(error)
        if os.environ.get("SENSORSOMA_DEBUG"):
            raise
        if isinstance(error, OSError) and error.filename is not None and error.strerror:
            _say(f"Expected to be able to use {error.filename}, found this instead: {error.strerror.lower()}")
            sys.exit(EXIT_FILE)
        _say(
            f"Something went wrong inside SensorSoma ({type(error).__name__}: {error}); "
            "run again with SENSORSOMA_DEBUG=1 set to see where, and please report it."
        )
        sys.exit(EXIT_INTERNAL)


def _refuse(error: Any) -> NoReturn:
    """Ends with what was mistyped; where nothing was typed there is the help."""
    from sensorsoma.cli.mistyped import sentence_of

    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
    else:
        _say(sentence_of(error, sys.argv[1:]))
    sys.exit(error.exit_code)


def _say(sentence: str) -> None:
    end = "" if sentence.endswith((".", "?", "!")) else "."
    print(f"sensorsoma: {sentence}{end}", file=sys.stderr, flush=True)


def _was_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error: a library that was being loaded tells it as an ImportError of its own."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False
