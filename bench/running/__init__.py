"""The controlling side of a run: workers started and asked, blocks timed, records made. No torch."""
