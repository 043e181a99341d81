"""Attacks on token sequences: suffixes that make a causal language model say an answer."""
