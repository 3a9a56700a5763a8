"""Who may import whom: the rooms of docs/architecture.md, read from the imports themselves."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "sensorsoma"

VOCABULARY = {"messages", "units", "errors", "clock", "settings", "sight", "private_files"}
MAY_IMPORT: dict[str, set[str]] = {
    "messages": set(),
    "units": set(),
    "errors": set(),
    "clock": set(),
    "private_files": set(),
    "settings": {"messages"},
    "sight": {"messages"},
    "decode": VOCABULARY,
    "dsp": VOCABULARY,
    "exercises": VOCABULARY | {"dsp"},
    "coach": VOCABULARY,
    "pipeline": VOCABULARY | {"decode", "dsp", "exercises", "coach"},
    "recording": VOCABULARY | {"decode"},
    "serving": VOCABULARY,
    "sources": VOCABULARY | {"decode", "recording", "serving"},
    "simulate": VOCABULARY | {"decode"},
    "virtual": VOCABULARY | {"decode", "simulate", "recording", "sources"},
    "analysis": VOCABULARY | {"exercises", "pipeline", "recording", "review"},
    "session": VOCABULARY | {"sources", "recording", "pipeline"},
    "live": VOCABULARY | {"coach", "serving"},
    "people": VOCABULARY | {"recording", "analysis", "coach"},
    "review": VOCABULARY | {"analysis", "recording", "people"},
    "config": VOCABULARY | {"sources", "decode"},
    "doctor": VOCABULARY | {"config", "sources", "live", "virtual", "decode", "checks"},
    "checks": VOCABULARY | {"sources", "live"},
}
"""Every room and what it may import of this package; `cli` may import everything."""

ONLY_IN: dict[str, set[str]] = {
    "asyncio": {"serving", "sources", "virtual", "session", "live", "cli", "checks", "config", "doctor"},
    "bleak": {"sources", "virtual", "doctor"},
    "bumble": {"virtual"},
    "pandas": {"review", "recording"},
    "matplotlib": {"review"},
}
"""Libraries that stay in their rooms."""


def room_of(path: Path) -> str:
    """Name of the room a module belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """Dotted names of everything a module imports, lazily or not."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            if node.module == "sensorsoma":
                names.update(f"sensorsoma.{alias.name}" for alias in node.names)
    return names


MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if room_of(path) not in ("cli", "__init__", "__main__")]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_what_its_room_may(path: Path) -> None:
    """Arrows between rooms point only where the architecture says."""
    room = room_of(path)
    used = {name.split(".")[1] for name in imports_of(path) if name.startswith("sensorsoma.")}
    used -= {room, "__version__"}
    assert used <= MAY_IMPORT[room], f"{room} may not import {sorted(used - MAY_IMPORT[room])}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_library_stays_in_its_room(path: Path) -> None:
    """asyncio, bleak, bumble, pandas and matplotlib are imported only where they belong."""
    libraries = {name.split(".")[0] for name in imports_of(path)}
    strayed = {library for library in libraries & ONLY_IN.keys() if room_of(path) not in ONLY_IN[library]}
    assert not strayed
