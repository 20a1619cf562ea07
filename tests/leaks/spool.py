"""What child processes log: each writes it to a file as it is said, and the process that runs the tests reads it.

Written at once, since a child may end by `os._exit` or a signal. A forked child has everything in place already; a
child with an interpreter of its own finds `child/sitecustomize.py` on its path.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tests.leaks import keys, records
from tests.leaks.search import Search

DIRECTORY, REDACTION_OFF = "TESTS_LEAKS_SPOOL", "TESTS_LEAKS_NO_REDACTION"
_CHILD = Path(__file__).parent / "child"
_read: dict[Path, int] = {}


def begin(search: Search) -> None:
    """Listen to the logging and to the keys of this process."""
    records.watch(search)
    keys.watch(search, redact_logs=REDACTION_OFF not in os.environ)


def open_for_children(search: Search) -> None:
    """Give the children of this process a directory to write to."""
    directory = tempfile.mkdtemp(prefix="leaks-")
    os.environ[DIRECTORY] = directory
    os.register_at_fork(after_in_child=lambda: write_through(search))


def environment(arguments: Any, given: dict[str, str] | None) -> dict[str, str] | None:
    """What a child is started with, and the way to `sitecustomize`."""
    if "tests.leaks.plugin" in arguments:
        # It searches for itself.
        return given
    environ = dict(os.environ if given is None else given)
    path = [str(_CHILD), str(_CHILD.parents[2]), environ.get("PYTHONPATH", "")]
    environ["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    return environ | {name: os.environ[name] for name in (DIRECTORY, REDACTION_OFF) if name in os.environ}


def write_through(search: Search) -> None:
    """In a child: write what is said and which keys are met to a file, and keep nothing."""
    path = Path(os.environ[DIRECTORY], f"{os.getpid()}.jsonl")

    def write(**line: Any) -> None:
        with contextlib.suppress(OSError), path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def record(logger: str, parts: dict[str, str]) -> None:
        write(logger=logger, parts=parts, alone=search.is_alone(logger))

    search.record = record  # type: ignore[method-assign]
    search.key = lambda text: write(key=text)  # type: ignore[method-assign]
    search.output = lambda source, text: write(source=source, text=str(text))  # type: ignore[method-assign]


def collect(search: Search, *, last: bool = False) -> None:
    """Read what the children wrote since the last time; clear up after the last one."""
    directory = Path(os.environ[DIRECTORY])
    for path in directory.glob("*.jsonl"):
        with path.open("rb") as file:
            file.seek(_read.get(path, 0))
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        _read[path] = _read.get(path, 0) + len(whole)
        for line in whole.splitlines():
            _take(search, json.loads(line))
    if last:
        shutil.rmtree(directory)


def _take(search: Search, line: dict[str, Any]) -> None:
    if "key" in line:
        search.key(line["key"])
    elif "source" in line:
        search.output(line["source"], line["text"])
    else:
        search.record(line["logger"], line["parts"], line["alone"])
