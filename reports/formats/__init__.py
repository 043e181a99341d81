"""Tables as Markdown, LaTeX, CSV, JSON, one web page, and text for bug reports and CI."""
