"""Attacks on token sequences: choosing, building and measuring them."""
