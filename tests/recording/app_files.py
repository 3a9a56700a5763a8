"""One known movement as each app would write it: from the formats in `docs/files.md`, not from the readers."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from sensorsoma.errors import InputFileError
from sensorsoma.messages import Floats
from sensorsoma.recording.imports import ImportedFile, read_imported
from sensorsoma.simulate.difficulties import Difficulties
from sensorsoma.simulate.exercise import simulate_exercise
from sensorsoma.units import DEG, NS_PER_S, STANDARD_GRAVITY_MPS2

START_NS = 1_698_501_144_401_773_000
"""The time of the example in Sensor Logger's own README."""
RATE_HZ = 100.0


@dataclass(frozen=True, eq=False)
class Movement:
    """A knee that falls open and rests, as a thigh sensor feels it."""

    t_s: Floats
    acc: Floats
    gyr: Floats

    def head(self, n: int) -> Movement:
        """Its first samples."""
        return Movement(self.t_s[:n], self.acc[:n], self.gyr[:n])


@cache
def knee_fall() -> Movement:
    """Times are whole hundredths of a second, so that milliseconds can hold them; about 20 s."""
    simulation = simulate_exercise(
        "knee_fall", side="right", seed=3, rate_hz=RATE_HZ, difficulties=Difficulties.none(), n_reps=1, rest_s=6.0
    )
    samples = simulation.samples["right-thigh"]
    assert samples.gyr_sensor_radps is not None
    n = 2000
    return Movement(np.arange(n) / RATE_HZ, samples.acc_sensor_mps2[:n], samples.gyr_sensor_radps[:n])


