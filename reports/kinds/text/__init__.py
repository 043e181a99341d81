"""Attacks on text."""
