"""Two files of the same kind, and what got worse from one to the other. Pure but for reading.

Imports no torch, and of the program only pure modules, so that `reports` may read what is found.
"""
