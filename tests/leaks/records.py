"""Every record of every logger, as a handler on that very logger would get it."""

from __future__ import annotations

import base64
import logging
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from tests.leaks.search import Search

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def watch(search: Search) -> None:
    """See every record from now on.

    `callHandlers` is where a logger that has let a record through its level and its filters hands it out: what is seen
    here is what a handler would get that sits on the logger itself, whether that propagates or not, and whenever it was
    made. Levels are not touched, since the handlers of the tests and of the tested must go on as they are: a record
    that was only made for us isn't passed on to them.
    """
    enabled, hand_out = logging.Logger.isEnabledFor, logging.Logger.callHandlers

    def is_enabled_for(self: logging.Logger, level: int) -> bool:
        return _can_be_found(self) or enabled(self, level)

    def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        if _can_be_found(self):
            search.record(record.name, dict(parts_of(record)))
        if enabled(self, record.levelno):
            hand_out(self, record)

    logging.Logger.isEnabledFor = is_enabled_for  # type: ignore[method-assign]
    logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign]


def as_in_a_new_process(search: Search) -> None:
    """Take off what redaction put onto the loggers, so that it has to install itself again."""
    search.provider_built = False
    if redaction := sys.modules.get("genai_credentials.redaction"):
        redaction._required = False  # type: ignore[attr-defined]
    for logger in list(logging.Logger.manager.loggerDict.values()):
        for one in list(getattr(logger, "filters", ())):
            if getattr(one, "__module__", "") == "genai_credentials.redaction":
                logger.removeFilter(one)  # type: ignore[union-attr]


def _can_be_found(logger: logging.Logger) -> bool:
    """Whether anyone could set its level: FakeGemini's own, which says nothing, is in no tree."""
    return logger is logging.root or logging.Logger.manager.loggerDict.get(logger.name) is logger


def parts_of(record: logging.LogRecord) -> Iterator[tuple[str, str]]:
    """What the record holds, by place."""
    try:
        yield "message", record.getMessage()
    except Exception:
        yield "message that cannot be formatted", repr(record.msg)
    if not isinstance(record.msg, str):
        yield "msg", deep(record.msg)
    if record.args:
        yield "args", deep(record.args)
    for name, value in vars(record).items():
        if name not in _STANDARD:
            yield f"attribute {name}", deep(value)
    yield "traceback", f"{record.exc_text or ''}{record.stack_info or ''}"
    if record.exc_info and record.exc_info[1] is not None:
        yield from of_exception(record.exc_info[1])


def of_exception(error: BaseException) -> Iterator[tuple[str, str]]:
    """Its traceback, and the local variables of its frames: ours apart from others'."""
    yield "traceback", "".join(traceback.format_exception(error))
    ours, others = [], {}
    for module, name, value in _locals(error, set()):
        if module.startswith("genai_credentials") and not module.startswith("genai_credentials.testing"):
            ours.append(f"{name}={value}")
        else:
            others.setdefault(module.partition(".")[0], []).append(f"{name}={value}")
    yield "locals of ours", "\n".join(ours)
    for library, found in others.items():
        yield f"locals of others: {library}", "\n".join(found)


def _locals(error: BaseException | None, seen: set[int]) -> Iterator[tuple[str, str, str]]:
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    at: TracebackType | None = error.__traceback__
    while at is not None:
        module = str(at.tb_frame.f_globals.get("__name__", ""))
        for name, value in list(at.tb_frame.f_locals.items()):
            yield module, name, deep(value)
        at = at.tb_next
    for other in (error.__cause__, error.__context__, *getattr(error, "exceptions", ())):
        yield from _locals(other, seen)


def deep(value: Any) -> str:
    """Its repr, and for each message of protocol buffers in it the bytes that a collector would store."""
    try:
        return "\n".join((repr(value), *_messages(value, 5)))
    except Exception as error:
        return f"<repr failed: {type(error).__name__}>"


def _messages(value: Any, levels: int) -> Iterator[str]:
    if levels == 0:
        return
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, (list, tuple, set, frozenset)):
        for part in value:
            yield from _messages(part, levels - 1)
        return
    serialize = getattr(getattr(value, "_pb", value), "SerializeToString", None)
    if callable(serialize) and not isinstance(value, type):
        yield base64.b64encode(serialize()).decode()
