"""Every row of the table of signs in `firmware_notes/frames.md`, played through the simulator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sensorsoma.messages import Floats, Placement, Side, thigh_of
from sensorsoma.simulate import Difficulties, Simulation, simulate_exercise

NOTES = Path(__file__).resolve().parents[2] / "firmware_notes" / "frames.md"


def rows() -> list[tuple[str, ...]]:
    """The cells of the table."""
    lines = NOTES.read_text(encoding="utf-8").splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("| movement |"))
    table = [line for line in lines[begin + 2 :] if line.startswith("|")]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in table]


def moments(simulation: Simulation) -> dict[str, float]:
    """Named times of the first stretch, from the truth."""
    truth = simulation.truth
    stretch = truth.stretches[0]
    named: dict[str, float | None] = {"supine": stretch.start_s - 0.5, "side": stretch.end_s, "middle": stretch.start_s}
    if stretch.fall is not None:
        fall = stretch.fall
        named |= {"straight": fall.draw_up_s, "knee_up": fall.fall_start_s, "open": fall.rest_end_s}
        named["slid"] = fall.slide_end_s
    if stretch.reps:
        named |= {"closed": stretch.reps[0].start_s, "top": stretch.reps[0].peak_s}
    if stretch.cycles:
        named |= {"arch": stretch.cycles[0].arch_s, "flat": stretch.cycles[0].flatten_s}
    values = stretch.values
    named |= {"line": values.get("swing_start_s"), "back": values.get("swing_end_s")}
    named |= {"upright": stretch.start_s + 1.0, "in": values.get("arrival_s")}
    return {name: time for name, time in named.items() if time is not None}


def change(simulation: Simulation, placement: Placement, quantity: str, start_s: float, end_s: float) -> float:
    """How the quantity changed between two times, in segment axes."""
    samples = simulation.samples[placement]
    to_segment = simulation.mounting[placement].T
    up = samples.acc_sensor_mps2 @ to_segment
    up = up / np.linalg.norm(up, axis=1)[:, None]
    first, last = np.searchsorted(samples.t_s, [start_s, end_s])
    if quantity.startswith("gyr."):
        assert samples.gyr_sensor_radps is not None
        rate = samples.gyr_sensor_radps @ to_segment
        about: Floats = (rate * up).sum(axis=1) if quantity == "gyr.u" else rate[:, "xyz".index(quantity[-1])]
        return float(np.trapezoid(about[first:last], samples.t_s[first:last]))
    sign = -1.0 if quantity.startswith("-") else 1.0
    column = up[:, "xyz".index(quantity[-1])] * sign
    return float(column[last] - column[first])


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row[0]} {row[5]}")
def test_a_row_of_the_table_of_signs_holds(row: tuple[str, ...], side: Side) -> None:
    """The quantity changes in the direction that the table says, and by more than 4 degrees' worth."""
    movement, exercise, begin, end, sensor, quantity, right, left = row
    simulation = simulate_exercise(exercise, side=side, seed=6, difficulties=Difficulties.none())  # type: ignore[arg-type]
    times = moments(simulation)
    placement: Placement = "pelvis" if sensor == "pelvis" else thigh_of(side)
    moved = change(simulation, placement, quantity, times[begin], times[end])
    assert abs(moved) > 0.07, movement
    assert (moved > 0) == ((right if side == "right" else left) == "+"), movement


def test_the_table_is_whole() -> None:
    """All movements whose sign anything relies on are in the table, in eight columns."""
    assert {len(row) for row in rows()} == {8}
    assert {row[1] for row in rows()} >= {"knee_fall", "knee_in", "roll_over", "clamshell", "leg_back", "pelvic_rock"}


def test_the_drawing_is_there_and_parses() -> None:
    """The SVG is well formed and the page shows it."""
    from xml.etree import ElementTree

    assert "frames.svg" in NOTES.read_text(encoding="utf-8")
    assert ElementTree.parse(NOTES.with_suffix(".svg")).getroot().tag.endswith("svg")
