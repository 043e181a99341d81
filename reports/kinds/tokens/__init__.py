"""Attacks on token sequences."""
