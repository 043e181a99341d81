"""Kinds of workload, a folder each: `base` is what a kind says, `registry` knows which there are."""
