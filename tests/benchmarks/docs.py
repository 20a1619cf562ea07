"""docs/benchmarks.md and its plots, from the result file."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .plots import draw
from .servers import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"

HEAD = """\
<!-- Made by `python -m tests.benchmarks --docs` from tests/benchmarks/results.json: change those, not this. -->
# Benchmarks

This page shows how much time, memory and money the library costs, and compares it with other packages.
The glossary defines [floor](explanation/glossary.md#floor), [Reach](explanation/glossary.md#reach) and
[herd](explanation/glossary.md#herd).

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

All packages did the same work in the same process, in turn. Times are medians. A ratio is the median of the rounds'
ratios. A *Reach* is a goal that was set before the measurement. The *floor* is the smallest amount of work that any
solution must do.
"""

LEADS = {
    "warm": "A read asks for a key that is in memory. The floor is a method that compares the monotonic clock with one "
    "attribute and returns another. No cache with a time limit can be faster in CPython.",
    "requests": "`credentials.client()` is compared with the stock `genai.Client`. Both talk to a fake API on loopback "
    "in another process.",
    "instructions": "The same request, measured without noise: the number of instructions that the process executes.",
    "herd": "Many callers find an empty cache, or a refused key, at the same moment.",
    "rotation": "The old key dies while eight threads send requests as fast as they can.",
    "start": "Fresh processes: the loaded modules, the time and the memory.",
    "cold": "A fresh process starts, loads the SDK and gets its first answer.",
    "tenants": "Each customer has a key. Thin clients share connections; stock clients share none.",
    "proxy": "`genai-credentials proxy` stands between a client and an API that answers at once. It is compared with "
    "the direct call.",
    "fleet": "A simulation of one day of a whole fleet. It uses the real state machine and discrete events.",
}

WHY = {
    "credentials()": "Python calls an object with a `__call__` method through a slot of its type. That alone costs a "
    "third of the floor, so the floor misses the Reach too when it is called like this. See the table *The steps of a "
    "read*. The rest is three loads of attributes. Tried: the clock in a local variable (kept: 6 % less); the serving "
    "key on the provider itself (2 % less; not taken, because the key would stand in two places); tuples and slots in "
    "place of objects (slower on 3.11); closures in place of methods (8 % less; not taken, because a subclass would "
    "lose them). Since then, the text is kept in a closure, where no tracer finds it: that costs one more call, 20 ns.",
    "process start to answer": "The library adds 120 to 160 ms to the SDK's 660. 50 ms of it is the import of 52 small "
    "modules of its own, about 1 ms each. Building the client takes as long as stock's. The rest is not understood "
    "yet. Not tried yet: fewer and larger modules.",
    "10,000 tenants": "The thin clients alone take 121 MB. The providers take the rest, each with a key and a fetch.",
    "first chunk": "It was 0.91 ms in a run before. The proxy reads the head of the answer before it passes it on.",
    "async, ": "As for the synchronous side: see the functions that are called more often. Each request has about 60 "
    "function calls more than stock's 4,740.",
    "await credentials.aget()": "An `async def` that only compares the clock misses the Reach too: see the last column "
    "of the table *The steps of a read*. Tried: the same steps as for `credentials()`. Also tried: a plain method that "
    "returns a finished awaitable; `asyncio.run`, `gather` and `create_task` refuse it. To avoid the clock, the "
    "process would need a timer and could never sleep.",
    "sync": "The library itself takes microseconds of a millisecond: see the row without a socket, the note under the "
    "tables, and the table of functions that are called more often. The rest is noise if a second stock client "
    "differs from the first by as much.",
    "1,000 threads": "After the store has answered, each thread takes 0.08 ms: it wakes, takes the interpreter's lock, "
    "returns and ends. See the table *Time after the fetch*. If all threads wake at once, as with the floor's Event, "
    "each asks for that lock again every 5 ms until it gets it. So the library wakes 32 threads at a time (kept: "
    "1,000 threads took 65-75 ms on this machine; an Event took 150-180, a Future 110-200, one lock each 140-190). A "
    "lock that each thread passes to the next took 65-90 ms; not taken, because all later threads wait for good if "
    "a signal handler raises in between. Before the fetch, 1,000 starting threads keep the fetch's thread from the "
    "interpreter's lock.",
    "1,000 tasks": "One call into a loop wakes all of its tasks (kept: 1,000 tasks took 12-22 ms over the fetch; one "
    "call each took 30-40, side by side). The rest is the tasks' own work: each checks again which key serves.",
}
"""The reason for each missed Reach, and what was tried; found by words of its name."""


def write(results: dict[str, Any]) -> None:
    """Write the page and its plots."""
    assets = PAGE.parent / "assets"
    assets.mkdir(exist_ok=True)
    plots = draw({group["name"]: group["series"] for group in results["groups"]}, assets)
    parts = [HEAD, *_verdict(results), *_plots(results, plots), *_missed(results), *_reaches(results)]
    parts += [HOW, *_machine(results)]
    for group in results["groups"]:
        parts += _group(group)
    PAGE.write_text("\n".join(parts).rstrip() + "\n")
    print(f"{PAGE.relative_to(ROOT)}, {', '.join(str(Path('docs/assets', name)) for name in plots.values())}")


def _verdict(results: dict[str, Any]) -> Iterable[str]:
    reaches = [reach for group in results["groups"] for reach in group["reaches"]]
    yield f"The library reached {sum(reach['ok'] for reach in reaches)} of {len(reaches)} goals.\n"
    for group in filter(operator.itemgetter("reaches"), results["groups"]):
        reached = f"{sum(reach['ok'] for reach in group['reaches'])} of {len(group['reaches'])}"
        first = group["reaches"][0]
        goal = first["limit"].replace("<=", "at most")
        example = f"{first['what']}: {first['measured']}; the goal is {goal}"
        yield f"- **{group['title']}:** {reached}. For example, {example}."
    yield ""


def _plots(results: dict[str, Any], plots: dict[str, str]) -> Iterable[str]:
    yield "## Plots\n"
    for group in results["groups"]:
        if group["name"] in plots:
            yield f"![{group['title']}](assets/{plots[group['name']]})\n"


def _machine(results: dict[str, Any]) -> Iterable[str]:
    machine = results["machine"]
    yield (
        f"The machine: {machine['python']}, {machine['system']}, {machine['cores']} cores. The run took "
        f"{results['seconds']:.0f} s. The machine's load was {machine['load when it ended']} at the end, so trust the "
        "ratios and the CPU times more than the other times.\n"
    )
    yield "Versions: " + ", ".join(f"{name} {number}" for name, number in results["versions"].items()) + ".\n"


def _reaches(results: dict[str, Any]) -> Iterable[str]:
    yield "## All goals\n"
    rows = [
        [group["title"], reach["what"], reach["limit"], reach["measured"], "ok" if reach["ok"] else "**missed**"]
        for group in results["groups"]
        for reach in group["reaches"]
    ]
    yield _table(["group", "subject", "Reach", "measured", ""], rows)


def _missed(results: dict[str, Any]) -> Iterable[str]:
    missed = [reach["what"] for group in results["groups"] for reach in group["reaches"] if not reach["ok"]]
    if missed:
        yield "## Missed goals\n"
    for words, why in WHY.items():
        if names := [what for what in missed if words in what]:
            yield f"- *{'; '.join(names)}*: {why}"
    if unexplained := [what for what in missed if not any(words in what for words in WHY)]:
        yield f"- *{'; '.join(unexplained)}*: not understood yet."
    yield ""


def _group(group: dict[str, Any]) -> Iterable[str]:
    yield f"## {group['title']}\n\n{LEADS[group['name']]}\n"
    for table in group["tables"]:
        yield f"**{table['title']}**\n"
        yield _table(table["columns"], table["rows"])
    for note in [*group["notes"], *(f"Not measured: {skipped}." for skipped in group["skipped"])]:
        yield f"- {note}"
    yield ""


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"
