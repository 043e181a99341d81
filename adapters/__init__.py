"""What is measured: attack libraries, methods from papers, models and images.

Imports nothing from `bench` or `reports`, and nothing heavy until it is asked for.
"""
