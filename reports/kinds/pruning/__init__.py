"""What reports say of pruning."""
