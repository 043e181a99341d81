"""Dynamic networks: what they execute depends on the image."""
