"""nanoGCG and EasyJailbreak, each where its layer is first on the path."""

from __future__ import annotations

import pytest

from bench.cases import BASELINE, SEMI_BACKWARD
from bench.kinds.tokens.findings import TokenFindings
from bench.worker.checks import check
from tests.bench.kinds.tokens.workloads import built

CALLS = {"nanogcg": ("autograd.grad", 0), "easyjailbreak": ("backward", 21)}
"""How each asks for its gradient, and of how many of the weights' 21 tensors it computes one."""
EACH = [pytest.param(name, marks=pytest.mark.layer(name)) for name in CALLS]


@pytest.mark.parametrize("library", EACH)
def test_both_variants_try_the_same_candidates(library: str) -> None:
    found = check(built(library=library, attack="gcg", batch=2), operations=False)
    assert found.equality.level == "identical"
    assert found.gradients is not None
    call, computed = CALLS[library]
    assert found.gradients["call"] == call
    assert found.gradients["parameters"] == 21
    assert found.gradients[BASELINE] == computed
    assert found.gradients[SEMI_BACKWARD] == 0
    assert any("a layer of its own, with" in said for said in found.warnings)


@pytest.mark.parametrize("library", EACH)
def test_every_step_is_seen(library: str) -> None:
    found = check(built(library=library, attack="gcg"), operations=False).findings
    assert isinstance(found, TokenFindings)
    (prompt,) = found.prompts
    assert prompt.steps == 2
    assert 2 <= prompt.candidates <= 12, "those that come back as other tokens are dropped"
    assert prompt.last_loss <= prompt.first_loss


@pytest.mark.parametrize("library", EACH)
def test_a_run_repeats_itself(library: str) -> None:
    work = built(library=library, attack="gcg")
    assert work.compare(work.output(BASELINE), work.output(BASELINE)).bitwise
