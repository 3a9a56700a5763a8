"""One calm cue at a time: what waits to be said, in which order, and what is let go of because its moment has passed.

Rules, in the order in which they decide:

1. Nothing overlaps: a cue waits until the one before it has ended (`CueFinished`, or well past its estimated length
   when nobody reports the end). Only an interrupting cue (the person said pause or stop) cuts in.
2. Nothing is said over a movement that it should wait for (`hold_until_s`), apart from answers to the person.
3. A count is worth saying for a moment only, and a newer count takes the place of an older one. It goes before what is
   remarked, and both are heard: the remark follows it.
4. Between two repetitions (`between_reps`) only what ends before the next top begins; a remark that is too long is said
   in its brief form, or cut after the sentence that fits. When no repetition comes the person rests, and guidance may
   be given; a remark waits for a repetition again, since the next one may begin at any moment.
5. A word of the breath pacer gives way at once to anything else, and is no sentence.
6. At most six sentences a minute in every step. A remark that does not fit is left out; guidance is shortened to what
   fits, or waits a little. A new step begins anew, so that a quick person still hears how to lie.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from sensorsoma.coach.pace import speaking_s
from sensorsoma.messages import Cue

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class CueParams:
    """When cues may be said."""

    max_sentences_per_min: int = 6
    """Quiet enough to stay with the body; counts apart [assumed]."""
    count_fresh_s: float = 2.0
    """A count that comes later than this after its repetition belongs to the next one."""
    optional_fresh_s: float = 4.0
    """A remark (shaking, tempo) that could not be said by then is left out."""
    guide_patience_s: float = 8.0
    """Longest that guidance waits for a quieter minute; after that its first sentence is said."""
    overrun: float = 1.5
    """A voice may take this much longer than estimated before its end is assumed."""
    overrun_s: float = 1.0
    """And this many seconds on top: short cues are slow to start in some voices."""
    tail_s: float = 0.4
    """The estimated length of a cue ends with a pause for breath, which may reach into the next repetition."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Something to be said when it fits."""

    key: str
    sentences: tuple[str, ...]
    kind: Literal["say", "count"] = "say"
    rank: int = 0
    """Higher goes first: 3 answers the person, 2 guides, 1 counts, 0 remarks."""
    wished_s: float = 0.0
    fresh_s: float | None = None
    """Left out when it could not begin within this time; None: worth saying at any time."""
    brief: tuple[str, ...] = ()
    """Said instead when the sentences would run into the next repetition."""
    may_trim: bool = True
    is_answer: bool = False
    """The person has just asked for it, so neither a movement nor a talkative minute holds it back."""
    is_interrupting: bool = False
    outlives_step: bool = False
    """Kept when the step changes."""


@dataclass(slots=True)
class CueState:
    """What waits and what is being said."""

    waiting: list[Wish] = field(default_factory=list)
    next_id: int = 1
    current_id: int | None = None
    busy_until_s: float = 0.0
    hold_until_s: float = 0.0
    next_top_s: float = 0.0
    """The top of the next repetition, as the last ones let expect it ..."""
    resting_from_s: float = 0.0
    """... and when, had none come, the person rests."""
    is_breath_word: bool = False
    """What is being said is a word of the breath pacer."""
    said_s: deque[float] = field(default_factory=deque)
    """Times of the sentences of the last minute within this step."""


