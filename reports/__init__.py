"""Records in; tables, plots and a web page out."""
