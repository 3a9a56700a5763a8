"""Questions with two answers, asked until one of them comes."""

from __future__ import annotations

import typer

YES, NO = frozenset({"y", "yes"}), frozenset({"n", "no"})


def yes_or_no(question: str, *, default: bool) -> bool:
    """What is answered; Enter alone takes the default, anything else is asked again in our own words.

    Raises:
        typer.Abort: Ctrl-C, or nobody is there to answer.
    """
    choice = "Y/n" if default else "y/N"
    asked = f"{question} [{choice}]"
    while True:
        answer = str(typer.prompt(asked, default="", show_default=False)).strip().lower()
        if not answer:
            return default
        if answer in YES | NO:
            return answer in YES
        asked = f"y or n, please [{choice}]"
