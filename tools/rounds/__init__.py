"""How far equal runs of pytest-benchmark lie apart, which `bench.compare.rounds` allows for."""
