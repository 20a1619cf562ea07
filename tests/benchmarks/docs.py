"""docs/benchmarks.md and its plots, from the result file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .missed import explained
from .plots import draw
from .servers import ROOT
from .verdict import verdict

PAGE = ROOT / "docs" / "benchmarks.md"

HEAD = """\
<!-- Made by `python -m tests.benchmarks --docs` from tests/benchmarks/results.json: change those, not this. -->
# Benchmarks

This page shows how much time, memory and money the library costs, and compares it with other packages.

## Verdict
"""

HOW = """\
## How it was measured

Everything on this page comes from one run of these commands in a checkout:

```sh
pip install -e '.[all,test]' --group bench
python -m tests.benchmarks
python -m tests.benchmarks --docs
```

All packages did the same work in the same process, in turn. Times are medians. A ratio is the median of the ratios of
all rounds.
"""

LEADS = {
    "warm": "A read asks for a key that is in memory. The [floor](explanation/glossary.md#floor) is a method that "
    "compares the monotonic clock with one attribute and returns another. No cache with a time limit can be faster in "
    "CPython.",
    "requests": "`credentials.client()` is compared with the stock `genai.Client`. Both send requests to a fake API on "
    "loopback in another process.",
    "instructions": "The same request, measured without noise: the number of instructions that the process executes.",
    "herd": "Many callers find an empty cache, or a refused key, at the same moment.",
    "rotation": "The API refuses the old key while eight threads send requests as fast as they can.",
    "start": "The loaded modules, the time and the memory of fresh processes.",
    "cold": "A fresh process starts, loads the SDK and gets its first answer.",
    "tenants": "Each customer has a key. Thin clients share connections. Stock clients share none.",
    "proxy": "`genai-credentials proxy` runs between a client and an API that answers at once. It is compared with the "
    "direct call.",
    "fleet": "A simulation of one day of a whole fleet, with four rotations. It uses the real state machine and "
    "discrete events.",
}

CAPTIONS = {
    "warm": "Nanoseconds per read, on a logarithmic axis. Blue is this library, orange the floor.",
    "requests": "CPU time of a request, divided by that of a stock client. A cross is a second stock client: its "
    "distance from 1 is noise.",
    "herd": "Calls of the store after a refusal. This library makes one call for any number of callers.",
    "rotation": "Failed requests in a rotation, and the longest request.",
    "start": "CPU time and memory of a fresh process.",
    "cold": "From the start of a process to the first answer of the API.",
    "fleet": "Calls of the store by fleets of up to 10,000 processes.",
    "tenants": "CPU time of a request and memory, for many keys in one process.",
}
"""What to see in each plot."""


def write(results: dict[str, Any]) -> None:
    """Write the page and its plots."""
    assets = PAGE.parent / "assets"
    assets.mkdir(exist_ok=True)
    plots = draw({group["name"]: group["series"] for group in results["groups"]}, assets)
    parts = [HEAD, *_verdict(results), *_plots(results, plots), *_goals(results), *_missed(results)]
    parts += [HOW, *_machine(results)]
    for group in results["groups"]:
        parts += _group(group)
    PAGE.write_text("\n".join(parts).rstrip() + "\n")
    print(f"{PAGE.relative_to(ROOT)}, {', '.join(str(Path('docs/assets', name)) for name in plots.values())}")


def _verdict(results: dict[str, Any]) -> Iterable[str]:
    for group in results["groups"]:
        if sentence := verdict(group):
            yield f"- **[{group['title']}](#{group['title'].lower().replace(' ', '-')}).** {sentence}"
    goals = [goal for group in results["groups"] for goal in group["reaches"]]
    yield f"\nEach group had goals that were set before the measurement. The library reached {_reached(goals)} of them:"
    yield "[all goals](#all-goals), and [the reason](#missed-goals) for each missed goal.\n"


def _reached(goals: list[dict[str, Any]]) -> str:
    return f"{sum(goal['ok'] for goal in goals)} of {len(goals)}"


def _plots(results: dict[str, Any], plots: dict[str, str]) -> Iterable[str]:
    yield "## Plots\n"
    for group in results["groups"]:
        if name := plots.get(group["name"]):
            yield f"**{group['title']}.** {CAPTIONS[group['name']]}\n\n![{group['title']}](assets/{name})\n"


def _machine(results: dict[str, Any]) -> Iterable[str]:
    machine = results["machine"]
    yield (
        f"The machine: {machine['python']}, {machine['system']}, {machine['cores']} cores. The run took "
        f"{results['seconds']:.0f} s. The machine's load was {machine['load when it ended']} at the end, so trust the "
        "ratios and the CPU times more than the other times.\n"
    )
    yield "Versions: " + ", ".join(f"{name} {number}" for name, number in results["versions"].items()) + ".\n"


def _goals(results: dict[str, Any]) -> Iterable[str]:
    yield "## All goals\n"
    rows = [
        [group["title"], goal["what"], goal["limit"], goal["measured"], "reached" if goal["ok"] else "**missed**"]
        for group in results["groups"]
        for goal in group["reaches"]
    ]
    yield _table(["group", "subject", "goal", "measured", "result"], rows)


def _missed(results: dict[str, Any]) -> Iterable[str]:
    missed = [goal["what"] for group in results["groups"] for goal in group["reaches"] if not goal["ok"]]
    if missed:
        yield "## Missed goals\n"
    for names, why in explained(missed):
        yield f"**{'; '.join(names)}**\n"
        yield (why.reason if why else "Not explained yet.") + "\n"
        if why and (tried := [*why.kept, *why.dropped]):
            kinds = ["kept"] * len(why.kept) + ["dropped"] * len(why.dropped)
            yield "\n".join(f"- Tried and {kind}: {one}" for kind, one in zip(kinds, tried, strict=True)) + "\n"


def _group(group: dict[str, Any]) -> Iterable[str]:
    yield f"## {group['title']}\n\n{LEADS[group['name']]}\n"
    for table in group["tables"]:
        yield f"**{table['title']}**\n"
        yield _table(table["columns"], [[_united(cell) for cell in row] for row in table["rows"]])
    for note in [*group["notes"], *(f"Not measured: {skipped}." for skipped in group["skipped"])]:
        yield f"- {note}"
    yield ""


def _united(cell: str) -> str:
    """A number stays on one line with its unit."""
    return re.sub(r"(?<=\d) (?=(?:[nµm]?s|[KM]B)$)|(?<=^over) ", "\N{NO-BREAK SPACE}", cell)


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"
