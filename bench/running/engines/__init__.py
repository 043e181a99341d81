"""What brings workers to a place: this machine, a command's, Slurm's steps, Ray's actors.

Each engine is a file; `bench.running.engines.base` has what they have in common.
"""
