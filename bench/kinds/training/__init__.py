"""Adversarial training: optimisation steps with attacks inside, and trainings to the end."""
