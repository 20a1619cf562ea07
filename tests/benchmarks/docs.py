"""docs/benchmarks.md and its plots, from the result file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .plots import draw
from .servers import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"

HEAD = """\
<!-- Made by `python -m tests.benchmarks --docs` from tests/benchmarks/results.json: change those, not this. -->
# Benchmarks

What thinking about the key costs, measured. Everything here is from one run of

```console
$ pip install -e '.[all,test,bench]'
$ python -m tests.benchmarks
$ python -m tests.benchmarks --docs
```

Each subject did the same work in the same process, in turn; times are medians, and a ratio is the median of the
rounds' ratios. *Reach* is what we aim for; where one is missed, it says so.
"""

LEADS = {
    "warm": "Asking for a key that is in memory. The floor is a method that compares the monotonic clock with an "
    "attribute and returns another: no cache with a time limit can be faster in CPython.",
    "requests": "`credentials.client()` against the stock `genai.Client`, both talking to a fake API on loopback in "
    "another process.",
    "instructions": "The same request, without the noise: the instructions that the process executes.",
    "herd": "Many callers meet one empty cache, or one refused key, at the same moment.",
    "rotation": "The old key dies while eight threads send requests as fast as they can.",
    "start": "Fresh processes: what is loaded, how long it takes, how much memory it needs.",
    "cold": "What a function that starts pays before its first answer, with the SDK's import in it.",
    "tenants": "Software with a key for each customer: thin clients over shared connections, against stock clients.",
    "fleet": "A day of a whole fleet, simulated as discrete events around the real state machine.",
}

WHY = {
    "credentials()": "The table of what a read is made of says it: an object whose class has a `__call__` is "
    "called by way of a slot of its type, and that alone costs a third of the floor, so that the floor called "
    "like this misses the Reach too. Of ours, three loads of attributes come to that. Tried: the clock in a local "
    "variable (kept: 6 % less); the serving key on the provider itself (2 %; it would stand in two places: not "
    "taken); tuples and slots in place of objects (slower on 3.11); closures in place of methods (8 %, and a "
    "class that loses them when it is subclassed: not taken).",
    "await credentials.aget()": "An `async def` that looks at the clock and does nothing else misses it too: see "
    "that table's last column. Tried: the same; and a plain method that returns something done to wait for, which "
    "`asyncio.run`, `gather` and `create_task` then refuse. Not to look at the clock would take a timer, in a "
    "process that never sleeps.",
    "sync": "What ours does by itself takes microseconds of a millisecond: see the row without a socket, the note "
    "under the tables and the functions that are called more often. Beyond that it is noise, as long as a second "
    "stock client differs from the first by as much.",
    "1,000 threads": "The table of where the time goes says what is left once the store has answered: 0.08 ms a "
    "thread, for it to wake, take the interpreter's lock, return and end. Woken all at once, as by the floor's "
    "Event, each asks for that lock again every 5 ms until it has it; so ours wakes them 32 at a time (kept: on "
    "this machine a thousand took 65-75 ms where an Event took 150-180, a Future 110-200, a lock each 140-190). A "
    "lock handed on from each to the next took 65-90 as well, and leaves all who follow waiting for good when a "
    "signal's handler raises in between: not taken. Before the fetch, a thousand threads that start to ask keep "
    "its own thread from the lock.",
    "1,000 tasks": "All tasks of a loop are woken by one call into it (kept: 1,000 take 12-22 ms over the fetch "
    "where one call each took 30-40, side by side). The rest is their own steps: each checks again what is "
    "served.",
}
"""What holds each thing that was missed, and what was tried; found by words of its name."""


def write(results: dict[str, Any]) -> None:
    """Write the page and its plots."""
    assets = PAGE.parent / "assets"
    assets.mkdir(exist_ok=True)
    plots = draw({group["name"]: group["series"] for group in results["groups"]}, assets)
    parts = [HEAD, *_machine(results), *_reaches(results), *_missed(results)]
    for group in results["groups"]:
        parts += _group(group, plots)
    PAGE.write_text("\n".join(parts).rstrip() + "\n")
    print(f"{PAGE.relative_to(ROOT)}, {', '.join(str(Path('docs/assets', name)) for name in plots.values())}")


def _machine(results: dict[str, Any]) -> Iterable[str]:
    machine = results["machine"]
    yield (
        f"{machine['python']}, {machine['system']}, {machine['cores']} cores, {results['seconds']:.0f} s in all; the "
        f"machine's load was {machine['load when it ended']} when it ended, so judge ratios and CPU rather than times."
    )
    yield ", ".join(f"{name} {number}" for name, number in results["versions"].items()) + ".\n"


def _reaches(results: dict[str, Any]) -> Iterable[str]:
    rows = [
        [group["title"], reach["what"], reach["limit"], reach["measured"], "ok" if reach["ok"] else "**missed**"]
        for group in results["groups"]
        for reach in group["reaches"]
    ]
    yield _table(["group", "what", "Reach", "measured", ""], rows)


def _missed(results: dict[str, Any]) -> Iterable[str]:
    missed = [reach["what"] for group in results["groups"] for reach in group["reaches"] if not reach["ok"]]
    if missed:
        yield "## What was missed\n"
    for words, why in WHY.items():
        if names := [what for what in missed if words in what]:
            yield f"- *{'; '.join(names)}*: {why}"
    if unexplained := [what for what in missed if not any(words in what for words in WHY)]:
        yield f"- *{'; '.join(unexplained)}*: not understood yet."
    yield ""


def _group(group: dict[str, Any], plots: dict[str, str]) -> Iterable[str]:
    yield f"## {group['title']}\n\n{LEADS[group['name']]}\n"
    if group["name"] in plots:
        yield f"![{group['title']}](assets/{plots[group['name']]})\n"
    for table in group["tables"]:
        yield f"**{table['title']}**\n"
        yield _table(table["columns"], table["rows"])
    for note in [*group["notes"], *(f"Not measured: {skipped}." for skipped in group["skipped"])]:
        yield f"- {note}"
    yield ""


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"
