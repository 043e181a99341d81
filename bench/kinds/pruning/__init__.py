"""Pruning by adversarial saliency (Lee et al. 2022), stage by stage."""
