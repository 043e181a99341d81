"""Language models, prompts, and greedy coordinate gradient."""
