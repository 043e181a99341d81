"""Attacks on images, as their libraries' users call them."""
