"""The queue of cues: one at a time, newest count first, quiet minutes."""

from __future__ import annotations

from sensorsoma.coach.cues import CueQueue, Wish
from sensorsoma.messages import Cue

LONG = ("One two three four five six seven eight nine ten.",)


def _count(n: int, t_s: float) -> Wish:
    return Wish("count", (f"{n}.",), kind="count", rank=1, wished_s=t_s, fresh_s=2.0)


def test_a_cue_waits_for_the_end_of_the_one_before() -> None:
    """The second cue begins when the first is reported finished."""
    queue = CueQueue()
    queue.wish(Wish("a", LONG, rank=2))
    queue.wish(Wish("b", LONG, rank=2))
    first = queue.poll(0.0)
    assert first is not None
    assert first.key == "a"
    assert queue.poll(4.0) is None
    queue.finished(first.cue_id)
    second = queue.poll(4.1)
    assert second is not None
    assert (second.key, second.cue_id) == ("b", 2)


def test_a_missing_report_does_not_silence_the_coach() -> None:
    """Well past its length a cue counts as finished."""
    queue = CueQueue()
    queue.wish(Wish("a", LONG, rank=2))
    queue.wish(Wish("b", LONG, rank=2))
    first = queue.poll(0.0)
    assert first is not None
    assert queue.poll(first.length_s) is None
    assert queue.poll(first.length_s * 1.5 + 1.0) is not None


def test_the_newest_count_wins_and_old_counts_are_dropped() -> None:
    """While something is said counts do not pile up."""
    queue = CueQueue()
    queue.wish(Wish("a", LONG, rank=2))
    cue = queue.poll(0.0)
    assert cue is not None
    queue.wish(_count(1, 0.5))
    queue.wish(_count(2, 3.0))
    queue.finished(cue.cue_id)
    said = queue.poll(3.5)
    assert said is not None
    assert said.text == "2."
    queue.finished(said.cue_id)
    queue.wish(_count(3, 4.0))
    assert queue.poll(6.5) is None


def test_nothing_is_said_over_a_movement() -> None:
    """Guidance waits while the knee falls; an answer to the person does not."""
    queue = CueQueue()
    queue.hold(10.0)
    queue.wish(Wish("a", LONG, rank=2))
    assert queue.poll(5.0) is None
    queue.wish(Wish("paused", ("We pause.",), rank=3, is_answer=True, is_interrupting=True))
    answer = queue.poll(5.1)
    assert answer is not None
    assert answer.is_interrupting
    queue.finished(answer.cue_id)
    assert queue.poll(10.0) is not None


def test_a_remark_does_not_fit_into_a_full_minute() -> None:
    """After six sentences a remark is left out and guidance is shortened to its first sentence after a while."""
    queue = CueQueue()
    queue.wish(Wish("a", ("A.",) * 6, rank=2, wished_s=0.0))
    cue = queue.poll(0.0)
    assert cue is not None
    queue.finished(cue.cue_id)
    queue.wish(Wish("remark", ("B.",), rank=0, wished_s=10.0, fresh_s=4.0))
    queue.wish(Wish("guide", ("C.", "D."), rank=2, wished_s=10.0))
    assert queue.poll(12.0) is None
    guide = queue.poll(18.0)
    assert guide is not None
    assert (guide.key, guide.text) == ("guide", "C.")
    assert queue.poll(200.0) is None


def test_a_new_step_drops_what_belonged_to_the_old_one() -> None:
    """What waits is dropped with its step unless it outlives it."""
    queue = CueQueue()
    queue.wish(Wish("old", LONG, rank=2))
    queue.wish(Wish("end", LONG, rank=2, outlives_step=True))
    queue.step_changed()
    cue = queue.poll(1.0)
    assert cue is not None
    assert cue.key == "end"


def test_a_breath_word_gives_way_and_is_no_sentence() -> None:
    """Guidance cuts a word of the pacer off at once; counted it is not, so the minute keeps its six sentences."""
    queue = CueQueue()
    for n in range(10):
        assert queue.is_open_to_breath(5.0 * n)
        queue.take(Cue(queue.state.next_id, 5.0 * n, "pacer.in", "breath", "In.", 0.8))
        queue.finished(queue.state.next_id - 1)
    queue.take(Cue(queue.state.next_id, 50.0, "pacer.out", "breath", "Out.", 0.8))
    assert not queue.is_open_to_breath(50.2)
    queue.wish(Wish("guide", ("A.",) * 6, rank=2, wished_s=50.2))
    cue = queue.poll(50.2)
    assert cue is not None
    assert (cue.cue_id, cue.text.count("A."), cue.is_interrupting) == (12, 6, True)
    assert not queue.is_open_to_breath(51.0)


def test_between_two_repetitions_only_what_fits_is_said() -> None:
    """The whole remark, its first sentence, its brief form or nothing, by what is left until the next top."""
    full = ("A little slower.", "All the way.")
    for left_s, said in ((6.0, " ".join(full)), (1.5, full[0]), (0.6, "Slowly."), (0.3, None)):
        queue = CueQueue()
        queue.between_reps(10.0 + left_s, 30.0)
        queue.wish(Wish("r", full, rank=0, wished_s=10.0, fresh_s=4.0, brief=("Slowly.",)))
        cue = queue.poll(10.0)
        assert (None if cue is None else cue.text) == said


def test_guidance_within_a_set_waits_until_the_person_rests() -> None:
    """What does not end before the next top waits; when no repetition comes it may be said, a remark may not."""
    queue = CueQueue()
    queue.between_reps(14.0, 18.0)
    queue.wish(Wish("guide", LONG, rank=2, wished_s=11.0))
    queue.wish(Wish("remark", ("Slowly.",), rank=0, wished_s=11.0))
    assert queue.poll(13.9) is None
    cue = queue.poll(18.0)
    assert cue is not None
    assert cue.key == "guide"
    queue.finished(cue.cue_id)
    assert queue.poll(25.0) is None
