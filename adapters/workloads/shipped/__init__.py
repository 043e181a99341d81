"""Workloads of the suite `beyond`: real parts of libraries, with networks they only pass through.

Each module has a `setup` as `--workload FILE.py:setup` takes it. Weights are random, from a
configuration and a seed; nothing is downloaded. What is declared of them imports no torch.
"""
