"""The circle that gravity traces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sensorsoma.dsp.arc import angle_about, fit_arc_axis, two_pose_axis
from sensorsoma.messages import Floats


def circle(arc_deg: float, off_level_deg: float, n: int = 400) -> tuple[Floats, Floats, Floats]:
    """Gravity in a segment turning by `arc_deg` about an axis off level: up `(n, 3)`, axis, true angle."""
    axis = np.array([np.cos(np.deg2rad(off_level_deg)), 0.0, np.sin(np.deg2rad(off_level_deg))])
    angle = np.deg2rad(np.linspace(0.0, arc_deg, n))
    first = Rotation.from_rotvec(axis * np.deg2rad(30.0)).apply([0.0, 0.0, 1.0])
    return Rotation.from_rotvec(axis * angle[:, None]).apply(first), axis, angle


@given(
    off=st.floats(0.0, 20.0),
    arc=st.floats(40.0, 90.0),
    mounting=st.integers(0, 50),
    back_and_forth=st.booleans(),
)
def test_a_large_arc_is_read_at_its_true_size_with_the_axis_off_level(
    off: float, arc: float, mounting: int, back_and_forth: bool
) -> None:
    """For any mounting and axes up to 20 degrees off level, large arcs read true within 1 degree."""
    up, axis, angle = circle(arc, off)
    if back_and_forth:
        up, angle = np.concatenate([up, up[::-1]]), np.concatenate([angle, angle[::-1]])
    mount = Rotation.random(random_state=mounting)
    rng = np.random.default_rng(mounting)
    noisy = mount.apply(up) + rng.normal(scale=np.deg2rad(0.5), size=up.shape)
    noisy /= np.linalg.norm(noisy, axis=1, keepdims=True)
    fit = fit_arc_axis(noisy)
    read = angle_about(fit.axis, mount.apply(up[0]), mount.apply(up))
    assert np.rad2deg(np.abs(read - angle).max()) < 1.0
    assert np.rad2deg(np.arccos(min(1.0, fit.axis @ mount.apply(axis)))) < 12.0
    assert np.rad2deg(fit.residual_rad) < 1.0


@pytest.mark.parametrize("arc_deg", [6.0, 10.0, 15.0, 20.0])
def test_a_short_arc_does_not_fall_into_the_radial_trap(arc_deg: float) -> None:
    """Arcs whose bulge drowns in noise still read within 10 percent and 0.6 degrees."""
    rng = np.random.default_rng(3)
    for off in (0.0, 10.0, 20.0):
        up, _, angle = circle(arc_deg, off)
        noisy = up + rng.normal(scale=np.deg2rad(0.9), size=up.shape)
        noisy /= np.linalg.norm(noisy, axis=1, keepdims=True)
        read = angle_about(fit_arc_axis(noisy).axis, up[0], up)
        assert abs(np.rad2deg(read[-1] - angle[-1])) < 0.6 + 0.1 * arc_deg


def test_a_knock_is_left_out() -> None:
    """A few directions far off the circle do not turn the axis by more than a degree."""
    up, axis, _ = circle(60.0, 12.0)
    knocked = up.copy()
    knocked[200:206] = [0.9, 0.1, 0.42]
    assert np.rad2deg(np.arccos(fit_arc_axis(knocked).axis @ axis)) < 1.0


def test_leaving_the_start_is_positive() -> None:
    """The sign of the axis makes the farthest point from the first one positive, in either direction of turning."""
    up, axis, _ = circle(50.0, 5.0)
    assert fit_arc_axis(up).axis @ axis > 0.99
    assert fit_arc_axis(up[::-1]).axis @ axis < -0.99
    assert fit_arc_axis(up).arc_rad == pytest.approx(np.deg2rad(50.0), abs=1e-3)


def test_two_poses_give_the_axis_of_the_shortest_turn() -> None:
    """From z-up to minus-y-up the axis is x."""
    axis = two_pose_axis(np.array([0.0, 0.0, 1.0]), np.array([0.0, -1.0, 0.0]))
    assert np.allclose(axis, [1.0, 0.0, 0.0])


def test_too_little_is_refused_and_holes_are_left_out() -> None:
    """Fewer than three finite directions, or a wrong shape, raise; NaN rows are ignored."""
    up, _, _ = circle(40.0, 0.0)
    holes = up.copy()
    holes[10:20] = np.nan
    assert fit_arc_axis(holes).axis @ fit_arc_axis(up).axis > 0.9999
    with pytest.raises(ValueError, match="at least 3"):
        fit_arc_axis(up[:2])
    with pytest.raises(ValueError, match="shape"):
        fit_arc_axis(np.ones((4, 2)))


def test_a_direction_that_does_not_move_gives_some_axis_and_no_arc() -> None:
    """A sensor at perfect rest, along its own axis or not, gives a unit axis and an arc of zero, never NaN."""
    for still in ([0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.6, 0.0, 0.8]):
        fit = fit_arc_axis(np.tile(still, (50, 1)))
        assert np.linalg.norm(fit.axis) == pytest.approx(1.0)
        assert fit.arc_rad == pytest.approx(0.0, abs=1e-9)
