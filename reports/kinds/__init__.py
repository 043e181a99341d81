"""What reports say of each kind of workload: its words, tables, columns and plots."""
