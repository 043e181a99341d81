"""`make results`: what README and docs show of the committed records."""