class CueQueue:
    """Wishes in, cues out, one at a time."""

    def __init__(self, params: CueParams | None = None) -> None:
        self.params = params or CueParams()
        self.state = CueState()

    def wish(self, wish: Wish) -> None:
        """Adds something to be said; a count replaces a waiting count, a wish the same waiting wish."""
        if not wish.sentences:
            return
        self.state.waiting = [old for old in self.state.waiting if old.key != wish.key]
        self.state.waiting.append(wish)

    def finished(self, cue_id: int) -> None:
        """The cue that was being said has ended."""
        if cue_id == self.state.current_id:
            self.state.current_id = None

    def step_changed(self) -> None:
        """Drops what only made sense within the step that was left."""
        self.state.said_s.clear()
        self.state.waiting = [wish for wish in self.state.waiting if wish.outlives_step]
        self.state.hold_until_s = self.state.resting_from_s = 0.0

    def hold(self, until_s: float) -> None:
        """A movement has begun: nothing is said until it ends, at the latest until `until_s`."""
        self.state.hold_until_s = until_s

    def between_reps(self, next_top_s: float, resting_from_s: float) -> None:
        """A repetition was counted: what is said now ends before the next top, until the person rests."""
        self.state.next_top_s, self.state.resting_from_s = next_top_s, resting_from_s

    def is_open_to_breath(self, t_s: float) -> bool:
        """True when nothing is said, waits or is held back, so that a word of the breath pacer disturbs nothing."""
        return not self.is_busy(t_s) and not self.state.waiting and t_s >= self.state.hold_until_s

    def take(self, cue: Cue) -> None:
        """A word of the breath pacer is said, under the next number."""
        self._begin(cue, cue.t_s)
        self.state.is_breath_word = True

    def silence(self) -> None:
        """Nothing that waits is said any more, and what is being said no longer matters."""
        self.state.waiting.clear()
        self.state.current_id = None

    def is_busy(self, t_s: float) -> bool:
        """True while something is being said."""
        if self.state.current_id is not None and t_s >= self.state.busy_until_s:
            self.state.current_id = None
        return self.state.current_id is not None

    def is_idle(self, t_s: float) -> bool:
        """True when nothing is being said and nothing that guides is waiting."""
        return not self.is_busy(t_s) and all(wish.rank < 2 for wish in self.state.waiting)

    def has_waiting_guidance(self) -> bool:
        """True when something that guides has yet to be said."""
        return any(wish.rank == 2 for wish in self.state.waiting)

    def withdraw(self, key: str) -> None:
        """Takes a wish back."""
        self.state.waiting = [wish for wish in self.state.waiting if wish.key != key]

    def poll(self, t_s: float, only_answers: bool = False) -> Cue | None:
        """The next cue, if one may begin now; while the session is paused only answers to the person."""
        state = self.state
        while state.said_s and t_s - state.said_s[0] >= MINUTE_S:
            state.said_s.popleft()
        state.waiting = [wish for wish in state.waiting if wish.fresh_s is None or t_s - wish.wished_s <= wish.fresh_s]
        is_busy = self.is_busy(t_s) and not state.is_breath_word
        for wish in sorted(state.waiting, key=lambda wish: -wish.rank):
            if (is_busy and not wish.is_interrupting) or (only_answers and not wish.is_answer):
                continue
            if t_s < state.hold_until_s and not wish.is_answer:
                continue
            sentences = self._fitting(wish, t_s)
            if sentences:
                state.waiting.remove(wish)
                return self._say(wish, sentences, t_s)
        return None

    def _fitting(self, wish: Wish, t_s: float) -> tuple[str, ...]:
        """As many sentences as this moment and this minute have room for; none when the wish has to wait."""
        if wish.kind == "count":
            return wish.sentences
        sentences = wish.sentences if wish.is_answer else self._before_the_next_top(wish, t_s)
        room = self.params.max_sentences_per_min - len(self.state.said_s)
        if len(sentences) <= room:
            return sentences
        if wish.rank >= 2 and (room > 0 or wish.is_answer or t_s - wish.wished_s >= self.params.guide_patience_s):
            return sentences[: max(room, 1)] if wish.may_trim else sentences
        return ()

    def _before_the_next_top(self, wish: Wish, t_s: float) -> tuple[str, ...]:
        """What of a wish can be said before the next repetition reaches its top."""
        is_in_set = self.state.resting_from_s > 0.0
        if t_s >= self.state.resting_from_s and (wish.rank > 0 or not is_in_set):
            return wish.sentences
        left_s = self.state.next_top_s - t_s + self.params.tail_s
        for n in range(len(wish.sentences), 0, -1):
            if speaking_s(" ".join(wish.sentences[:n])) <= left_s and (n == len(wish.sentences) or wish.may_trim):
                return wish.sentences[:n]
        return wish.brief if wish.brief and speaking_s(" ".join(wish.brief)) <= left_s else ()

    def _say(self, wish: Wish, sentences: tuple[str, ...], t_s: float) -> Cue:
        text = " ".join(sentences)
        cuts_in = wish.is_interrupting or (self.state.is_breath_word and self.is_busy(t_s))
        cue = Cue(self.state.next_id, t_s, wish.key, wish.kind, text, speaking_s(text), cuts_in)
        self._begin(cue, t_s)
        if wish.kind != "count":
            self.state.said_s.extend([t_s] * len(sentences))
        return cue

    def _begin(self, cue: Cue, t_s: float) -> None:
        state = self.state
        state.current_id = cue.cue_id
        state.next_id = cue.cue_id + 1
        state.is_breath_word = False
        state.busy_until_s = t_s + cue.length_s * self.params.overrun + self.params.overrun_s
