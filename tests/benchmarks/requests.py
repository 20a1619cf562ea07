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
from .requests_worker import KEY
from .servers import ROOT, Servers

CPU, WALL, FIRST = range(3)
LIMIT = 1.02


def run(*, smoke: bool) -> Group:
    """Measure."""
    group = Group("requests", "A request")
    found, calls = _gather(1 if smoke else 3, 1 if smoke else 7)
    rows = []
    for label, samples in found.items():
        low, ratio, high = _interval(samples, "ours", CPU)
        again = _interval(samples, "again", CPU)[1]
        wall = _interval(samples, "ours", FIRST if "stream" in label else WALL)[1]
        extra = calls[label]["ours"] / calls[label]["stock"]
        group.series[label] = [low, ratio, high, again]
        text = f"{ratio:.3f} x ({low:.3f}-{high:.3f}; stock by itself {again:.3f})"
        group.reach(label, f"<= {LIMIT} x stock's CPU", text, ratio <= LIMIT)
        made = f"{extra - 1:+.2%}" if "parallel" not in label or "async" in label else "-"
        rows.append(
            [label, _ms(samples["stock"]), _ms(samples["ours"]), f"{ratio:.3f}", f"{again:.3f}", made, f"{wall:.3f}"]
        )
    heads = ["request", "stock", "ours", "ratio", "stock by stock", "function calls", "wall (streams: first chunk)"]
    group.tables = [Table("CPU time of the client's process, a request", heads, rows)]
    stock, ours = _connections()
    group.reach("connections, requests one by one", "0 extra", f"{ours} against {stock}", ours <= stock)
    group.notes += [
        "A ratio is the median over blocks that alternate, in several processes; its 95 % interval is bootstrapped "
        'over them. "Stock by stock" is a second stock client measured against the first in the same way: what it is '
        "away from 1 is noise, of the machine and of where Python happens to put its objects.",
        "Function calls are counted by cProfile, in the thread that sends: they don't depend on what else the machine "
        "does. With 64 parallel threads there is nothing to count there.",
    ]
    return group


def _gather(processes: int, rounds: int) -> tuple[dict[str, dict[str, list[Any]]], dict[str, dict[str, float]]]:
    """The samples of every kind of request by client, and the function calls."""
    found: dict[str, dict[str, list[Any]]] = {}
    calls: dict[str, dict[str, float]] = {}
    for aiohttp in ("with", "without"):
        for _ in range(processes):
            (samples, counted), _ = _worker(aiohttp, rounds)
            for mode, by_client in samples.items():
                label = mode if mode.startswith("sync") else f"{mode}, {aiohttp} aiohttp"
                calls[label] = counted[mode]
                so_far = found.setdefault(label, {name: [] for name in by_client})
                for name, new in by_client.items():
                    so_far[name] += new
    return found, calls


def _connections() -> tuple[int, int]:
    """How many connections the stock client and ours made for the same requests, one after another."""
    pairs = [_worker(aiohttp, 0)[1] for aiohttp in ("with", "without")]
    return sum(stock for stock, *_ in pairs), sum(ours for _, ours, *_ in pairs)


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
