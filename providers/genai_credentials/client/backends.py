"""httpx and httpx2: which are installed, which the SDK would choose, and classes that serve for both."""

from __future__ import annotations

import functools
from importlib import import_module
from importlib.metadata import version
from typing import Any


@functools.cache
def http_modules(first: str = "") -> list[Any]:
    """httpx2 and httpx, as far as they are installed.

    Args:
        first: The one to come first; "" for the one that the installed SDK would choose.
    """
    names = ["httpx2", "httpx"] if int(version("google-genai").split(".")[0]) >= 3 else ["httpx", "httpx2"]
    modules = [module for name in names if (module := _module(name)) is not None]
    return sorted(modules, key=lambda module: module.__name__ != first)


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None


@functools.cache
def over_http_modules(kind: type, base: str, first: str = "") -> type:
    """The class `kind`, made a subclass of each HTTP module's class `base`: each checks for its own.

    Args:
        kind: What it does.
        base: The name of the class in those modules.
        first: The module whose class comes first: by it the SDK chooses its own classes.
    """
    return type(kind.__name__, (kind, *(getattr(module, base) for module in http_modules(first))), {})


def module_of(*parts: Any) -> str:
    """The HTTP module that parts of the user's are of, found as the SDK finds it; "" for no such part."""
    names = (kind.__module__.partition(".")[0] for part in parts for kind in type(part).__mro__)
    return next((name for name in names if name in ("httpx", "httpx2")), "")
