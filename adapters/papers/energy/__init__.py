"""Energy attacks on dynamic networks: Pan et al., GradMDM, and what it is held against."""
