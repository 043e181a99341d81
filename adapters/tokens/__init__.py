"""What attacks on token sequences need: language models, prompts, and a reference of ours."""
