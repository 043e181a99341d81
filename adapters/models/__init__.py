"""What is attacked: timm's models, by name."""
