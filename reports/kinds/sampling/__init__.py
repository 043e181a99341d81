"""Attacks by Monte-Carlo gradients."""
