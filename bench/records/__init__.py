"""What is written down and read again: types, files, older formats, digests. No torch."""
