"""The curve of a clamshell set, as the report draws it."""

from __future__ import annotations

import numpy as np

from sensorsoma.exercises import make_detector
from sensorsoma.exercises.base import Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.messages import OrientedBlock, SegmentCurve


def test_a_file_that_begins_open_is_drawn_from_the_closed_pose() -> None:
    """Zero is where the leg lies closed, also when the first sample is taken at the top of an opening."""
    rate_hz = 52.0
    t_s = np.arange(0.0, 30.0, 1.0 / rate_hz)
    opening = np.radians(30.0 * (1.0 + np.cos(2.0 * np.pi * t_s / 5.0)))
    up = np.stack([np.zeros_like(t_s), np.sin(opening), np.cos(opening)], axis=1)
    block = OrientedBlock("right-thigh", "right-thigh", rate_hz, t_s, up, None, up * 9.81, None)
    detector = make_detector(Stretch("clamshell", "right", "right-thigh", 0.0), Body())
    said = [*detector.feed(block), *detector.finish(float(t_s[-1]))]
    curve = next(one for one in said if isinstance(one, SegmentCurve))
    assert np.nanmin(curve.angle_deg) > -5.0
    assert 50.0 < np.nanmax(curve.angle_deg) < 65.0
