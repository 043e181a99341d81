"""Attacks on text: sentences against a victim that classifies them."""
