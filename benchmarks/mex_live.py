"""Clamshells of real people: counted from the file, and counted live over the virtual link; against counts by eye.

    python benchmarks/mex_live.py [FOLDER] [--annotations TSV] [--speed 5] [--json FILE] [--quick]

FOLDER (or the environment variable SENSORSOMA_MEX) holds thigh accelerometer files in the layout of the download
(`SUBJECT/04_act_RUN.csv`; MEx: Multi-modal Exercise Dataset, Wijekoon, Wiratunga and Cooper 2019, UCI Machine Learning
Repository, CC BY 4.0). The table (default: `annotations.tsv` beside FOLDER) has the columns `subject file exercise leg
reps_low reps_high scored peak_times_s`; without one, all clam files are run and only live and file are compared.

Each file goes through `sensorsoma analyze`, and through `sensorsoma record right-thigh=virtual:FILE`: a virtual sensor
in a process of its own that plays it, the Bluetooth client, the recorder and the pipeline. The live count is the one in
the recording. `plain` is a tuned `scipy.signal.find_peaks` on the low-passed acceleration angle.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from figures import add_json, progress, tell
from mex_counts import baseline, matches

from sensorsoma.analysis import differences_from_live
from sensorsoma.decode.soma_v1_frame import decode_frame
from sensorsoma.messages import Gap, Packet, RepCompleted, SegmentMeasured, StreamInterrupted
from sensorsoma.recording.imports import read_imported
from sensorsoma.recording.reader import open_recording

COMMAND = [sys.executable, "-m", "sensorsoma"]
ASKED = ["--exercise", "clamshell", "--side", "right"]


def from_file(path: Path) -> dict[str, Any]:
    """The clamshell segment of `analyze --json`."""
    done = subprocess.run([*COMMAND, "analyze", str(path), *ASKED, "--placement", "right-thigh", "--json"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    return next(s for s in json.loads(done.stdout)["segments"] if s["exercise"] == "clamshell")


def live(path: Path, speed: float) -> dict[str, Any]:
    """What was counted while it was streamed, from the recording's own outputs."""
    with tempfile.TemporaryDirectory() as folder:
        spec = f"right-thigh=virtual:{path}"
        done = subprocess.run([*COMMAND, "record", spec, *ASKED, "--speed", str(speed), "--out", folder],
                              capture_output=True, text=True)  # fmt: skip
        recordings = list(Path(folder).glob("*.mcap"))
        if done.returncode or not recordings:
            return {"count": None, "error": done.stderr.strip().splitlines()[-1:]}
        recording = open_recording(recordings[0])
        inputs, outputs = list(recording.inputs()), list(recording.outputs())
        measured = next(output for output in outputs if isinstance(output, SegmentMeasured))
        return {
            "count": measured.measures["count"],
            "said": sum(isinstance(output, RepCompleted) for output in outputs),
            "gaps": sum(isinstance(output, Gap) for output in outputs),
            "samples": sum(
                decode_frame(message.payload).n_samples for message in inputs if isinstance(message, Packet)
            ),
            "interrupted": sum(isinstance(message, StreamInterrupted) for message in inputs),
            "replay_differences": len(differences_from_live(recordings[0])),
        }


def files_of(folder: Path, annotations: Path | None) -> list[dict[str, Any]]:
    """Which files, with what is known of each."""
    if annotations is None:
        return [
            {"path": path, "name": f"{path.parent.name}/{path.name}", "leg": None}
            for path in sorted(folder.glob("*/04_act_*.csv"))
        ]
    with annotations.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["exercise"] == "clamshell"]
    return [
        {
            "path": folder / row["subject"] / row["file"], "name": f"{row['subject']}/{row['file']}", "leg": row["leg"],
            "low": int(row["reps_low"]), "high": int(row["reps_high"]),
            "tops_s": [float(time) for time in row["peak_times_s"].split()],
        }
        for row in rows
        if row["scored"] == "yes"
    ]  # fmt: skip


