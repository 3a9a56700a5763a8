"""`analyze --fit-sensor`: a second pass without what the still poses show the accelerometer to be wrong by."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sensorsoma.cli.common import note

if TYPE_CHECKING:
    from sensorsoma.analysis import Fits
    from sensorsoma.review.trace import SessionTrace


def fitted(trace: SessionTrace, again: Callable[..., SessionTrace]) -> tuple[SessionTrace, Fits]:
    """The same session measured once more with the fits that its own rests allow; says where there is none."""
    from sensorsoma.analysis import fits_of

    fits = fits_of(trace)
    for source in trace.analysis["input"]["sources"]:
        fit = (source["health"] or {}).get("fit")
        if source["channel"] not in fits:
            why = "there was no still pose" if fit is None else fit["refused"]
            note(f"The {source['channel']} sensor was left as it is: {why}.")
    return (again(fits=fits) if fits else trace), fits


def kept(trace: SessionTrace, fits: Fits) -> None:
    """Writes each fit to the kept sensor that made this recording; says so, or why not."""
    from dataclasses import replace

    from sensorsoma.config import load_config, save_config

    config = load_config()
    sensors = dict(config.sensors)
    for source in trace.settings.sources:
        entry = sensors.get(source.placement)
        if source.channel not in fits:
            continue
        if entry is None or entry.kind != source.kind or entry.address is None or entry.address != source.address:
            note(f"The fit of the {source.channel} sensor is not kept: `sensorsoma setup` has not kept this sensor.")
            continue
        sensors[source.placement] = replace(entry, acc_fit=fits[source.channel])
        path = save_config(replace(config, sensors=sensors))
        note(f"The {source.channel} sensor begins corrected from now on ({path}).")
