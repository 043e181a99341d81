"""What older versions of torch call otherwise."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from bench.worker import compilers, flops


@pytest.mark.parametrize("name", ["try_get", "get"])
@pytest.mark.parametrize("context", [object(), None])
def test_whether_something_is_being_compiled_is_asked_as_this_torch_has_it(
    monkeypatch: pytest.MonkeyPatch, name: str, context: object
) -> None:
    """Before torch 2.1 `get` did not raise where there is no context."""
    guards: Any = SimpleNamespace(TracingContext=SimpleNamespace(**{name: lambda: context}))
    monkeypatch.setitem(sys.modules, "torch._guards", guards)
    assert compilers.compiling() is (context is not None)


def test_a_formula_gets_the_result_under_the_name_it_has() -> None:
    def before(*args: Any, out: Any = None, **kwargs: Any) -> int:
        return int(out)

    def since(*args: Any, out_val: Any = None, **kwargs: Any) -> int:
        return int(out_val)

    assert [formula(**{flops.result_of(formula): 3}) for formula in (before, since)] == [3, 3]