def run(folder: Path, annotations: Path | None, speed: float, at_most: int | None) -> dict[str, Any]:
    """All figures."""
    rows = []
    files = files_of(folder, annotations)[:at_most]
    for number, file in enumerate(files):
        progress(f"MEx clam files: {number + 1} of {len(files)}")
        segment, streamed = from_file(file["path"]), live(file["path"], speed)
        imported = read_imported(file["path"], acc_unit="g")
        plain = baseline(imported.t_s, imported.acc_sensor_mps2, imported.rate_hz, is_tilt=False)
        tops = [rep["peak_s"] for rep in segment["reps"]]
        row = {key: value for key, value in file.items() if key not in ("path", "tops_s")}
        row |= {"count": segment["count"], "samples": len(imported.t_s), "live": streamed, "plain": len(plain)}
        if "tops_s" in file:
            row |= {"matched": matches(tops, file["tops_s"]), "true": len(file["tops_s"]), "found": len(tops)}
            row["plain_matched"] = matches(plain, file["tops_s"])
        rows.append(row)
    progress("")
    return {"benchmark": "mex_live", "speed": speed, "link": "simulated", "rows": rows, **summary(rows)}


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The few numbers that matter."""
    figures: dict[str, Any] = {
        "files": len(rows),
        "live_equals_file": sum(row["live"]["count"] == row["count"] for row in rows),
        "replay_differences": sum(row["live"].get("replay_differences", 0) for row in rows),
    }
    top = [row for row in rows if row["leg"] == "top"]
    if top:
        for name, key in (("exact", "count"), ("plain_exact", "plain")):
            figures[name] = sum(row["low"] <= (row[key] or 0) <= row["high"] for row in top)
        figures["live_exact"] = sum(row["low"] <= (row["live"]["count"] or 0) <= row["high"] for row in top)
        figures["top_files"] = len(top)
        true = sum(row["true"] for row in top)
        figures["f1"] = round(2 * sum(row["matched"] for row in top) / (sum(row["found"] for row in top) + true), 4)
        plain = sum(row["plain"] for row in top)
        figures["plain_f1"] = round(2 * sum(row["plain_matched"] for row in top) / (plain + true), 4)
    resting = [row for row in rows if row["leg"] == "bottom"]
    figures["resting_files"] = len(resting)
    figures["resting_false"] = sum((row["count"] or 0) + (row["live"]["count"] or 0) for row in resting)
    figures["resting_plain_false"] = sum(row["plain"] for row in resting)
    return figures


def lines(figures: dict[str, Any]) -> Iterator[str]:
    """The readable form."""
    for row in figures["rows"]:
        eye = f"by eye {row['low']}-{row['high']}, " if "low" in row else ""
        yield f"  {row['name']} {row['leg'] or ''}: {eye}file {row['count']}, live {row['live']}, plain {row['plain']}"
    equal = f"{figures['live_equals_file']} of {figures['files']}"
    yield f"live equals file in {equal}; outputs in which a replay differs: {figures['replay_differences']}"
    if "exact" in figures:
        exact, plain = f"{figures['exact']} of {figures['top_files']}", figures["plain_exact"]
        yield f"exact {exact} (live {figures['live_exact']}; plain {plain})"
        yield f"F1 of times {figures['f1']:.3f} (plain {figures['plain_f1']:.3f})"
        resting, plain = f"{figures['resting_false']} in {figures['resting_files']}", figures["resting_plain_false"]
        yield f"false reps on resting legs, file and live: {resting} files (plain {plain})"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=os.environ.get("SENSORSOMA_MEX"))
    parser.add_argument("--annotations", type=Path, default=None)
    parser.add_argument("--speed", type=float, default=5.0)
    parser.add_argument("--quick", action="store_true", help="the first four files")
    add_json(parser)
    options = parser.parse_args()
    if options.folder is None or not Path(options.folder).is_dir():
        parser.error("expected the folder of MEx thigh files as argument or in SENSORSOMA_MEX, found none")
    folder = Path(options.folder)
    annotations = options.annotations or folder.parent / "annotations.tsv"
    figures = run(folder, annotations if annotations.is_file() else None, options.speed, 4 if options.quick else None)
    tell(figures, lines(figures), options.json)


if __name__ == "__main__":
    main()
