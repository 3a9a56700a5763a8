"""What the library that reads the command line found, in our own words: what was expected, what came, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

ALIKE = 0.7
"""Similarity (difflib, 0-1) from which a word may be a slip of the keys: "--speeed" is, "--lauter" is nothing here."""


def sentence_of(error: Any, typed: Sequence[str]) -> str:
    """One sentence.

    Args:
        error: what the library raised; its classes have moved between its versions, so they are told by name.
        typed: the words on the command line.
    """
    message = str(error.format_message())
    command = _command(error, typed)
    see = f"see `{command} --help`"
    match type(error).__name__:
        case "NoSuchOption":
            near = _near(error.option_name, error.possibilities or ())
            return f"Expected an option that `{command}` has, found {error.option_name}{near}; {see}."
        case "MissingParameter":
            return f"Expected {_name_of(error)} after `{command}`, found nothing; {see}."
        case "BadOptionUsage" if "not take" in message:
            return f"Expected {error.option_name} by itself, found a value with it; {see}."
        case "BadOptionUsage":
            return f"Expected a value after {error.option_name}, found none; {see}."
        case "BadParameter":
            name = _name_of(error)
            found = _after(name, typed)
            return f"Expected {name} {_wanted(str(error.message))}{f', found {found}' if found else ''}; {see}."
    if unknown := re.search(r"No such command '(.*?)'", message):
        known = getattr(getattr(error.ctx, "command", None), "commands", {})
        return f"Expected a command, found {unknown[1]}{_near(unknown[1], known)}; `{command} --help` lists them."
    if extra := re.search(r"unexpected extra arguments?(?:\(s\))? \((.*)\)", message):
        return f"Expected nothing more after what `{command}` needs, found {extra[1]}; {see}."
    return f"{message.rstrip('.')}; {see}."


def _command(error: Any, typed: Sequence[str]) -> str:
    names = []
    context = error.ctx
    while context is not None and context.parent is not None:
        names.append(str(context.info_name))
        context = context.parent
    if error.ctx is None and typed and not typed[0].startswith("-"):
        names = [typed[0]]
    return " ".join(["sensorsoma", *reversed(names)])


def _near(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), n=1, cutoff=ALIKE)
    return f" (did you mean {close[0]}?)" if close else ""


def _name_of(error: Any) -> str:
    """`--speed` of an option, `PLAN` of a word that has its place."""
    names = [str(name) for name in getattr(error.param, "opts", ())] or ["something"]
    return max(names, key=len) if names[0].startswith("-") else names[0].upper()


def _after(name: str, typed: Sequence[str]) -> str:
    """What was typed for an option; empty when that cannot be told."""
    for word, following in zip(typed, [*typed[1:], ""], strict=True):
        if word == name:
            return following
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return ""


def _wanted(message: str) -> str:
    """What a value should have been."""
    kind = "as a whole number" if "integer" in message else "as a number"
    if limit := re.search(r"(greater|less) than or equal to (\S+)", message):
        return f"{kind} of {'at least' if limit[1] == 'greater' else 'at most'} {limit[2].rstrip('.')}"
    if limit := re.search(r"in the range (\S+)", message):
        return f"{kind}, {limit[1].rstrip('.')}"
    if re.search(r"valid (number|integer|float)|ordinary number", message):
        return kind
    return f"otherwise ({message.rstrip('.')})"
