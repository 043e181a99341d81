"""What the controlling process and a worker say to each other. Imports no torch.

A worker reads one JSON request a line from stdin and answers each with one JSON line:

    {"do": "describe"}                                 environment, devices, own process, machine
    {"do": "gpus"}                                     each by torch's name, with its UUID
    {"do": "accelerator", "device": "cuda:0"}          facts about the device
    {"do": "strangers", "device": "cuda:0"}            who else uses it now
    {"do": "load", "library": "foolbox"}               can it be imported?
    {"do": "prepare", "comparison": …, "seed": 0,      build and check a case, by its kind's
     "building": "package.module:function"}            function, or say that an earlier one left
                                                       settings changed ("stale");
                                                       "explain": true also dissects it,
                                                       "operations": false does not count them,
                                                       "gate_only": true does nothing but compare
                                                       what both variants make; "companions" are
                                                       processes that share the GPU with this one
    {"do": "blocks", "orders": ["ABBA", …],            time some blocks of the prepared case, each
     "parts": [0, …]}                                  of one of its parts; "AAAAA" is one variant
                                                       run alone
    {"do": "count", …}                                 build a case and count what its variants do,
                                                       or say "stale", as "prepare" does
    {"do": "output", "file": "FILE"}                   write what one run of the original makes
    {"do": "compare", "file": "FILE", …}               hold that against what it makes here
    {"do": "origin", "modules": ["foolbox"]}           the folders that modules were imported from
    {"do": "limit", "count": 1000000, "device": "cpu"} take at most so many more bytes
    {"do": "examine", "model": "resnet18", …}          what semi_backward meets in a model
    {"do": "try", …}                                   build a case and run its variant once
    {"do": "own", "request": {…},                      ask what a kind has of its own here: made
     "server": "package.module:class"}                 once, and kept until another case is built

An answer is {"ok": true, …} or {"ok": false, "status": …, "reason": …, "trace": …, "tainted": …};
tainted, if nobody knows what state the failure left the process in.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bench.cases import Comparison

VERSION = 10
MOST_BYTES = 65536
"""Of a packet to a template."""


def asked(comparison: Comparison, seed: int) -> dict[str, Any]:
    """What a worker has to know to build a comparison."""
    building = comparison.case.options.building
    return {"comparison": asdict(comparison), "building": building, "seed": seed}
