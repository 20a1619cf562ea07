"""`python -m tests.mutations`: take each rule out of a copy of the package, and see the test fail that knows it."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from . import MUTATIONS
from .mutation import PACKAGE, ROOT, Mutation
from .page import write

LONGEST = 60.0
"""Seconds that a mutated test may take: one that doesn't end has noticed the mutation, too."""

PLUGIN = "genai_credentials.testing.pytest_plugin"

FAILED, UNENDED = 1, -1
"""Pytest's code for tests that failed, and ours for tests that did not end."""


def main() -> int:
    """Try the mutations; 1 when one survives, or when a test fails without any."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--only", action="append", metavar="WORDS", help="those whose rule, file or test has the words")
    parser.add_argument("--write", action="store_true", help="write the page's tables, if no mutation survives")
    asked = parser.parse_args()
    chosen = [mutation for mutation in MUTATIONS if is_meant(mutation, asked.only)]
    if not passes_unmutated(chosen):
        return 1
    survivors = [mutation for mutation in chosen if not is_noticed(mutation)]
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} mutations were noticed.")
    if asked.write and not survivors:
        write()
    return bool(survivors)


def is_meant(mutation: Mutation, words: list[str] | None) -> bool:
    """Whether a mutation was asked for."""
    return not words or any(word in text for word in words for text in (mutation.rule, mutation.file, mutation.test))


def passes_unmutated(chosen: list[Mutation]) -> bool:
    """Whether the tests pass as long as nothing is mutated."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        code, output = outcome(copied(folder), dict.fromkeys(one.node for one in chosen), LONGEST * len(chosen))
    print(
        f"{time.monotonic() - began:6.1f} s  {'passed' if code == 0 else output}: the tests, without a mutation",
        flush=True,
    )
    return code == 0


def is_noticed(mutation: Mutation) -> bool:
    """Whether the mutation's test fails, as it should."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        copy = copied(folder)
        (copy / "genai_credentials" / mutation.file).write_text(mutation.mutated())
        code, output = outcome(copy, [mutation.node], LONGEST)
    said = {FAILED: "failed", UNENDED: "did not end", 0: "SURVIVED"}.get(code, f"BROKEN\n{output}\n")
    print(f"{time.monotonic() - began:6.1f} s  {said}: {mutation.file}: {mutation.rule}", flush=True)
    return code in (FAILED, UNENDED)


def copied(folder: str) -> Path:
    """A copy of the package, below a folder that Python is to look into first."""
    # With the compiled files: they stay valid, since the times are copied too.
    shutil.copytree(PACKAGE, Path(folder) / "genai_credentials")
    return Path(folder)


def outcome(copy: Path, nodes: list[str] | dict[str, None], seconds: float) -> tuple[int, str]:
    """Pytest's exit code and output for some tests against a copy; `UNENDED` when they take longer."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", PLUGIN, *nodes]
    # Without the plug-ins of others, whose import takes longer than most of these tests.
    environ = os.environ | {"PYTHONPATH": str(copy), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, cwd=ROOT, env=environ, text=True, start_new_session=True, **pipes) as running:
        try:
            output, _ = running.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return UNENDED, ""
        finally:
            # With the children that its tests forked.
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
    return running.returncode, output


if __name__ == "__main__":
    sys.exit(main())
