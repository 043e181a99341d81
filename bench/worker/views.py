"""Attributes as mappings that can be written to, of objects that keep them in no dict."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, MutableMapping
from typing import Any

from bench.worker import compilers


class _Attributes(MutableMapping[str, Any]):
    """Attributes of an object.

    Args:
        found: whose.
    """

    def __init__(self, found: Any) -> None:
        self._found = found

    def __getitem__(self, key: str) -> Any:
        try:
            return getattr(self._found, key)
        except AttributeError:
            raise KeyError(key) from None

    def __setitem__(self, key: str, value: Any) -> None:
        setattr(self._found, key, value)

    def __delitem__(self, key: str) -> None:
        delattr(self._found, key)

    @abstractmethod
    def _names(self) -> list[str]:
        """Of those that there are now."""

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())


class Slots(_Attributes):
    """What an instance holds outside of its `__dict__`."""

    def _names(self) -> list[str]:
        return [name for name in slots_of(self._found.__class__) if hasattr(self._found, name)]


class ClassAttributes(_Attributes):
    """What a class holds, and not those that it inherits from."""

    def __getitem__(self, key: str) -> Any:
        return vars(self._found)[key]

    def _names(self) -> list[str]:
        return list(vars(self._found))


class Globals(_Attributes):
    """What a module's own code has as globals, without what `torch.compile` keeps among them for
    the code that it has compiled, and takes away with that."""

    def __getitem__(self, key: str) -> Any:
        return vars(self._found)[key]

    def __setitem__(self, key: str, value: Any) -> None:
        vars(self._found)[key] = value

    def __delitem__(self, key: str) -> None:
        del vars(self._found)[key]

    def _names(self) -> list[str]:
        others = compilers.put_into(vars(self._found))
        return [name for name in vars(self._found) if name not in others]


def slots_of(cls: type[Any]) -> tuple[str, ...]:
    """Names of the slots that instances of a class have."""
    named = [vars(base).get("__slots__", ()) for base in cls.__mro__]
    return tuple(name for names in named for name in ([names] if isinstance(names, str) else names))
