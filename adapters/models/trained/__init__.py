"""Networks that are trained by a recipe, and kept: what every family of them shares."""
