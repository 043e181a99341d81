"""`make bench-gpu`: the first minutes on a GPU, in order of worth, under a time limit.

Runs under whatever Python it is given and takes what is installed there as it is.
"""
