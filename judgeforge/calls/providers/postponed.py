"""Packages of an SDK that are loaded only once something asks for what is in them.

An SDK imports the types of its whole API with itself. A package that was postponed can be imported
as ever, and so can the modules in it; its own ``__init__`` runs at the first name that is asked of
it. What no longer exists in another version of the SDK is left alone.
"""

from __future__ import annotations

import sys
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any


def postpone(*packages: str) -> None:
    """``packages``: by their full names. Nothing happens where the SDK was imported already."""
    if packages[0].partition(".")[0] in sys.modules:
        return
    for name in packages:
        spec = _spec_of(name)
        if spec is not None and spec.loader is not None:
            _register(spec, spec.loader)


def _spec_of(name: str) -> ModuleSpec | None:
    """Found without importing the packages above it."""
    if "." not in name:
        return find_spec(name)
    top, *within = name.split(".")[:-1]
    sdk = find_spec(top)
    places = [] if sdk is None else sdk.submodule_search_locations or []
    return PathFinder.find_spec(name, [str(Path(place, *within)) for place in places])


def _register(spec: ModuleSpec, loader: Loader) -> None:
    module = module_from_spec(spec)

    def load(name: str) -> Any:  # noqa: ANN401 (whatever the package has under that name)
        # Tools that walk over all modules ask each for names such as __wrapped__.
        if name.startswith("__"):
            raise AttributeError(name)
        del module.__dict__["__getattr__"]
        loader.exec_module(module)
        return getattr(module, name)

    module.__dict__["__getattr__"] = load
    sys.modules[spec.name] = module
