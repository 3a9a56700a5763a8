"""The lower convex hull of the last points, kept as points come and go.

A new point costs a step or two, and so does an old one that falls out: the points that stay on a hull when others
leave are those that were on it, so only the stretch up to the second corner has to be looked at again.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise

Point = tuple[float, float]


class LowerHull:
    """Points in order of their first number, and the corners of the line below all of them.

    >>> hull = LowerHull()
    >>> for point in ((0.0, 1.0), (1.0, 0.0), (2.0, 5.0), (3.0, 0.5)):
    ...     hull.append(point)
    >>> hull.slope_below_middle(), hull.floor(0.25)
    (0.25, -0.25)
    """

    def __init__(self) -> None:
        self._points: deque[Point] = deque()
        self._corners: list[Point] = []

    def __len__(self) -> int:
        return len(self._points)

    @property
    def span(self) -> float:
        """Distance from the first point to the last; 0 with fewer than two."""
        return self._points[-1][0] - self._points[0][0] if self._points else 0.0

    def append(self, point: Point) -> None:
        """Takes a point that lies behind all others."""
        self._points.append(point)
        _add(self._corners, point)

    def forget_before(self, x: float) -> None:
        """Drops the points before `x`; the last one stays whatever its age."""
        while len(self._points) > 1 and self._points[0][0] < x:
            self._points.popleft()
            second = self._corners[1]
            mended: list[Point] = []
            for point in self._points:
                _add(mended, point)
                if point == second:
                    break
            self._corners[:2] = mended

    def slope_below_middle(self) -> float:
        """Slope of the hull's edge below the middle of at least two points."""
        middle = 0.5 * (self._corners[0][0] + self._corners[-1][0])
        return next((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in pairwise(self._corners) if x2 >= middle)

    def floor(self, slope: float) -> float:
        """Height at 0 of the line with this slope that touches the points from below."""
        return min(y - slope * x for x, y in self._corners)


def _add(corners: list[Point], point: Point) -> None:
    x, y = point
    while len(corners) > 1:
        (x1, y1), (x2, y2) = corners[-2], corners[-1]
        if (y2 - y1) * (x - x2) < (y - y2) * (x2 - x1):
            break
        corners.pop()
    corners.append(point)
