"""Sentences of one's own: a TOML file like `words/en.toml` that holds only what is said otherwise, or all of it in
another language. Checked with line and section before anything is practised with it."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from sensorsoma.coach.plan import check_text, load_plan, plan_text
from sensorsoma.coach.possible import COUNTED
from sensorsoma.coach.steps import Plan
from sensorsoma.coach.toml_lines import Key, Problem, line_of, order_of_lines, problem_at
from sensorsoma.coach.wording import doubts_about, mistakes_in
from sensorsoma.coach.words import NOT_SECTIONS, Words, load_words
from sensorsoma.coach.writing import parse_toml
from sensorsoma.errors import PlanError
from sensorsoma.messages import EXERCISES

FILE_NAME = "words.toml"
"""Taken by itself when it lies beside the recordings."""

READ_NOT_HEARD = "safety"
"""Always shown as it comes: nobody should lose a red flag to a slip of the pen."""

_ANY_STEP = ("start", "start_other", "start_again", "middle")
_ANY_COUNTED = ("again", "slower", "quicker", "range_less", "range_more")


def looks_like_words(text: str) -> bool:
    """True for a file that holds sentences and no steps."""
    data, _, _ = parse_toml(text)
    tables = [value for value in data.values() if isinstance(value, dict)]
    return bool(tables) and "steps" not in data and any(_is_moment(v) for table in tables for v in table.values())


def read_own_words(path: Path, plan_sections: Collection[str] = ()) -> dict[str, Any]:
    """The sentences of a file, fit to be laid over the bundled ones.

    Args:
        path: the file.
        plan_sections: sections that steps of the plan name; a new section is a mistake unless it is one of these.

    Raises:
        PlanError: there is no such file, or its first mistake with line and section.
    """
    text = words_text(path)
    mistakes = [problem for problem in check_own_words(text, plan_sections) if not problem.is_note]
    if mistakes:
        also = (
            f" (and {len(mistakes) - 1} more; `sensorsoma plan check {path}` lists them)" if len(mistakes) > 1 else ""
        )
        raise PlanError(f"{path}, {mistakes[0]}{also}")
    return own_words_in(text)


def plan_and_words(
    plan: str | Path, words: Path | None, folders: Collection[Path] = ()
) -> tuple[Plan, dict[str, Any], Path | None]:
    """The plan, the sentences that are laid over the bundled ones, and the file that they come from.

    Without a file the first `words.toml` in `folders`, where recordings and own plans lie, is taken by itself.

    Raises:
        PlanError: the first mistake of either file.
    """
    path = words or next((each for folder in folders if (each := Path(folder) / FILE_NAME).is_file()), None)
    if path is None:
        return load_plan(plan, folders), {}, None
    loaded = load_plan(plan, folders, own_words_in(words_text(path)))
    return loaded, read_own_words(path, sections_of(loaded)), path


def check_both(plan: str | Path, words: Path | None, folders: Collection[Path] = ()) -> list[tuple[str, list[Problem]]]:
    """(what was looked at, its problems): of a plan and of the words that go with it, or of a words file alone.

    `folders`: where own plans lie that may have been meant.

    Raises:
        PlanError: one of them is not there.
    """
    text = plan_text(plan, folders)
    if looks_like_words(text):
        return [(str(plan), check_own_words(text))]
    own_text = words_text(words) if words is not None else ""
    found = [(str(plan), check_text(text, own_words_in(own_text)))]
    if words is not None:
        steps = parse_toml(text)[0].get("steps", [])
        named = {step.get("words") for step in steps if isinstance(step, dict)} if isinstance(steps, list) else set()
        found.append((str(words), check_own_words(own_text, {name for name in named if isinstance(name, str)})))
    return found


def sections_of(plan: Plan) -> set[str]:
    """Sections of the words that steps of a plan name."""
    return {step.words for step in plan.steps if step.words is not None}


def own_words_in(text: str) -> dict[str, Any]:
    """What a words file holds, ready for `load_words`; a single sentence may stand without its brackets."""
    data, _, _ = parse_toml(text)
    own: dict[str, Any] = {}
    for section, moments in data.items():
        if section in NOT_SECTIONS:
            own[section] = moments
        elif section != READ_NOT_HEARD and isinstance(moments, dict):
            own[section] = {moment: [line] if isinstance(line, str) else line for moment, line in moments.items()}
    return own


def words_text(path: Path) -> str:
    """The text of a words file.

    Raises:
        PlanError: it is not there, or not text.
    """
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise PlanError(f"expected words as UTF-8 text, found other bytes in {path}; save it as UTF-8") from None
    except OSError:
        raise PlanError(f"expected a file with words, found nothing readable at {path}; check the name") from None


def check_own_words(text: str, plan_sections: Collection[str] = ()) -> list[Problem]:
    """Every mistake and note of a words file, in the order of its lines.

    Mistakes are what would never be said or cannot be said; how calm a sentence is, is only noted: they are one's own.
    """
    data, slips, read = parse_toml(text)
    if slips:
        return slips
    lines = order_of_lines(read)
    rows = read.splitlines()
    bundled = load_words()
    problems: list[Problem] = []
    for section, moments in data.items():
        if section in NOT_SECTIONS:
            problems += _names(section, moments, lines)
        elif section == READ_NOT_HEARD:
            said = "the safety text is always shown as it comes with SensorSoma; this section is not used"
            problems.append(problem_at((section,), said, lines, is_note=True))
        elif (unknown := _unknown_section(section, moments, bundled, plan_sections)) is not None:
            problems.append(problem_at((section,), unknown, lines))
        else:
            problems += _moments(section, moments, bundled, lines, rows)
    if "language" in data and not any(not problem.is_note for problem in problems):
        problems += _left_in_english(data, bundled, lines)
    return sorted(problems)


def _names(section: str, value: Any, lines: Mapping[Key, int]) -> list[Problem]:
    if section == "language":
        is_fine = isinstance(value, str) and value.isalpha() and len(value) == 2
        said = 'expected the two letters of a language, such as language = "de"'
        return [] if is_fine else [problem_at((section,), said, lines)]
    if not isinstance(value, dict):
        return [problem_at((section,), "expected a table [names] with left, right and numbers", lines)]
    found: list[Problem] = []
    for name, word in value.items():
        is_list = isinstance(word, list) and bool(word) and all(isinstance(each, str) for each in word)
        if name not in ("left", "right", "numbers"):
            found.append(problem_at((section, name), f"there are left, right and numbers, found {name}", lines))
        elif not (is_list if name == "numbers" else isinstance(word, str) and word.strip()):
            found.append(problem_at((section, name), f"expected text in quotes for {name}", lines))
    return found


def _unknown_section(section: str, moments: Any, bundled: Words, plan_sections: Collection[str]) -> str | None:
    known = [name for name in bundled.sections if name not in (READ_NOT_HEARD, "unknown")]
    if not isinstance(moments, dict):
        return f"expected a section such as [clamshell] with start = [...], found {section} = ..."
    if section in bundled.sections or section in plan_sections:
        return None
    near = difflib.get_close_matches(section, known, n=1, cutoff=0.6)
    hint = f"did you mean [{near[0]}]?" if near else f"there are {', '.join(known)}"
    return f'nothing is said from a section [{section}] unless a step names it by words = "{section}"; {hint}'


def _moments(
    section: str, moments: Mapping[str, Any], bundled: Words, lines: Mapping[Key, int], rows: list[str]
) -> list[Problem]:
    known = _known_moments(section, bundled)
    found: list[Problem] = []
    if section not in bundled.sections and "start" not in moments:
        found.append(problem_at((section,), 'a section of your own needs start = ["..."]', lines))
    for moment, value in moments.items():
        where = (section, moment)
        if moment not in known:
            near = difflib.get_close_matches(moment, known, n=1, cutoff=0.5)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}"
            found.append(problem_at(where, f"nothing is said at a moment '{moment}' of [{section}]; {hint}", lines))
        elif not _is_moment(value):
            found.append(problem_at(where, f'expected sentences such as {moment} = ["Rest here.", "Breathe."]', lines))
        else:
            found += _sentences(where, [value] if isinstance(value, str) else value, lines, rows)
    return found


def _sentences(where: Key, sentences: list[Any], lines: Mapping[Key, int], rows: list[str]) -> list[Problem]:
    found: list[Problem] = []
    name = ".".join(str(part) for part in where)
    at = line_of(where, lines)
    for index, line in enumerate(sentences):
        at = _line_with(str(line), at, rows)
        mistakes = mistakes_in(line)
        found += [Problem(at, name, said) for said in mistakes]
        if mistakes:
            continue
        found += [Problem(at, name, said, is_note=True) for said in doubts_about(line)]
        if index == 0 and "{reps}" in line.lower():
            said = "the first sentence is left out when there is no number to say; put the number into a later one"
            found.append(Problem(at, name, said, is_note=True))
    return found


def _known_moments(section: str, bundled: Words) -> list[str]:
    own = list(bundled.sections.get(section, {}))
    if section == "session":
        return own
    if section not in EXERCISES and section not in bundled.sections:
        own = [moment for name in EXERCISES for moment in bundled.sections.get(name, {})]
    counted = _ANY_COUNTED if section in COUNTED else ()
    known = list(dict.fromkeys([*own, *_ANY_STEP, *counted]))
    remarks = [moment for moment in known if moment in (*_ANY_COUNTED[1:], "pelvis")]
    return list(dict.fromkeys([*known, *(f"{moment}_brief" for moment in remarks)]))


def _is_moment(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and bool(value))


def _line_with(sentence: str, from_line: int, rows: list[str]) -> int:
    """The first line from there on that holds the beginning of the sentence; else that line itself."""
    beginning = sentence[:24].strip()
    later = range(from_line, min(len(rows), from_line + 30) + 1)
    return next((number for number in later if beginning and beginning in rows[number - 1]), from_line)


def _left_in_english(data: Mapping[str, Any], bundled: Words, lines: Mapping[Key, int]) -> list[Problem]:
    """What another language has not translated yet."""
    left = [
        f"[{section}] {moment}"
        for section, moments in bundled.sections.items()
        for moment in moments
        if section != READ_NOT_HEARD and moment not in data.get(section, {})
    ]
    names = [name for name in bundled.names if name not in data.get("names", {})]
    left += [f"[names] {name}" for name in names]
    if data["language"] == bundled.language or not left:
        return []
    said = f"{len(left)} moments are still said in English: {', '.join(left[:6])}{' ...' if len(left) > 6 else ''}"
    return [problem_at(("language",), said, lines, is_note=True)]
