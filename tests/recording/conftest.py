"""One session, as messages and as a finished file."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensorsoma.messages import Message

from .sessions import session_messages, write_session


@pytest.fixture(scope="session")
def session() -> list[Message]:
    """Twenty seconds of everything."""
    return session_messages()


@pytest.fixture(scope="session")
def recorded(session: list[Message], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a finished file; not to be changed."""
    return write_session(tmp_path_factory.mktemp("recordings") / "evening.mcap", session)
