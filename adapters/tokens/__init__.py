"""What attacks on token sequences need: language models, prompts, and greedy coordinate gradient."""
