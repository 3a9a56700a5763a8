"""Afterwards: what a session was, as tables, pictures and one page that opens without a network.

`trace` holds what is looked at, `tables` gives DataFrames, `plots` figures that each work alone, `sides` sets the two
hips against each other, `report.review` writes the whole. Only `trace` is imported here: naming the room costs
nothing.
"""

from sensorsoma.review.trace import SessionTrace

__all__ = ["SessionTrace"]
