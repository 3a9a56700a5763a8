"""A person on a bed, simulated exactly: samples of worn sensors with the truth beside them."""

from sensorsoma.simulate.difficulties import Difficulties
from sensorsoma.simulate.exercise import Simulation, default_placements, simulate_exercise
from sensorsoma.simulate.live_person import LivePerson
from sensorsoma.simulate.sensor import Samples
from sensorsoma.simulate.temperament import TEMPERAMENTS, Temperament
from sensorsoma.simulate.truth import Truth

__all__ = [
    "TEMPERAMENTS",
    "Difficulties",
    "LivePerson",
    "Samples",
    "Simulation",
    "Temperament",
    "Truth",
    "default_placements",
    "simulate_exercise",
]
