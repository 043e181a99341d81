import cProfile, pstats, timm, torch
from bench.worker.leftovers import *
m = timm.create_model("vit_small_patch16_224"); l = Leftovers(m); l.around(lambda: None)
p=cProfile.Profile(); p.enable()
for _ in range(5): l.around(lambda: None)
p.disable(); pstats.Stats(p).sort_stats("tottime").print_stats(12)
