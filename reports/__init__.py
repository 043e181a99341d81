"""Records in, tables out. Knows nothing of torch and measures nothing."""
