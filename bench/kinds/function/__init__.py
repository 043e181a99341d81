"""Any differentiable workload with networks that it only passes through."""