def zipped(files: Mapping[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip with these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def unpacked(files: Mapping[str, str], folder: Path) -> Path:
    """The folder of an unpacked zip."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder


def outcome(path: Path) -> ImportedFile | str:
    """What was read, or the sentence that refused it; any other error comes out."""
    try:
        return read_imported(path)
    except InputFileError as error:
        return str(error)


def is_sound(found: ImportedFile | str) -> bool:
    """Finite samples, or one line."""
    if isinstance(found, str):
        return "\n" not in found
    return bool(np.isfinite(found.t_s).all() and np.isfinite(found.acc_sensor_mps2).all())


# ------------------------------------------------------------------------------------------------ Sensor Logger


def sensor_logger_files(
    move: Movement,
    *,
    platform: str | None = "android",
    is_standardised: bool = False,
    sensors: Sequence[str] = ("Accelerometer", "Gravity", "Gyroscope"),
    is_mirrored: bool | None = None,
    order: Sequence[str] = ("time", "seconds_elapsed", "z", "y", "x"),
    shift_s: Mapping[str, float] | None = None,
) -> dict[str, str]:
    """Member name → CSV. An iPhone that is not standardised turns every acceleration over."""
    mirrored = platform == "ios" and not is_standardised if is_mirrored is None else is_mirrored
    sign = -1.0 if mirrored else 1.0
    gravity = move.acc * (STANDARD_GRAVITY_MPS2 / np.linalg.norm(move.acc, axis=1, keepdims=True))
    in_g = STANDARD_GRAVITY_MPS2 if mirrored else 1.0
    values: dict[str, Floats] = {
        "Accelerometer": sign * (move.acc - gravity),
        "Gravity": sign * gravity,
        "AccelerometerUncalibrated": sign * move.acc / in_g,
        "TotalAcceleration": move.acc,
        "Gyroscope": move.gyr,
        "GyroscopeUncalibrated": move.gyr,
    }
    files = {}
    for sensor in sensors:
        times_ns = START_NS + np.rint((move.t_s + (shift_s or {}).get(sensor, 0.0)) * NS_PER_S).astype(np.int64)
        files[f"{sensor}.csv"] = _sensor_logger_csv(times_ns, values[sensor], order)
    if platform is not None:
        names = (
            "version,device name,recording epoch time,recording time,recording timezone,platform,appVersion,device id,"
            "sensors,sampleRateMs,standardisation,platform version"
        )
        flag = "true" if is_standardised else "false"
        files["Metadata.csv"] = (
            f"{names}\n3,Phone,{START_NS // 10**6},2023-10-28_13-52-24,Europe/Berlin,{platform},1.64,id,"
            f"{'|'.join(sensors)},10,{flag},36"
        )
    return files


def _sensor_logger_csv(times_ns: np.ndarray, values: Floats, order: Sequence[str]) -> str:
    """The app writes every digit; `seconds_elapsed` begins a little before 0."""
    lines = [",".join(order)]
    for time_ns, (x, y, z) in zip(times_ns.tolist(), values.tolist(), strict=True):
        elapsed = (time_ns - START_NS) / NS_PER_S - 0.02
        fields = {"time": time_ns, "seconds_elapsed": elapsed, "x": x, "y": y, "z": z}
        lines.append(",".join(repr(fields[name]) for name in order))
    return "\n".join(lines) + "\n"


def sensor_logger_json(files: Mapping[str, str]) -> str:
    """The JSON export of the same recording: one array, all values strings, sensors one after the other."""
    items = []
    for name, text in files.items():
        header, *rows = text.strip().split("\n")
        for row in rows:
            pairs = dict(zip(header.split(","), row.split(","), strict=True))
            items.append({"sensor": name.removesuffix(".csv"), **pairs})
    return json.dumps(items, indent=1)


def upright_orientation(move: Movement) -> str:
    """`Orientation.csv`: the shortest turn that brings what is up in the phone to the world's z."""
    up = move.acc / np.linalg.norm(move.acc, axis=1, keepdims=True)
    quat = np.column_stack([1.0 + up[:, 2], up[:, 1], -up[:, 0], np.zeros(len(up))])
    quat /= np.linalg.norm(quat, axis=1, keepdims=True)
    lines = ["time,seconds_elapsed,qz,qy,qx,qw,roll,pitch,yaw"]
    for t_s, (w, x, y, z) in zip(move.t_s.tolist(), quat.tolist(), strict=True):
        lines.append(f"{START_NS + round(t_s * NS_PER_S)},{t_s},{z!r},{y!r},{x!r},{w!r},0,0,0")
    return "\n".join(lines) + "\n"


# ------------------------------------------------------------------------------------------------------ phyphox


def java_number(value: float, point: str = ".") -> str:
    """As Java's DecimalFormat("0.000000000E0") writes it: 1.234567890E0."""
    mantissa, exponent = f"{value:.9e}".split("e")
    return f"{mantissa}E{int(exponent)}".replace(".", point)


def phyphox_csv(
    t_s: Floats, columns: Mapping[str, Floats], delimiter: str = ",", point: str = ".", n_missing: int = 0
) -> str:
    """One set; the last `n_missing` rows of the last column were not there yet and are NaN."""
    lines = [delimiter.join(f'"{name}"' for name in ("Time (s)", *columns))]
    last = len(columns)
    for index, row in enumerate(np.column_stack([t_s, *columns.values()]).tolist()):
        fields = [java_number(value, point) for value in row]
        if index >= len(t_s) - n_missing:
            fields[last] = "NaN"
        lines.append(delimiter.join(fields))
    return "\n".join(lines) + "\n"


def phyphox_files(move: Movement, delimiter: str = ",", point: str = ".", n_missing: int = 0) -> dict[str, str]:
    """The members of an export of a simple experiment with accelerometer, gyroscope and both kinds of acceleration."""
    acc, gyr = move.acc.T, move.gyr.T
    linear = (move.acc - move.acc.mean(axis=0)).T
    sets = {
        "Accelerometer": {f"Acceleration {axis} (m/s^2)": acc[k] for k, axis in enumerate("xyz")},
        "Gyroscope": {f"Gyroscope {axis} (rad/s)": gyr[k] for k, axis in enumerate("xyz")},
        "Linear Accelerometer": {f"Linear Acceleration {axis} (m/s^2)": linear[k] for k, axis in enumerate("xyz")},
    }
    files = {f"{name}.csv": phyphox_csv(move.t_s, sets[name], delimiter, point, n_missing) for name in sets}
    files["meta/device.csv"] = f'"property"{delimiter}"value"\n"version"{delimiter}"1.2.0"\n'
    files["meta/time.csv"] = phyphox_times([("START", 0.0, START_NS / NS_PER_S)], delimiter, point)
    return files


def phyphox_times(events: Sequence[tuple[str, float, float]], delimiter: str = ",", point: str = ".") -> str:
    """`meta/time.csv`."""
    names = ("event", "experiment time", "system time", "system time text")
    lines = [delimiter.join(f'"{name}"' for name in names)]
    for event, experiment_s, system_s in events:
        system = f"{system_s:.3f}".replace(".", point)
        lines.append(delimiter.join([f'"{event}"', java_number(experiment_s, point), system, '"2023-10-28 13:52:24"']))
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------------------------------------------- Movesense


def movesense_imu(move: Movement, begin_ms: int = 172_460, point: str = ".") -> str:
    """The Android app's IMU page: a header for nine values, rows with six."""
    lines = ["Timestamp,AccX,AccY,AccZ,GyroX,GyroY,GyroZ,MagnX,MagnY,MagnZ"]
    for t_s, values in zip(move.t_s.tolist(), np.hstack([move.acc, move.gyr / DEG]).tolist(), strict=True):
        time_ms = (begin_ms + round(t_s * 1000)) % 2**32
        lines.append(",".join([str(time_ms), *(f"{value:.6f}".replace(".", point) for value in values)]))
    return "\n".join(lines) + "\n"


def movesense_android(times_s: Floats, values: Floats, unit: str, point: str = ".") -> str:
    """The Android app's pages for one sensor: a comma and a space at the end of every row."""
    lines = [f"Timestamp (ms),X: ({unit}),Y: ({unit}),Z: ({unit})"]
    for t_s, row in zip(times_s.tolist(), values.tolist(), strict=True):
        fields = [str(172_460 + round(t_s * 1000)), *(f"{value:.6f}".replace(".", point) for value in row)]
        lines.append(",".join(fields) + ", ")
    return "\n".join(lines) + "\n"


def movesense_ios(times_s: Floats, values: Floats, per_packet: int = 4) -> str:
    """The iOS app: the time of a packet in its first row alone, values as short as a 32-bit float can be."""
    lines = ["timestamp,x,y,z"]
    for index, (t_s, row) in enumerate(zip(times_s.tolist(), values.tolist(), strict=True)):
        stamp = "" if index % per_packet else str(599_025_762 + round(t_s * 1000))
        lines.append(",".join([stamp, *(str(np.float32(value)) for value in row)]))
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------------------------------------------------- DOT

DOT_PREAMBLE = """sep=,
DeviceTag:,thigh
FirmwareVersion:,2.0.0
AppVersion:,2021.0
SyncStatus:,Synced
OutputRate:,60Hz
FilterProfile:,General
Measurement Mode:,Custom modes - custom mode5
StartTime: ,2021-08-20_20:21:13_829 GMT+8
© Xsens Technologies B. V. 2005-2021

"""


def dot_csv(t_s: Floats, columns: Mapping[str, Floats], begin_us: int = 2_974_023_062) -> str:
    """An export; `columns` maps `Acc` and the like to `(n, 3)`, `Quat` to `(n, 4)`."""
    letters = {"Quat": "WXYZ"}
    names = [f"{name}_{letter}" for name in columns for letter in letters.get(name, "XYZ")]
    lines = [",".join(["PacketCounter", "SampleTimeFine", *names])]
    for index, row in enumerate(np.hstack(list(columns.values())).tolist()):
        stamp = (begin_us + round(float(t_s[index]) * 1e6)) % 2**32
        lines.append(",".join([str(index), str(stamp), *(f"{value:.14f}" for value in row)]))
    return DOT_PREAMBLE + "\n".join(lines) + "\n"


# -------------------------------------------------------------------------------------------------- Motion-BIDS


def motion_bids_files(
    move: Movement,
    *,
    before: str = "sub-01_task-kneefall_tracksys-imu",
    units: tuple[str, str] = ("m/s^2", "rad/s"),
    has_latency: bool = True,
    points: Sequence[str] = ("RightThigh",),
    meta: str = '{"SamplingFrequency": 60, "SamplingFrequencyEffective": 100.0}',
) -> dict[str, str]:
    """Member name -> content: samples without a header, their channels, their metadata."""
    channels = ["name\tcomponent\ttype\ttracked_point\tunits"]
    columns = []
    for point in points:
        for kind, unit, values in (("ACCEL", units[0], move.acc), ("GYRO", units[1], move.gyr)):
            channels += [f"{point}_{kind}_{axis}\t{axis}\t{kind}\t{point}\t{unit}" for axis in "xyz"]
            columns.append(values)
    if has_latency:
        channels.append("latency\tn/a\tLATENCY\tn/a\ts")
        columns.append(move.t_s[:, np.newaxis])
    rows = ["\t".join(f"{value:.9f}" for value in row) for row in np.hstack(columns)]
    return {
        f"{before}_motion.tsv": "\n".join(rows) + "\n",
        f"{before}_channels.tsv": "\n".join(channels) + "\n",
        f"{before}_motion.json": meta,
    }
