"""Pruning by adversarial saliency."""
