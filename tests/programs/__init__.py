"""Ways to write an attack, each a small program: what an instrument may not change.

A program is called with a model and images, (batch, 3, 8, 8), and returns a tensor; it runs from
torch's seed 0. Its name is what is special about it.
"""

from tests.programs import calling, compiling
from tests.programs.base import GRADIENT, QUERIES, Program, images, network

__all__ = ["GRADIENT", "QUERIES", "Program", "calling", "compiling", "images", "network"]
