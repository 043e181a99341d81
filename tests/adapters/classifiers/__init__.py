"""Classifiers with a recipe."""
