"""A person on a bed, simulated exactly: samples of worn sensors with the truth beside them."""

from sensorsoma.simulate.difficulties import Difficulties
from sensorsoma.simulate.exercise import Simulation, default_placements, simulate_exercise
from sensorsoma.simulate.sensor import Samples
from sensorsoma.simulate.truth import Truth

__all__ = ["Difficulties", "Samples", "Simulation", "Truth", "default_placements", "simulate_exercise"]
