"""What is printed past pytest's own capture, and the warnings."""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from tests.leaks import spool
from tests.leaks.search import Search


def watch(search: Search) -> None:
    """See it from now on."""
    _watch_warnings(search)
    _watch_captures(search)
    _watch_processes(search)


def _watch_warnings(search: Search) -> None:
    shown = warnings.WarningMessage.__init__

    def init(self: Any, message: Any, category: Any, *args: Any, **options: Any) -> None:
        search.output(f"warnings.{category.__name__}", message)
        shown(self, message, category, *args, **options)

    warnings.WarningMessage.__init__ = init  # type: ignore[method-assign]


def _watch_captures(search: Search) -> None:
    read, invoke = pytest.CaptureFixture.readouterr, CliRunner.invoke

    def readouterr(self: Any) -> Any:
        captured = read(self)
        search.output("stdout", captured.out)
        search.output("stderr", captured.err)
        return captured

    def invoked(self: Any, *args: Any, **options: Any) -> Any:
        result = invoke(self, *args, **options)
        search.output("the command", result.output)
        return result

    pytest.CaptureFixture.readouterr = readouterr  # type: ignore[method-assign]
    CliRunner.invoke = invoked  # type: ignore[method-assign]


def _watch_processes(search: Search) -> None:
    begin, communicate = subprocess.Popen.__init__, subprocess.Popen.communicate

    def init(self: Any, args: Any, *rest: Any, env: Any = None, **options: Any) -> None:
        begin(self, args, *rest, env=spool.environment(args, env), **options)
        search.tally.processes += 1
        for name in ("stdout", "stderr"):
            if (stream := getattr(self, name)) is not None:
                setattr(self, name, _Overheard(stream, f"{name} of a child", search))

    def communicated(self: Any, *args: Any, **options: Any) -> Any:
        out, err = communicate(self, *args, **options)
        search.output("stdout of a child", out)
        search.output("stderr of a child", err)
        return out, err

    subprocess.Popen.__init__ = init  # type: ignore[method-assign]
    subprocess.Popen.communicate = communicated  # type: ignore[method-assign]


class _Overheard:
    """A child's pipe whose lines are kept as the test reads them."""

    def __init__(self, stream: Any, name: str, search: Search) -> None:
        self._stream, self._name, self._search = stream, name, search

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.readline, type(self._stream.read(0))())

    def readline(self, *args: Any) -> Any:
        return self._kept(self._stream.readline(*args))

    def read(self, *args: Any) -> Any:
        return self._kept(self._stream.read(*args))

    def _kept(self, text: Any) -> Any:
        self._search.output(self._name, text)
        return text
