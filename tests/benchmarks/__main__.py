"""`python -m tests.benchmarks`."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

from .report import RESULTS, Group, document, load, merged, print_table, save

GROUPS = ("warm", "requests", "herd", "rotation", "start", "cold", "fleet", "tenants", "proxy")
SLOW = ("instructions",)
"""Only when asked for by name."""


def main() -> int:
    """Measure, or write the page from what was measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", choices=(*GROUPS, *SLOW), action="append", help="one group; may be given again")
    parser.add_argument("--smoke", action="store_true", help="one iteration of each: the numbers mean nothing")
    parser.add_argument("--out", type=Path, default=RESULTS, help=f"the result file ({RESULTS.name} beside this)")
    parser.add_argument("--docs", action="store_true", help="write the page and the plots from the result file")
    asked = parser.parse_args()
    if asked.docs:
        from .docs import write

        write(load(asked.out))
        return 0
    began = time.perf_counter()
    groups = [_run(name, asked.smoke) for name in asked.only or GROUPS]
    results = document(groups, time.perf_counter() - began, asked.smoke)
    if asked.only and asked.out.exists() and not asked.smoke:
        results = merged(load(asked.out), results, (*GROUPS, *SLOW))
    save(results, asked.out)
    print_table(results)
    return 0


def _run(name: str, smoke: bool) -> Group:
    began = time.perf_counter()
    print(f"{name} …", end=" ", file=sys.stderr, flush=True)
    group: Group = importlib.import_module(f"{__package__}.{name}").run(smoke=smoke)
    group.seconds = round(time.perf_counter() - began, 1)
    print(f"{group.seconds:.0f} s", file=sys.stderr)
    return group


if __name__ == "__main__":
    sys.exit(main())
