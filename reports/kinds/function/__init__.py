"""What reports say of workloads with networks that are only passed through."""
