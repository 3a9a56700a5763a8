"""A person on a bed, simulated exactly: samples of worn sensors with the truth beside them."""

from sensorsoma.simulate.breath import BreathStyle
from sensorsoma.simulate.difficulties import Difficulties
from sensorsoma.simulate.exercise import Simulation, default_placements, simulate_exercise
from sensorsoma.simulate.files import write_csv
from sensorsoma.simulate.live_person import LivePerson
from sensorsoma.simulate.practice import PRACTICES, simulate_practice
from sensorsoma.simulate.sensor import Samples
from sensorsoma.simulate.stream import encode_float_rows, encode_soma_v1, packets
from sensorsoma.simulate.temperament import TEMPERAMENTS, Temperament
from sensorsoma.simulate.truth import Truth

__all__ = [
    "PRACTICES",
    "TEMPERAMENTS",
    "BreathStyle",
    "Difficulties",
    "LivePerson",
    "Samples",
    "Simulation",
    "Temperament",
    "Truth",
    "default_placements",
    "encode_float_rows",
    "encode_soma_v1",
    "packets",
    "simulate_exercise",
    "simulate_practice",
    "write_csv",
]
