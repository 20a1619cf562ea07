"""Walks an object like a tracer: attributes, slots, properties, items, and each object that the collector sees.

It does not enter the closure of a function, nor modules, classes and frames, which lead to the whole process.
"""

import functools
import gc
import logging
import types
import warnings
import weakref
from collections import deque
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

DEEPEST = 10
EVERYWHERE = (types.ModuleType, types.FrameType, types.TracebackType, types.CodeType, types.CellType, type)
PLAIN = (int, float, complex, type(None), type(...))
OF_A_FUNCTION = ("__dict__", "__defaults__", "__kwdefaults__")
OF_ANYTHING = ("__dict__", "__self__", "__func__", "__wrapped__", "__cause__", "__context__")
DESCRIPTORS = (property, types.MemberDescriptorType, types.GetSetDescriptorType, functools.cached_property)


def paths_to(text: str, start: object, deepest: int = DEEPEST) -> list[str]:
    """Return each path from an object to a text, up to that many steps."""
    found: list[str] = []
    # Kept, so that no number is given twice.
    seen: dict[int, object] = {}
    ahead = deque([("", start, 0)])
    while ahead:
        path, thing, steps = ahead.popleft()
        if isinstance(thing, (str, bytes, bytearray)):
            if text in (thing if isinstance(thing, str) else bytes(thing).decode("latin-1")):
                found.append(path)
        elif steps < deepest and id(thing) not in seen and not isinstance(thing, (*PLAIN, *EVERYWHERE)):
            seen[id(thing)] = thing
            ahead += [(path + step, inner, steps + 1) for step, inner in within(thing)]
    return found


def within(thing: Any) -> Iterator[tuple[str, object]]:
    """Return the objects one step away from an object."""
    if isinstance(thing, logging.Logger):
        return  # its handlers are the test runner's, which holds everything
    if isinstance(thing, types.FunctionType):
        yield from attributes(thing, OF_A_FUNCTION)
        return
    if isinstance(thing, Mapping):
        yield from ((f"[{name!r:.40}]", value) for name, value in list(thing.items()))
    elif isinstance(thing, (list, tuple, deque, AbstractSet)):
        yield from ((f"[{number}]", value) for number, value in enumerate(list(thing)))
    if isinstance(thing, weakref.ref):
        yield "()", thing()
    yield from attributes(thing, names_in(thing))
    yield from ((" refers to ", inner) for inner in gc.get_referents(thing))


def attributes(thing: object, names: Any) -> Iterator[tuple[str, object]]:
    """Return the readable attributes of an object."""
    for name in names:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                yield f".{name}", getattr(thing, name)
            except BaseException:
                continue


def names_in(thing: Any) -> list[str]:
    """Return the names of an object's attributes: its own, and those of its classes."""
    names = {*OF_ANYTHING, *(getattr(thing, "__dict__", None) or ())}
    for kind in type(thing).__mro__:
        names |= {name for name, value in vars(kind).items() if isinstance(value, DESCRIPTORS)}
    return sorted(names - {"__class__", "__globals__", "__builtins__", "__closure__", "__code__"})
