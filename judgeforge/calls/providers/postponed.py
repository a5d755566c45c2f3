"""Packages of an SDK that are loaded only once something asks for what is in them.

An SDK imports all that it has with itself: other clients, the types of its whole API, which is up
to 3,000 modules. A package that was postponed can be imported as ever, and so can the modules in
it; its own ``__init__`` runs at the first name that none of its modules has, and leaves what was
set before. What no longer exists in another version of the SDK is left alone.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Collection
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

_ASKED_BY_PEOPLE = {"__all__", "__version__"}
_LONGEST_LOAD_S = 60.0
"""Rather than for ever, should two threads ever wait for each other."""
_BEFORE_CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def clients_of(sdk: str, client: str, *unused: str) -> tuple[Any, Any]:
    """The classes of an SDK's ``client`` and of its HTTP client, with little else of it.

    ``unused``: packages within it, such as ``types.responses``.
    """
    # Its own ``__init__`` reads the variable that has it log.
    whole = bool(os.environ.get(f"{sdk.upper()}_LOG"))
    postpone(*(f"{sdk}.{package}" for package in unused), *(() if whole else (sdk,)))
    try:
        found = getattr(import_module(f"{sdk}._client"), client)
        return found, import_module(f"{sdk}._base_client").DefaultAioHttpClient
    except (ImportError, AttributeError):  # another version may keep them elsewhere
        there = import_module(sdk)
        return getattr(there, client), there.DefaultAioHttpClient


def postpone(*packages: str) -> None:
    """``packages``: by their full names. Nothing happens where the SDK was imported already."""
    if not packages or packages[0].partition(".")[0] in sys.modules:
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


def _within(spec: ModuleSpec, name: str) -> Any:  # noqa: ANN401 (a module or what is in it)
    """A module of the package, or of such a name the class that stands in a module of its own:
    neither needs the package as a whole. None for everything else."""
    for module in (name, _BEFORE_CAPITALS.sub("_", name).lower()):
        full = f"{spec.name}.{module}"
        if PathFinder.find_spec(full, spec.submodule_search_locations) is not None:
            found = import_module(full)
            return found if module == name else getattr(found, name, None)
    return None


def _register(spec: ModuleSpec, loader: Loader) -> None:
    module = module_from_spec(spec)
    own = set(vars(module))
    # One thread loads, and those that ask meanwhile wait for it, as they do for any import.
    turn, is_loading = threading.RLock(), False

    def load(name: str) -> Any:  # noqa: ANN401 (whatever the package has under that name)
        nonlocal is_loading
        # Tools that walk over all modules ask each for names such as __wrapped__.
        if name.startswith("__") and name not in _ASKED_BY_PEOPLE:
            raise AttributeError(name)
        found = _within(spec, name)
        if found is not None:
            return found
        if not turn.acquire(timeout=_LONGEST_LOAD_S):
            raise AttributeError(name)
        try:
            if is_loading:  # its own ``__init__`` asks, which has not come so far
                raise AttributeError(name)
            if vars(module).get("__getattr__") is load:
                is_loading = True
                try:
                    _load_now(module, loader, own)
                finally:
                    is_loading = False
        finally:
            turn.release()
        return getattr(module, name)

    module.__dict__["__getattr__"] = load
    sys.modules[spec.name] = module


def _load_now(module: ModuleType, loader: Loader, own: Collection[str]) -> None:
    load = vars(module)["__getattr__"]
    set_before = {
        name: value
        for name, value in vars(module).items()
        if name not in own and value is not load and not isinstance(value, ModuleType)
    }
    loader.exec_module(module)
    vars(module).update(set_before)  # such as `openai.api_key = …`
    if vars(module)["__getattr__"] is load:  # else the package has one of its own
        del module.__dict__["__getattr__"]
