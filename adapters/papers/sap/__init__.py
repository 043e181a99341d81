"""Stochastic activation pruning (Dhillon et al. 2018), its rivals, and attacks on all of them."""
