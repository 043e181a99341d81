"""`make selfcheck`: this engine against its peers, in one run."""
