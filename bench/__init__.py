"""Measuring: what to run, how to time it, and what is recorded."""

__version__ = "0.1.0"
