"""The workloads that come with the program, by name. Imports no torch, and no library."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.workloads.declared import Shipped

WORKLOADS: Mapping[str, Shipped] = {
    "actor": Shipped(
        setup="adapters.workloads.shipped.actor:setup",
        what="an actor's step through two critics, in plain torch",
        distribution="torch",
        wasted="the gradients of both critics' parameters",
    ),
}
