"""What can bring workers to places, by name; `bench.running.engines` has them."""

LOCAL = "local"
ENGINES = (LOCAL, "command", "slurm", "ray")
