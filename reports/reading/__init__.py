"""What records say, in words and numbers that every table, plot and page shares. Pure."""
