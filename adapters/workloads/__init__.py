"""Any differentiable workload with networks that it only passes through: a user's, and ours."""
