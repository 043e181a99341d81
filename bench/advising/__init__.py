"""Which way to run one attack is the fastest: a ladder of variants, climbed within a budget.

Each rung adds a part to what has gained so far. What is measured is `bench.running`'s business:
nothing here starts a process, prints, or imports torch.
"""
