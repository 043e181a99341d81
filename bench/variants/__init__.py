"""The ways to run a case: a variant is made of parts, a small declaration each.

Their names are composed with `+`, as in "channels-last+compiled+semi-backward". Imported by the
controlling process, so nothing here imports torch before it is asked to shape a model.
"""
