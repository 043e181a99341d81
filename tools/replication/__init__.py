"""`make replicate`: the main job again and again, and how far its answers agree."""
