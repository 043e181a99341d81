"""Attacks by Monte-Carlo gradients on networks that draw at random."""
