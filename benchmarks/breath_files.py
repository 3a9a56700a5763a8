"""Simulated people who breathe, through the whole pipeline: what it says of their breath, the truth, and NeuroKit2.

Every person has a way of breathing of their own: 4-20 breaths a minute that drift by up to an eighth within a minute,
0.25-0.55 of it inhale, 0.3-3 degrees deep, with pauses, sighs and a pulse. A phone on the belly lies on it loosely,
slides now and then, and lies across or the other way round in every fifth person. Sensors, losses and jitter as
everywhere.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from simulated_line import outputs_of, packets_of, settings_of

from sensorsoma.messages import (
    BreathTurned,
    Cue,
    CueFinished,
    Exercise,
    Input,
    OrientedBlock,
    Placement,
    SegmentMeasured,
    StepFinished,
    StepStarted,
    Tick,
)
from sensorsoma.pipeline import Pipeline
from sensorsoma.settings import SegmentRequest
from sensorsoma.simulate import BreathStyle, Simulation, simulate_exercise
from sensorsoma.simulate.seeds import stream

RATES_HZ = (52.0, 52.0, 104.0)
"""Breath lies below 2 Hz: what quicker sampling costs is better spent on more people."""
RATE_WITHIN, SHARE_WITHIN = 0.5, 0.07
BASELINE_HZ = 25.0


@dataclass(frozen=True, slots=True)
class Job:
    """Which file: a kind of stretch, a seed, what is worn."""

    group: str
    seed: int
    worn: tuple[Placement, ...]


def style_of(seed: int, *, is_loose: bool) -> BreathStyle:
    """How this person breathes."""
    rng = stream(seed, "breath style")
    rate = float(rng.uniform(4, 20))
    coins = rng.random(3)
    return BreathStyle(
        rate_per_min=rate,
        inhale_share=float(rng.uniform(0.25, 0.55)),
        depth_deg=float(np.exp(rng.uniform(np.log(0.3), np.log(3.0)))),
        pause_share=float(rng.uniform(0.02, 0.35)),
        top_share=float(rng.uniform(0, 0.25)) if coins[0] < 0.4 else 0.0,
        sigh_every=int(rng.integers(6, 12)) if coins[1] < 0.5 else 0,
        rate_drift_per_min=float(rng.uniform(-0.12, 0.12)) * rate,
        pulse_deg=float(rng.uniform(0, 0.05)),
        slip_deg=float(rng.uniform(0, 1.5)) if coins[2] < 0.5 and is_loose else 0.0,
    )


def simulated(exercise: Exercise, job: Job, **options: Any) -> Simulation:
    """One person; in every fifth the phone on the belly lies across (seed 5 n) or the other way round (5 n + 1)."""
    style = options.pop("style", None) or style_of(job.seed, is_loose="belly" in job.worn)
    simulation = simulate_exercise(
        exercise, seed=job.seed, rate_hz=RATES_HZ[job.seed % 3], placements=job.worn, breath=style, **options
    )
    turned = {0: ((0, -1), (1, 0)), 1: ((-1, 0), (0, -1))}.get(job.seed % 5)
    if turned is None or "belly" not in simulation.samples:
        return simulation
    matrix = np.eye(3)
    matrix[:2, :2] = turned
    belly = simulation.samples["belly"]
    gyr = None if belly.gyr_sensor_radps is None else belly.gyr_sensor_radps @ matrix
    simulation.samples["belly"] = replace(belly, acc_sensor_mps2=belly.acc_sensor_mps2 @ matrix, gyr_sensor_radps=gyr)
    return simulation


def measured(simulation: Simulation, *requests: SegmentRequest) -> tuple[list[SegmentMeasured], list[Any]]:
    """The requested stretches as the pipeline measures them, and everything it said."""
    outputs: list[Any] = list(outputs_of(simulation, simulation.seed, requests))
    return [output for output in outputs if isinstance(output, SegmentMeasured)], outputs


def true_breath(simulation: Simulation, start_s: float, end_s: float) -> tuple[float, float]:
    """Rate and inhale share of the whole breaths inside."""
    inside = [b for b in simulation.truth.breaths if b.inhale_s >= start_s and b.end_s <= end_s]
    whole_s = sum(breath.end_s - breath.inhale_s for breath in inside)
    inhale_s = sum(breath.exhale_s - breath.inhale_s for breath in inside)
    return (60.0 * len(inside) / whole_s, inhale_s / whole_s) if inside else (float("nan"), float("nan"))


def neurokit(outputs: list[Any], placement: Placement, start_s: float, end_s: float) -> dict[str, float] | None:
    """Rate and inhale share by `rsp_process` with its defaults, on the first principal component; None without it."""
    try:
        import neurokit2
    except ImportError:
        return None
    blocks = [output for output in outputs if isinstance(output, OrientedBlock) and output.placement == placement]
    t_s = np.concatenate([block.t_s for block in blocks])
    up = np.concatenate([block.acc_sensor_mps2 for block in blocks])
    grid = np.arange(start_s, end_s, 1.0 / BASELINE_HZ)
    rows = np.stack([np.interp(grid, t_s, column) for column in up.T], axis=1)
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    rows -= rows.mean(axis=0)
    axis = np.linalg.svd(rows, full_matrices=False)[2][0]
    axis = -axis if axis[1] < 0.0 else axis  # the same mounting mark tells it what inhale is
    try:
        signals, _ = neurokit2.rsp_process(rows @ axis, sampling_rate=int(BASELINE_HZ))
    except (ValueError, IndexError, ZeroDivisionError):
        return {"rate": float("nan"), "share": float("nan")}
    return {"rate": float(signals["RSP_Rate"].mean()), "share": float((signals["RSP_Phase"] == 1).mean())}


def run_job(job: Job) -> dict[str, Any]:
    """JSON-ready row of one file."""
    kinds = {"rocking": _rocking, "fall": _fall, "counted": _counted, "clamshells": _clam}
    run = kinds.get(job.group.split()[0].strip(","), _lying)
    return {"group": job.group, "seed": job.seed, **run(job)}


def _lying(job: Job) -> dict[str, Any]:
    simulation = simulated("breathing", job, seconds=90.0)
    truth = simulation.truth.of("breathing")[0]
    end_s = truth.end_s or simulation.duration_s
    request = SegmentRequest("breathing", None, job.worn[0], truth.start_s, end_s)
    (segment,), outputs = measured(simulation, request)
    return _compared(simulation, segment, truth.start_s, end_s) | {
        "plain": neurokit(outputs, job.worn[0], truth.start_s, end_s), "live": _live(simulation, outputs, end_s),
    }  # fmt: skip


def _compared(simulation: Simulation, segment: SegmentMeasured, start_s: float, end_s: float) -> dict[str, Any]:
    rate, share = true_breath(simulation, start_s, end_s)
    measures = segment.measures
    return {"rate_true": rate, "share_true": share, "rate": measures["rate_per_min"], "share": measures["inhale_share"],
            "amplitude_deg": measures["amplitude_deg"]}  # fmt: skip


def _live(simulation: Simulation, outputs: list[Any], end_s: float, from_s: float = 30.0) -> dict[str, Any]:
    """Turns to the inhale as they were told, weak ones left out, against the true ones."""
    turns = [o for o in outputs if isinstance(o, BreathTurned) and from_s <= o.t_s < end_s - 5.0]
    told = [turn for turn in turns if turn.phase == "inhale" and not turn.is_weak]
    true_s = [b.inhale_s for b in simulation.truth.breaths if from_s <= b.inhale_s < end_s - 5.0]
    late = []
    for moment_s in true_s:
        near = [event for event in told if abs(event.t_s - moment_s) < 1.2]
        late += [min(near, key=lambda event: abs(event.t_s - moment_s)).known_s - moment_s] if near else []
    return {"told": len(told), "true": len(true_s), "found": len(late), "late_s": late}


def _rocking(job: Job) -> dict[str, Any]:
    """The pelvis rocks in step with the breath, or not; asked as pelvic rocking and as if it were breathing."""
    in_step = job.group.endswith("in step")
    style = replace(style_of(job.seed, is_loose=False), in_step=in_step)
    simulation = simulated("pelvic_rock", job, style=style, n_reps=8)
    truth = simulation.truth.of("pelvic_rock")[0]
    start_s, end_s = truth.cycles[0].start_s, truth.cycles[-1].end_s
    requests = [SegmentRequest("breathing", None, "belly", start_s, end_s),
                SegmentRequest("pelvic_rock", None, None, start_s - 1.0, end_s)]  # fmt: skip
    segments, outputs = measured(simulation, *requests)
    breathing = next(segment for segment in segments if segment.exercise == "breathing")
    rock = next(segment for segment in segments if segment.exercise == "pelvic_rock")
    turns = [output for output in outputs if isinstance(output, BreathTurned)]
    strong = [turn for turn in turns if start_s <= turn.known_s < end_s and not turn.is_weak]
    return _compared(simulation, breathing, start_s, end_s) | {
        "plain": neurokit(outputs, "belly", start_s, end_s), "lag_s": rock.measures.get("breath_lag_s"),
        "n_strong_turns": len(strong),
    }  # fmt: skip


def _fall(job: Job) -> dict[str, Any]:
    simulation = simulated("knee_fall", job, rest_s=45.0)
    truth = simulation.truth.of("knee_fall")[0]
    end_s = truth.end_s or simulation.duration_s
    (segment,), _ = measured(simulation, SegmentRequest("knee_fall", "right", None, truth.start_s - 0.5, end_s))
    true = truth.fall
    assert true is not None
    falls = segment.measures["falls"]
    if not falls or true.arrival_s is None or true.rest_end_s is None:
        return {"has_fall": False}
    rate, _share = true_breath(simulation, true.arrival_s, true.rest_end_s)
    return {
        "has_fall": True, "exhale_true": true.began_on_exhale, "exhale": falls[0]["began_on_exhale"],
        "rate_true": rate, "rate": falls[0]["breaths_per_min"], "share": None, "share_true": float("nan"),
    }  # fmt: skip


def _clam(job: Job) -> dict[str, Any]:
    simulation = simulated("clamshell", job)
    truth = simulation.truth.of("clamshell")[0]
    end_s = truth.end_s or simulation.duration_s
    (segment,), _ = measured(simulation, SegmentRequest("clamshell", "right", None, truth.start_s - 0.5, end_s))
    inhales = np.array([breath.inhale_s for breath in simulation.truth.breaths])
    lags = [rep.start_s - inhales[np.argmin(np.abs(inhales - rep.start_s))] for rep in truth.reps]
    return {"lag_s": segment.measures["breath_lag_s"], "lag_true_s": float(np.median(lags))}


N_BREATHS = 6
REST_PLAN = {
    "schema_version": 1, "name": "six-breaths", "title": "Six breaths",
    "steps": [
        {"id": "settle", "title": "Settle", "do": "stillness", "seconds": 20},
        {"id": "rest", "title": "Rest", "do": "rest", "breaths": N_BREATHS},
        {"id": "after", "title": "After", "do": "stillness", "seconds": 5},
    ],
}  # fmt: skip
"""What is coached: a settling, then a rest of six breaths."""


def _counted(job: Job) -> dict[str, Any]:
    """A coached rest of six breaths: how many there really were when the coach went on."""
    simulation = simulated("stillness", job, seconds=190.0)
    pipeline = Pipeline()
    sent = packets_of(simulation, simulation.seed)
    inputs: list[tuple[int, int, Input]] = [(packet.host_ns, 0, packet) for packet in sent]
    inputs += [(k * 100_000_000, 1, Tick(k * 100_000_000)) for k in range(1, 2000)]
    heapq.heapify(inputs)
    outputs: list[Any] = [*pipeline.feed(settings_of(simulation, plan=REST_PLAN))]
    opened_s: list[float] = []
    n_fed, rest_start_s, words_id = 0, None, None
    pending = list(outputs)
    while inputs:
        for output in pending:
            if isinstance(output, Cue):
                end_ns = round((output.t_s + output.length_s) * 1e9)
                heapq.heappush(inputs, (end_ns, 2 + output.cue_id, CueFinished(end_ns, output.cue_id)))
                if rest_start_s is not None and words_id is None:
                    words_id = output.cue_id
            elif isinstance(output, StepStarted) and output.step_id == "rest":
                rest_start_s = output.t_s
        _, _, message = heapq.heappop(inputs)
        if isinstance(message, CueFinished) and message.cue_id == words_id:
            opened_s.append(message.host_ns / 1e9)
        pending = list(pipeline.feed(message))
        outputs += pending
        n_fed += 1
        if any(isinstance(output, StepFinished) and output.step_id == "rest" for output in pending):
            break
    done = next(o for o in outputs if isinstance(o, StepFinished) and o.step_id == "rest")
    from_s = opened_s[0] if opened_s else done.start_s
    breaths = [b for b in simulation.truth.breaths if b.exhale_s >= from_s and b.end_s <= done.end_s]
    usual_s = 60.0 / true_breath(simulation, 0.0, simulation.duration_s)[0]
    return {"ended_by": done.ended_by, "n_true": len(breaths), "n_told": done.done.get("breaths"),
            "planned_s": N_BREATHS * 10.0, "took_s": done.end_s - from_s, "usual_s": usual_s}  # fmt: skip
