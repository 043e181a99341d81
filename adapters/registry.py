"""Which adapters there are: our own, third parties' by entry point, and a user's own function.

Nothing here imports torch; a third party's module is imported only when it is asked for.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from importlib import metadata

from adapters import origins, versions
from adapters.base import Adapter, AdapterError

ENTRY_POINT_GROUP = "semibackward.adapters"

OURS = {
    "torchattacks": "adapters.libraries.torchattacks:Torchattacks",
    "foolbox": "adapters.libraries.foolbox:Foolbox",
    "art": "adapters.libraries.art:Art",
    "advertorch": "adapters.libraries.advertorch:Advertorch",
    "deeprobust": "adapters.libraries.deeprobust:Deeprobust",
    "cleverhans": "adapters.libraries.cleverhans:Cleverhans",
    "adv-lib": "adapters.libraries.adv_lib:AdvLib",
    "autoattack": "adapters.libraries.autoattack:AutoAttack",
    "captum": "adapters.libraries.captum:Captum",
    "secml-torch": "adapters.libraries.secml_torch:SecmlTorch",
    "torchattack": "adapters.libraries.torchattack:Torchattack",
    "openattack": "adapters.libraries.openattack:Openattack",
    "textattack": "adapters.libraries.textattack:Textattack",
    "reference": "adapters.reference:Reference",
    "papers": "adapters.papers.energy.adapter:Papers",
    "sap": "adapters.papers.sap.adapter:Sap",
    "mad": "adapters.papers.mad.adapter:Mad",
    "beyond": "adapters.workloads.adapter:Beyond",
    "gcg": "adapters.tokens.gcg:Gcg",
    "nanogcg": "adapters.libraries.nanogcg:Nanogcg",
    "easyjailbreak": "adapters.libraries.easyjailbreak:Easyjailbreak",
}


def names() -> list[str]:
    """Every library by the name --libs takes: ours in the paper's order, then third parties'."""
    return [*OURS, *sorted(set(_third_parties()) - set(OURS))]


def get(name: str) -> Adapter:
    """The adapter of that name.

    Raises:
        KeyError: there is none.
        AdapterError: a third party's adapter can't be loaded, or is none.
    """
    if name in OURS:
        module, _, attribute = OURS[name].partition(":")
        adapter: Adapter = getattr(importlib.import_module(module), attribute)()
        return adapter
    entry = _third_parties()[name]
    try:
        made = entry.load()()
    except Exception as error:
        raise AdapterError(
            f"the adapter {name} ({entry.value}) can't be loaded:"
            f" {type(error).__name__}: {error}; mend or uninstall the package that ships it"
        ) from error
    if not isinstance(made, Adapter):
        raise AdapterError(
            f"the adapter {name} ({entry.value}) is no subclass of adapters.base.Adapter"
        )
    return made


def subject(name: str) -> str:
    """What a library attacks, as `Adapter.subject` has it; "images" if it is unknown or can't be
    loaded."""
    try:
        return get(name).subject
    except (KeyError, AdapterError):
        return "images"


def leaves_box(library: str, attack: str) -> bool:
    """Whether an attack is declared to return images that are not all in [0, 1]; False of one that
    no adapter offers, as a user's own."""
    try:
        info = get(library).attacks().get(attack)
    except KeyError:
        return False
    return info is not None and info.leaves_box


def version(adapter: Adapter) -> str | None:
    """The version of an adapter's library as an import finds it, None where it is not installed."""
    module = origins.module_of(adapter)
    found = None if origins.of_ours(module) else origins.find(module)
    if found is not None:
        told, _ = versions.of(found[1], adapter.distribution)
        return told
    try:
        return metadata.version(adapter.distribution)
    except metadata.PackageNotFoundError:
        return None


@functools.cache
def _third_parties() -> Mapping[str, metadata.EntryPoint]:
    return {entry.name: entry for entry in metadata.entry_points(group=ENTRY_POINT_GROUP)}
