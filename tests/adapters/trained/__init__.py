"""Networks that are trained by a recipe, and kept."""
