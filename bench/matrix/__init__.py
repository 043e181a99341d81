"""One table of many environments: each case with each torch and each version of its library."""
