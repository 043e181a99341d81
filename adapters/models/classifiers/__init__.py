"""Classifiers that are trained by a recipe, and execute everything for every image."""
