"""A request: our client against the stock one, on loopback, the server in another process."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from random import Random
from typing import Any

from .report import Group, Table
from .requests_worker import KEY, SOCKETLESS
from .servers import ROOT, Servers

CPU, WALL, FIRST = range(3)
LIMIT = 1.02
SHOWN = 12
"""Functions in the profile's table."""

Calls = dict[str, dict[str, float]]
"""Calls a request by function, of the stock client and ours."""


def run(*, smoke: bool) -> Group:
    """Measure."""
    group = Group("requests", "A request")
    found = _gather(1 if smoke else 3, 1 if smoke else 7)
    calls, (stock, ours) = _counts()
    rows = []
    for label, samples in found.items():
        low, ratio, high = _interval(samples, "ours", CPU)
        again = _interval(samples, "again", CPU)[1]
        wall = _interval(samples, "ours", FIRST if "stream" in label else WALL)[1]
        if label != SOCKETLESS:
            group.series[label] = [low, ratio, high, again]
            text = f"{ratio:.3f} x ({low:.3f}-{high:.3f}; stock / stock {again:.3f})"
            group.reach(label, f"<= {LIMIT} x stock's CPU", text, ratio <= LIMIT)
        made = f"{_added(calls[label]):+.2%}" if label in calls else "-"
        rows.append(
            [label, _ms(samples["stock"]), _ms(samples["ours"]), f"{ratio:.3f}", f"{again:.3f}", made, f"{wall:.3f}"]
        )
    heads = [
        "request",
        "stock",
        "this library",
        "library / stock",
        "stock / stock",
        "function calls",
        "time, library / stock (streams: first chunk)",
    ]
    group.tables = [Table("CPU time per request, in the client's process", heads, rows), _profile(calls)]
    group.reach("connections, requests one by one", "0 extra", f"{ours} against {stock}", ours <= stock)
    group.notes += [
        "A ratio is the median over alternating blocks of requests, in several processes. The interval in "
        'brackets contains it with 95 % probability (bootstrap over these blocks). "Stock / stock" compares a '
        "second stock client with the first in the same way. Its distance from 1 is noise, which comes from the "
        "machine and from the places where Python puts its objects.",
        '"Function calls" are those that cProfile counts in the thread that sends. They do not depend on the '
        "load of the machine. Each of 64 parallel requests makes the same calls.",
        f"{_own(found[SOCKETLESS])}",
    ]
    return group


def _own(samples: dict[str, list[Any]]) -> str:
    """What ours takes by itself, where least else is measured."""
    differences = {
        name: statistics.median(
            one[CPU] - other[CPU] for one, other in zip(samples[name], samples["stock"], strict=True)
        )
        for name in ("ours", "again")
    }
    own, noise = (f"{seconds * 1e6:+.1f} µs" for seconds in differences.values())
    return (
        f"Without a socket (httpx2's MockTransport answers the request), this library takes {own} of CPU time "
        f"per request more than a stock client. The second stock client takes {noise}."
    )


def _added(calls: Calls) -> float:
    """How many more function calls ours makes, of stock's."""
    return sum(calls["ours"].values()) / sum(calls["stock"].values()) - 1


def _profile(calls: dict[str, Calls]) -> Table:
    """Which functions ours calls more often than stock: what there is of a profile that doesn't depend on time."""
    more = {
        label: {
            name: round(of["ours"].get(name, 0.0) - of["stock"].get(name, 0.0), 1) for name in of["ours"] | of["stock"]
        }
        for label, of in calls.items()
    }
    names = {name for of in more.values() for name, calls in of.items() if abs(calls) >= 1}
    weight = {name: max(abs(of.get(name, 0.0)) for of in more.values()) for name in names}
    shown = sorted(names, key=lambda name: (-weight[name], name))[:SHOWN]
    rows = [[f"`{name}`", *(f"{of.get(name, 0.0):+g}" for of in more.values())] for name in shown]
    rest = (sum(of.values()) - sum(of.get(name, 0.0) for name in shown) for of in more.values())
    rows.append([f"{len(names) - len(shown)} others", *(f"{calls:+.0f}" for calls in rest)])
    title = "Calls of each function per request: more (+) or fewer (-) than with a stock client"
    return Table(title, ["function", *more], rows)


def _gather(processes: int, rounds: int) -> dict[str, dict[str, list[Any]]]:
    """The samples of every kind of request, by client."""
    found: dict[str, dict[str, list[Any]]] = {}
    for aiohttp in ("with", "without"):
        for _ in range(processes):
            samples, _ = _worker(aiohttp, rounds)
            for mode, by_client in samples.items():
                so_far = found.setdefault(_label(mode, aiohttp), {name: [] for name in by_client})
                for name, new in by_client.items():
                    so_far[name] += new
    return found


def _counts() -> tuple[dict[str, Calls], tuple[int, int]]:
    """The function calls of requests one after another, and how many connections the stock client and ours made."""
    calls: dict[str, Calls] = {}
    connections = [0, 0]
    for aiohttp in ("with", "without"):
        counted, (stock, ours, _) = _worker(aiohttp, 0)
        calls |= {_label(mode, aiohttp): of for mode, of in counted.items()}
        connections = [connections[0] + stock, connections[1] + ours]
    return calls, (connections[0], connections[1])


def _label(mode: str, aiohttp: str) -> str:
    return mode if mode.startswith("sync") else f"{mode}, {aiohttp} aiohttp"


def _worker(aiohttp: str, rounds: int) -> tuple[Any, list[int]]:
    with Servers(KEY) as servers:
        urls = [servers.where[name] for name in ("one", "two", "three")]
        command = [sys.executable, "-m", f"{__package__}.requests_worker", aiohttp, str(rounds), *urls]
        done = subprocess.run(command, cwd=ROOT, env=bare(), stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(done.stdout), servers.ask("connections")


def bare() -> dict[str, str]:
    """This environment without credentials or proxies."""
    ours = ("GOOGLE_", "GEMINI_", "GENAI_", "AWS_")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(ours) and not name.upper().endswith("_PROXY")
    }


def _ms(samples: list[Any]) -> str:
    return f"{statistics.median(sample[CPU] for sample in samples) * 1e3:.2f} ms"


def _interval(samples: dict[str, list[Any]], name: str, part: int) -> tuple[float, float, float]:
    """The median of a client's ratios to stock, between the bounds of its 95 % interval."""
    pairs = zip(samples[name], samples["stock"], strict=True)
    ratios = [ours[part] / max(stock[part], 1e-9) for ours, stock in pairs]
    random = Random(7)
    medians = sorted(statistics.median(random.choices(ratios, k=len(ratios))) for _ in range(400))
    return medians[10], statistics.median(ratios), medians[-11]
