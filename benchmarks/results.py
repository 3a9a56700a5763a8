"""`RESULTS.md` from the figures that the benchmarks left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from accuracy_simulated import TARGETS as ACCURACY
from accuracy_simulated import against_targets
from bench_decoders import TARGETS as SENSORS
from bench_decoders import is_as_meant, is_met
from bench_help import TARGETS as COSTS
from bench_live_link import TARGETS as LINK

HEAD = """# Results

Written by `python benchmarks/run_all.py`; do not edit by hand. Simulated people, simulated links: what holds for them
need not hold for a body in a bed; the real people of MEx are in their own section. "Plain" is what a simple method
gives on the same files in the same run (`benchmarks/baselines.py`: with its best settings chosen on these very files).
Times depend on the machine and on what else it did: compare ratios.
"""


def write_results(kept: Path, path: Path) -> None:
    """The page, from the JSON files in `kept`; sections without figures say so."""
    figures = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(kept.glob("*.json"))}
    sections = {
        "accuracy_simulated": ("Simulated people, every difficulty on", _simulated),
        "accuracy_practices": ("Simulated people: falls, hips, leg back, rocking", _rows),
        "accuracy_found": ("Simulated practices, without being told what was done", _rows),
        "accuracy_breath": ("Simulated people: breath", _rows),
        "accuracy_sensor_fit": ("Simulated people: accelerometer fitted from the session's own rests", _rows),
        "mex_counts": ("Real people: MEx, all three movements", _rows),
        "accuracy_taps": ("Double taps on the sensor", _rows),
        "bedside_practices": ("Whole practices at the bedside, over the virtual link", _rows),
        "bench_page": ("The live page in a real browser", _rows),
        "bench_speech": ("From the event to the start of speech", _rows),
        "mex_shaking": ("Shaking put into real people's movement", _rows),
        "broad_inclination": ("Inclination beside an optical reference (BROAD)", _rows),
        "mex_live": ("Real people: MEx clam files, from the file and live", _mex),
        "bench_live_link": ("Three sensors on the virtual link", _link),
        "bench_decoders": ("Sensors and phones", _decoders),
        "bench_help": ("Starting and computing", _help),
        "bench_recording": ("Recording", lambda _: iter(())),
    }
    text = [HEAD]
    for name, (title, table) in sections.items():
        text.append(f"## {title}\n")
        if name not in figures:
            text.append(f"Not measured yet: `python benchmarks/{name}.py`.\n")
            continue
        text += [*_where(name, figures[name]), *table(figures[name]), "", *_said(figures[name])]
    path.write_text("\n".join(text).rstrip() + "\n", encoding="utf-8")


def _where(name: str, figures: dict[str, Any]) -> Iterator[str]:
    if "date" in figures:
        versions = ", ".join(f"{key} {value}" for key, value in figures["versions"].items())
        where = f"{figures['cores']} cores, {figures['machine']}, Python {figures['python']}"
        yield f"{figures['date']}, {where}; {versions}."
    yield f"`python benchmarks/{name}.py`, {figures['took_s']} s, load average {figures['load']}.\n"


def _said(figures: dict[str, Any]) -> Iterator[str]:
    yield "<details><summary>All lines</summary>\n\n```"
    yield from (line.rstrip() for line in figures["lines"])
    yield "```\n</details>\n"


def _verdict(is_met: bool) -> str:
    return "" if is_met else "**falls short**"


def _row(*cells: Any) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _header(*cells: str) -> Iterator[str]:
    yield _row(*cells)
    yield "|" + "---|" * len(cells)


def _rows(figures: dict[str, Any]) -> Iterator[str]:
    """The table of a benchmark that brings its own rows (`figures.row`)."""
    yield f"{figures['said']}\n"
    yield from _header("what", "measured", "target", "plain", "")
    for row in figures["rows"]:
        target, plain = row["target"] or "-", row["plain"] or "-"
        yield _row(row["what"], row["measured"], target, plain, _verdict(row["is_met"]))


def _simulated(figures: dict[str, Any]) -> Iterator[str]:
    yield f"{figures['files']} people a row, seeds from {figures['first_seed']}, 52, 104 and 208 Hz in turn.\n"
    yield from _header("sensor", "what", "measured", "target", "plain", "")
    for kind in ACCURACY:
        for name, value, target, met, plain in against_targets(kind, figures[kind]):
            sign = "<=" if "RMSE" in name else ">="
            verdict = _verdict(met)
            yield _row(kind, name, _text(name, value), f"{sign} {_text(name, target)}", _text(name, plain), verdict)
        whole, fall = figures[kind]["clamshell"]["whole_reps_exact"], figures[kind]["knee_fall"]
        yield _row(kind, "whole clamshells exact, the partial one told apart", _text("", whole), "-", "-", "")
        if kind == "with gyroscope":
            arc = [_text("RMSE", fall[name]["arc_rmse"]) for name in ("arrival_deg", "final_deg", "sink_deg")]
            yield _row(kind, "arrival, final, sink by the plain arc at the true moments", "-", "-", ", ".join(arc), "")
        ten = figures[kind]["clamshell_10_deg"]
        seen = f"{ten['whole_reps_seen']} of {ten['whole_reps']}"
        yield _row(
            kind,
            "10 deg clamshells counted",
            seen,
            "all",
            "-",
            _verdict(ten["whole_reps_seen"] == ten["whole_reps"]),
        )
        for row, words in (("drawn", "frequency within 0.5 Hz where found"), ("strong", "same at 0.1 deg")):
            near = figures[kind]["shaking"][row]["within_half_hz"]
            yield _row(kind, words, _text("", near), "-", "-", "")


def _text(name: str, value: float | None) -> str:
    if value is None or value != value:
        return "-"
    return f"{value:.2f} deg" if "RMSE" in name else f"{100 * value:.1f} %"


def _mex(figures: dict[str, Any]) -> Iterator[str]:
    yield "MEx data set (Wijekoon, Wiratunga and Cooper 2019, UCI Machine Learning Repository, CC BY 4.0), "
    yield f"{figures['files']} files, streamed {figures['speed']:g} times as fast as life.\n"
    yield from _header("what", "measured", "target", "plain", "")
    equal = figures["live_equals_file"]
    yield _row(
        "live count is the file's count",
        f"{equal} of {figures['files']}",
        "all",
        "-",
        _verdict(equal == figures["files"]),
    )
    if "exact" in figures:
        n = figures["top_files"]
        for words, key in (("exact, from the file", "exact"), ("exact, live", "live_exact")):
            met = figures[key] >= 0.8 * n
            yield _row(
                words,
                f"{figures[key]} of {n}",
                "8 of 10",
                f"{figures['plain_exact']} of {n}",
                _verdict(met),
            )
        yield _row("F1 of the times of reps", figures["f1"], "-", figures["plain_f1"], "")
        resting = f"{figures['resting_false']} in {figures['resting_files']} files"
        yield _row("false reps on resting legs", resting, "-", figures["resting_plain_false"], "")
    yield _row(
        "outputs in which a replay differs from live",
        figures["replay_differences"],
        0,
        "-",
        _verdict(not figures["replay_differences"]),
    )


def _link(figures: dict[str, Any]) -> Iterator[str]:
    yield f"{figures['n_sensors']} sensors at 104 Hz, {figures['seconds']} s, simulated link of 15 ms.\n"
    yield from _header("what", "measured", "target", "")
    values = {
        "lost": ("samples lost", figures["lost"]),
        "p99_ms": ("p99 from notification to event, beyond the filters' delay (ms)",
                   max(figures["latency_ms"]["p99"], figures["event_latency_ms"].get("p99", 0.0))),
        "client_cpu_percent": ("client, share of one core (%)", figures["client_cpu_percent"]),
    }  # fmt: skip
    for name, (words, value) in values.items():
        yield _row(words, value, f"<= {LINK[name]}", _verdict(value <= LINK[name]))


def _decoders(figures: dict[str, Any]) -> Iterator[str]:
    yield f"Decoding {figures['minutes']:g} min of packets, CPU time, the second half timed. Over plain: beside the"
    yield "plainest numpy, struct or `json.loads` on the same packets, which knows no clock, loss or check.\n"
    yield from _header("stream", "us a packet", "us a sample", "% of a core", "x real time", "over plain",
                       "holds, kB", "")  # fmt: skip
    for title, row in figures["decoding"].items():
        core = f"{row['core_percent']} at {row['rate_hz']:g} Hz"
        times, plain = row["times_real_time"], f"{row['over_plain']} ({row['plain_us_per_packet']} us)"
        verdict = "" if is_as_meant(row) else "**not whole**"
        yield _row(title, row["us_per_packet"], row["us_per_sample"], core, times, plain, row["kb"], verdict)
    for name in figures["not_measured"]:
        yield _row(name, *6 * ("-",), "**not measured**")
    yield ""
    yield "One still virtual sensor at a time through the real client, decoding alone:"
    yield f"{figures['seconds']:g} s of a simulated link of {figures['interval_ms']} ms."
    yield f"Targets: {SENSORS['lost']} samples lost, p99 at most {SENSORS['p99_ms']:g} ms.\n"
    yield from _header("sensor, simulated", "sent", "received", "lost", "notifications", "to samples, p50 (ms)",
                       "p99 (ms)", "client, % of a core", "")  # fmt: skip
    for kind, row in figures["link"].items():
        took_ms = row["decoded_ms"]
        yield _row(kind, row["sent"], row["received"], row["lost"], row["notifications"], took_ms["p50"],
                   took_ms["p99"], row["client_cpu_percent"], _verdict(is_met(row)))  # fmt: skip


def _help(figures: dict[str, Any]) -> Iterator[str]:
    flat = {**figures["start_up"], **figures["whole_process"], **figures["line"]}
    words = {
        "help_beyond_python_s": "`--help` beyond bare Python (s, wall)",
        "analyze_over_vqf": f"`analyze`, {figures['minutes']:g} min x 3 sensors, over reading and VQF alone",
        "line_4096_over_vqf": "the pipeline in rows of 4096 over VQF alone (CPU)",
        "live_208_over_vqf": "the pipeline live, 3 x 208 Hz, 8 samples a packet, over VQF batch (CPU)",
    }
    yield from _header("what", "measured", "goal", "")
    for name, text in words.items():
        yield _row(text, flat[name], f"<= {COSTS[name]}", _verdict(flat[name] <= COSTS[name]))
    yield _row("`--help` beyond bare Python (s, CPU)", flat["help_beyond_python_cpu_s"], "-", "")
    yield _row("the same pipeline live, share of one core (%)", flat["live_208_core_percent"], "<= 5", "")
    yield _row("peak memory of `analyze` (MB); VQF alone", f"{flat['analyze_peak_mb']}; {flat['vqf_peak_mb']}", "-", "")
