"""Records in; tables, plots and a web page out. Knows nothing of torch and measures nothing."""
