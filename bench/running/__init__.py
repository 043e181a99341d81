"""The controlling side of a run: workers asked, blocks timed, records made. No torch."""
