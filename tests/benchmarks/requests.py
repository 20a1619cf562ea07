"""A request: our client against the stock one, on loopback, the server in another process."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from typing import Any

from .report import Group, Table
from .requests_worker import KEY
from .servers import ROOT, Servers

CPU, WALL, FIRST = range(3)
LIMIT = 1.02


def run(*, smoke: bool) -> Group:
    """Measure."""
    group = Group("requests", "A request")
    found, extra = {}, {}
    # Each in two processes: where Python puts its objects is worth a per cent or two, and differs from one to the next.
    for aiohttp in ("with", "without"):
        parts = [_worker(aiohttp, 1 if smoke else 18) for _ in range(1 if smoke else 2)]
        for mode in parts[0][0]:
            label = mode if mode.startswith("sync") else f"{mode}, {aiohttp} aiohttp"
            found[label] = {
                name: [sample for part in parts for sample in part[0][mode][name]] for name in ("stock", "ours")
            }
        extra[aiohttp] = max(part[1] for part in parts)
    rows = []
    for label, samples in found.items():
        low, ratio, high = _interval(samples, CPU)
        part = FIRST if "stream" in label else WALL
        _, wall, _ = _interval(samples, part)
        group.series[label] = [low, ratio, high]
        text = f"{ratio:.3f} x CPU (95 %: {low:.3f}-{high:.3f})"
        group.reach(label, f"<= {LIMIT} x stock", text, ratio <= LIMIT)
        rows.append([label, _ms(samples["stock"], CPU), _ms(samples["ours"], CPU), f"{ratio:.3f}", f"{wall:.3f}"])
    heads = ["request", "stock, CPU", "ours, CPU", "ratio", "ratio of wall time (streams: to the first chunk)"]
    group.tables = [Table("CPU time of the client's process, a request", heads, rows)]
    most = max(extra.values())
    group.reach("connections, against stock", "0 extra", f"{most:+d}", most <= 0)
    group.notes.append(
        "The ratio is the median over pairs of alternating blocks; the interval is bootstrapped over the pairs."
    )
    return group


def _worker(aiohttp: str, rounds: int) -> tuple[dict[str, Any], int]:
    with Servers(KEY) as servers:
        command = [sys.executable, "-m", f"{__package__}.requests_worker", servers.where["one"], servers.where["two"]]
        done = subprocess.run(
            [*command, aiohttp, str(rounds)], cwd=ROOT, env=bare(), stdout=subprocess.PIPE, text=True, check=True
        )
        stock, ours = servers.ask("connections")
        return json.loads(done.stdout), ours - stock


def bare() -> dict[str, str]:
    """This environment without credentials or proxies."""
    ours = ("GOOGLE_", "GEMINI_", "GENAI_", "AWS_")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(ours) and not name.upper().endswith("_PROXY")
    }


def _ms(samples: list[Any], part: int) -> str:
    return f"{statistics.median(sample[part] for sample in samples) * 1e3:.2f} ms"


def _interval(samples: dict[str, list[Any]], part: int) -> tuple[float, float, float]:
    """The median of the pairs' ratios, between the bounds of its 95 % interval."""
    from random import Random

    pairs = zip(samples["ours"], samples["stock"], strict=True)
    ratios = [ours[part] / max(stock[part], 1e-9) for ours, stock in pairs]
    random = Random(7)
    medians = sorted(statistics.median(random.choices(ratios, k=len(ratios))) for _ in range(400))
    return medians[10], statistics.median(ratios), medians[-11]
