import time, timm, torch, sys
from bench.worker.leftovers import *
from bench.worker.leftovers import Rewind, Values
torch.set_num_threads(2)
for n in ("resnet18","resnet50","vit_small_patch16_224"):
    m = timm.create_model(n); l = Leftovers(m); l.around(lambda: None)
    ts=[]
    for _ in range(9):
        t=time.perf_counter(); l.around(lambda: None); ts.append(time.perf_counter()-t)
    v=Rewind({"model": m}, None); t=time.perf_counter(); v=Rewind({"model": m}, None); v.back(); print(n, sum(p.numel() for p in m.parameters())/1e6, "M", "median ms", 1e3*sorted(ts)[4], "structure alone", 1e3*(time.perf_counter()-t))
