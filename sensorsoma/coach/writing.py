"""Where a file stops being TOML, in words for people who never saw TOML, and the rest of it read all the same.

Word processors turn quotes round, people leave them out or write a comma in a number. Each such line is named with what
it should be, mended as it was probably meant, and reading goes on, so that one slip does not hide the others.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from typing import Any

from sensorsoma.coach.steps import Band, Defaults, Plan, Step
from sensorsoma.coach.toml_lines import Problem

MOST_SLIPS = 40
"""After so many the file is something else than a plan."""

NO_PLAN = (
    "this is no plan: expected a text file with [[steps]] and lines such as reps = 8, found something else; "
    "`sensorsoma plan new` writes one"
)

FEW_SLIPS = 3
"""So many are slips of a pen even where nothing else of a plan can be read."""

_HINT = "text stands in quotes, numbers do not, and a step begins with [[steps]]"
_CURLY = re.compile("[“”„‟«»]")
_STEP_HEAD = re.compile(r"^\s*(?:\[{1,2}\s*steps?\s*\]{0,2}|steps?\s*\]{1,2})\s*$", re.IGNORECASE)
_OTHER_HEAD = re.compile(r"^\s*\[{0,2}\s*([a-z_.]+)\s*\]{0,2}\s*$", re.IGNORECASE)
_GOOD_HEAD = re.compile(r"^\s*\[\[\s*steps\s*\]\]")
_ANY_HEAD = re.compile(r"^\s*\[{1,2}\s*[A-Za-z_.]+\s*\]{1,2}\s*(?:#.*)?$")
_VALUE = re.compile(r"^\s*([A-Za-z0-9_\-]+)\s*=\s*(.*?)\s*(?:#.*)?$")
_NO_EQUALS = re.compile(r"^\s*([A-Za-z_\-]+)\s*(:|\s)\s*(\S.*?)\s*$")


def parse_toml(text: str) -> tuple[dict[str, Any], list[Problem], str]:
    """What can be read of a file, every line that is not TOML, and the text as it was read."""
    lines = text.splitlines()
    problems: list[Problem] = []
    for number, line in enumerate(lines, start=1):
        if _STEP_HEAD.match(line) and not _GOOD_HEAD.match(line):
            problems.append(Problem(number, "", f"a step begins with [[steps]], found {line.strip()}"))
            lines[number - 1] = "[[steps]]"
    while len(problems) < MOST_SLIPS:
        try:
            mended_text = "\n".join(lines) + "\n"
            return tomllib.loads(mended_text), sorted(problems), mended_text
        except tomllib.TOMLDecodeError as error:
            number = _line_of(error, lines)
            if any(problem.line == number for problem in problems):
                if not lines[number - 1].strip():
                    break  # nothing is left to mend there: it began above
                lines[number - 1] = ""
                continue
            said, mended = _mended(lines[number - 1] if lines else "", str(error))
            problems.append(Problem(number, "", said))
            lines[number - 1 : number] = [mended]
        except RecursionError:
            break
    return {}, sorted(problems) or [Problem(1, "", f"expected TOML, found brackets in brackets; {_HINT}")], ""


def looks_like_toml(text: str, slips: Collection[Problem]) -> bool:
    """False for a letter, a table or a web page: many lines that cannot be read, and no heading of a plan."""
    lines = text.splitlines()
    return len(slips) < FEW_SLIPS or any(_ANY_HEAD.match(line) or _STEP_HEAD.match(line) for line in lines)


def _line_of(error: tomllib.TOMLDecodeError, lines: list[str]) -> int:
    found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    return max(1, min(int(found[1]) if found else len(lines), len(lines)))


def _mended(line: str, error: str) -> tuple[str, str]:
    """What is wrong with a line, and the line as it was probably meant."""
    if _CURLY.search(line):
        return f'quotes have to be straight ones ("), found {_CURLY.findall(line)[0]}', _CURLY.sub('"', line)
    if "overwrite a value" in error or "mutate" in error or "declare" in error:
        return f"this stands here twice: {line.strip()}; keep one of them", ""
    if (head := _OTHER_HEAD.match(line)) and ("[" in line or "]" in line):
        return f"a section stands in brackets: expected [{head[1]}], found {line.strip()}", f"[{head[1]}]"
    if value := _VALUE.match(line):
        return _mended_value(line, value[1], value[2])
    pair = _NO_EQUALS.match(line)
    if pair and pair[1] in {*Plan.model_fields, *Defaults.model_fields, *Step.model_fields, *Band.model_fields}:
        return (
            f"an = stands between a field and its value: expected {pair[1]} = {pair[3]}, found {line.strip()}",
            f"{pair[1]} = {pair[3]}",
        )
    reason = error.split(" (at ")[0].lower()
    return f"expected TOML, found a mistake in the writing ({reason}); {_HINT}", ""


def _mended_value(line: str, key: str, value: str) -> tuple[str, str]:
    found = f"found {line.strip()}"
    if not value:
        return f"expected TOML, found nothing behind the = of {key}; {_HINT}", ""
    if comma := re.fullmatch(r"(\d+),(\d+)", value):
        mended = f"{key} = {comma[1]}.{comma[2]}"
        return f"a number has a point, not a comma: expected {mended}, {found}", mended
    if value.lower() in ("true", "false", "yes", "no"):
        mended = f"{key} = {'true' if value.lower() in ('true', 'yes') else 'false'}"
        return f"expected {mended}, {found}", mended
    if number := re.fullmatch(r"(\d+(?:\.\d+)?)\s*[A-Za-z]+", value):
        mended = f"{key} = {number[1]}"
        return f"a number stands alone: expected {mended}, {found}", mended
    bare = value.strip("\"'")
    if value[0] not in "[{" and '"' not in bare and "\\" not in bare:
        mended = f'{key} = "{bare}"'
        return f"text stands in quotes: expected {mended}, {found}", mended
    return f"expected TOML, {found}; {_HINT}", ""
