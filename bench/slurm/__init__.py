"""A run as a job array of Slurm: how long it takes, its script, and handing it in. No torch."""
