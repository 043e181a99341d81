"""Kinds of workload, a folder each; `base` is what a kind says, `registry` which there are."""
