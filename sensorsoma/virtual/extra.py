"""The optional dependency behind this room."""

from __future__ import annotations

import logging
from importlib.util import find_spec

from sensorsoma.errors import MissingExtraError


def need_bumble() -> None:
    """Nothing, if virtual links can be used here.

    Raises:
        MissingExtraError: bumble is not installed.
    """
    if find_spec("bumble") is None:
        raise MissingExtraError(
            'Virtual sensors need the optional package bumble; in its folder run: pip install ".[virtual]"'
        )
    bumble_log = logging.getLogger("bumble")
    if bumble_log.level == logging.NOTSET:
        bumble_log.setLevel(logging.CRITICAL)  # it warns of every lost link, which is what we are here to play
