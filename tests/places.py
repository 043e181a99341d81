"""Where things are: the checkout, the committed records, the tests' own data."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"
MACHINE = RESULTS / "amd-epyc-2-cores"
"""Records of one machine."""
DATA = ROOT / "tests" / "data"
ATTACKS = DATA / "attacks.py"
"""Attacks as users write them."""
