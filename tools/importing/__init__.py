"""Which distributions what we do imports, found by doing it, and proved in a fresh environment.

What a distribution declares is more than what it imports: attack libraries name training toolkits
that no attack touches. So each use of ours is tried where only some distributions can be seen.
"""
