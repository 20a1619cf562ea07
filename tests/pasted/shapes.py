"""The shapes that an answer of the API is told in: by SDKs, frameworks, tools and logs, in many languages."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from . import in_other_languages, in_other_tools, in_python
from .answers import Answer

Shape = Callable[[Answer], str]


def _of(module: ModuleType) -> dict[str, Shape]:
    own = {name: value for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
    return {name: shape for name, shape in own.items() if callable(shape)}


SHAPES: dict[str, Shape] = {**_of(in_python), **_of(in_other_languages), **_of(in_other_tools)}
"""Every shape, by name."""
