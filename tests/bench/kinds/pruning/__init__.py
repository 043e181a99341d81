"""Pruning as a kind of workload."""
