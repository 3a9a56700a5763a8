"""The breath pacer: its pace, its words, and when it keeps silent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.coach.pacer import PACED, Pacer
from sensorsoma.messages import BreathTurned, Cue

STEP_S = 0.1


def turn(t_s: float, phase: str, is_weak: bool = False) -> BreathTurned:
    """A breath that the belly shows a second later."""
    return BreathTurned(t_s, t_s + 1.0, "belly", "belly", phase, is_weak)  # type: ignore[arg-type]


def breaths(start_s: float, in_s: float, out_s: float, n: int, is_weak: bool = False) -> list[BreathTurned]:
    """`n` even breaths."""
    begins = [start_s + k * (in_s + out_s) for k in range(n)]
    return [one for at in begins for one in (turn(at, "inhale", is_weak), turn(at + in_s, "exhale", is_weak))]


def words_of(
    pacer: Pacer,
    seconds: float,
    *,
    do: str | Callable[[float], str | None] = "rest",
    is_quiet: Callable[[float], bool] = lambda _: True,
    turns: Sequence[BreathTurned] = (),
    start_s: float = 0.0,
) -> list[Cue]:
    """Everything that is said while time goes by in tenths of a second."""
    said: list[Cue] = []
    waiting = list(turns)
    for tick in range(round(seconds / STEP_S)):
        t_s = round(start_s + tick * STEP_S, 3)
        while waiting and waiting[0].known_s <= t_s:
            pacer.hear(waiting.pop(0))
        cue = pacer.poll(t_s, do(t_s) if callable(do) else do, is_quiet(t_s), len(said) + 1)
        said += [cue] if cue is not None else []
    return said


def test_a_set_pace_is_kept() -> None:
    """Four in and six out, from a settled moment on, as soft words of the kind breath."""
    said = words_of(Pacer({"in_s": 4.0, "out_s": 6.0}), 28.0)
    assert [cue.text for cue in said] == ["In.", "Out.", "In.", "Out.", "In."]
    assert [cue.t_s for cue in said] == pytest.approx([5.0, 9.0, 15.0, 19.0, 25.0], abs=0.11)
    assert {cue.kind for cue in said} == {"breath"}
    assert [cue.cue_id for cue in said] == [1, 2, 3, 4, 5]


def test_it_thins_out_and_falls_silent_within_two_minutes_and_comes_back_with_the_next_step() -> None:
    """Six breaths, then every other one of six, then silence until another step rests."""
    said = words_of(Pacer({}), 300.0, do=lambda t_s: "rest" if t_s < 250 else "stillness")
    begun = [round(cue.t_s) for cue in said if cue.text == "In."]
    assert begun == [5, 15, 25, 35, 45, 55, 75, 95, 115, 255, 265, 275, 285, 295]
    assert len([cue for cue in said if cue.t_s < 250]) == 2 * (6 + 3)


def test_the_own_pace_is_the_median_of_the_last_breaths() -> None:
    """Breaths of 2 s in and 3 s out are followed, and one sigh among them changes nothing."""
    turns = breaths(0.0, 2.0, 3.0, 4) + breaths(20.0, 5.0, 9.0, 1) + breaths(34.0, 2.0, 3.0, 4)
    said = words_of(
        Pacer({"own": True}), 90.0, turns=turns, do=lambda t_s: "rest" if t_s > 50.0 else "clamshell"
    )  # fmt: skip
    assert [b.t_s - a.t_s for a, b in pairwise(said[:6])] == pytest.approx([2.0, 3.0, 2.0, 3.0, 2.0], abs=0.11)


def test_a_pause_in_what_the_sensor_sees_does_not_forget_the_own_pace() -> None:
    """A turn that was missed and half a minute without any leave the pace where it was."""
    turns = [*breaths(0.0, 2.0, 3.0, 6), turn(31.0, "exhale"), turn(70.0, "exhale")]
    said = words_of(Pacer({"own": True}), 100.0, turns=turns, do=lambda t_s: "rest" if t_s > 75.0 else None)
    assert [b.t_s - a.t_s for a, b in pairwise(said[:4])] == pytest.approx([2.0, 3.0, 2.0], abs=0.11)


@pytest.mark.parametrize("turns", [[], breaths(0.0, 2.0, 2.0, 2), breaths(0.0, 2.0, 2.0, 9, is_weak=True)])
def test_until_the_own_pace_is_known_it_is_four_and_six(turns: list[BreathTurned]) -> None:
    """No breath, two breaths, or breaths that a sensor is not sure of: the usual pace."""
    said = words_of(Pacer({"own": True}), 100.0, turns=turns, do=lambda t_s: "rest" if t_s > 40.0 else None)
    assert [b.t_s - a.t_s for a, b in pairwise(said[:4])] == pytest.approx([4.0, 6.0, 4.0], abs=0.11)


@pytest.mark.parametrize("pacer", [{"own": True}, {"in_s": 4.0, "out_s": 6.0}])
def test_the_first_word_meets_the_persons_own_breath_in(pacer: dict[str, float | bool]) -> None:
    """Whatever the pace, it begins where the person is about to breathe in."""
    turns = breaths(1.3, 2.2, 3.3, 12)
    said = words_of(Pacer(pacer), 70.0, turns=turns, do=lambda t_s: "breathing" if t_s > 40.0 else None)
    assert said[0].text == "In."
    from_a_breath_in_s = (said[0].t_s - 1.3) % 5.5
    assert min(from_a_breath_in_s, 5.5 - from_a_breath_in_s) <= 0.15
    assert 45.0 <= said[0].t_s <= 51.0


@pytest.mark.parametrize(("in_s", "out_s", "whole_s"), [(0.5, 0.5, 3.0), (15.0, 25.0, 20.0)])
def test_it_never_hurries_nor_holds_the_breath(in_s: float, out_s: float, whole_s: float) -> None:
    """Never faster than 20 a minute nor slower than 3, whatever is set."""
    begun = [cue.t_s for cue in words_of(Pacer({"in_s": in_s, "out_s": out_s}), 90.0) if cue.text == "In."]
    assert begun[1] - begun[0] == pytest.approx(whole_s, abs=0.11)


@pytest.mark.parametrize("do", ["clamshell", "pelvic_rock", "pelvic_hold", "knee_fall", "roll_over", "free", None])
def test_where_the_body_moves_nothing_is_paced(do: str | None) -> None:
    """A movement leads the breath itself, and between steps there is nothing to pace."""
    assert words_of(Pacer({}), 60.0, do=lambda _: do) == []


def test_what_is_said_meanwhile_leaves_the_rhythm_where_it_was() -> None:
    """A word that fell into a sentence is left out, not made up for; the next ones come when they would have."""
    said = words_of(Pacer({}), 40.0, is_quiet=lambda t_s: not 8.0 < t_s < 12.0)
    assert [(cue.text, round(cue.t_s)) for cue in said] == [("In.", 5), ("Out.", 19), ("In.", 25), ("Out.", 29),
                                                            ("In.", 35), ("Out.", 39)]  # fmt: skip


@given(
    in_s=st.floats(0.2, 30.0),
    out_s=st.floats(0.2, 30.0),
    is_own=st.booleans(),
    noisy=st.lists(st.tuples(st.floats(0.0, 120.0), st.floats(0.1, 20.0)), max_size=8),
    steps=st.lists(st.sampled_from([*sorted(PACED), "clamshell"]), min_size=1, max_size=4),
    gaps=st.lists(st.floats(0.05, 12.0), max_size=40),
    weak=st.booleans(),
)
@settings(max_examples=60)
def test_words_alternate_and_are_never_hurried(
    in_s: float, out_s: float, is_own: bool, noisy: list[tuple[float, float]], steps: list[str],
    gaps: list[float], weak: bool,
) -> None:  # fmt: skip
    """Whatever is set, breathed or said meanwhile: a second from word to word, and in and out in turn in every step."""
    at_s, turns = 0.0, []
    for k, gap_s in enumerate(gaps):
        at_s += gap_s
        turns.append(turn(at_s, "inhale" if k % 2 == 0 else "exhale", weak and k % 5 == 0))
    each_s = 120.0 / len(steps)

    def do(t_s: float) -> str:
        return steps[min(int(t_s / each_s), len(steps) - 1)]

    said = words_of(
        Pacer({"in_s": in_s, "out_s": out_s, "own": is_own}), 120.0, do=do, turns=turns,
        is_quiet=lambda t_s: not any(begin <= t_s < begin + long for begin, long in noisy),
    )  # fmt: skip
    for one, two in pairwise(said):
        assert two.t_s - one.t_s >= 1.0
        if do(one.t_s) == do(two.t_s) and not any(
            do(one.t_s) != do(one.t_s + k * STEP_S) for k in range(int((two.t_s - one.t_s) / STEP_S))
        ):
            assert one.text != two.text
