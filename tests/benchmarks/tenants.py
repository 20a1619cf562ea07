"""Many keys: a request and the memory of thin clients against full clients, one for each tenant."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import Any

from .report import Group, Table
from .requests import bare
from .servers import ROOT, Servers

KEY = "AIzaBenchmark"
OURS, ANEW = "Tenants: a thin client, kept", "Tenants: clients[name] for each request"
FULL = "a stock client for each tenant, kept"
ONE = "CredentialProvider.client(), one key"
LRU, EACH = "an LRU of 100 stock clients, 200 tenants", "a stock client for each request"
TENANTS = 10_000
FEWER = 100
"""So many full clients are measured, and counted up: ten thousand would need 24 GB."""
MOST_MEMORY, MOST_CALLS = 200.0, 1.03


def run(*, smoke: bool) -> Group:
    """Measure."""
    group = Group("tenants", "Many keys")
    with Servers(KEY) as servers:
        url = servers.where["one"]
        cpu: dict[str, list[float]] = _worker("requests", url, 1 if smoke else 15)
        calls: dict[str, float] = _worker("calls", url, 1)
        ours, full = (_worker(kind, url, number) for kind, number in _sizes(smoke).items())
    times = calls[OURS] / calls[ONE]
    group.reach("function calls of a request", f"<= {MOST_CALLS} x {ONE}", f"{times:.3f} x", times <= MOST_CALLS)
    memory, of_full = ours["mb"] / ours["number"] * TENANTS, full["mb"] / full["number"] * TENANTS
    text = f"{memory:,.0f} MB"
    group.reach(f"{TENANTS:,} tenants with their clients", f"< {MOST_MEMORY:g} MB", text, memory < MOST_MEMORY)
    medians = {name: statistics.median(of) for name, of in cpu.items()}
    rows = [
        [name, f"{of * 1e3:.2f} ms", f"{of / medians[ONE]:.2f}", f"{calls[name]:,.0f}"] for name, of in medians.items()
    ]
    group.tables = [
        Table("CPU time per request, in the client's process", ["client", "CPU", "ratio", "function calls"], rows),
        Table(
            f"{TENANTS:,} tenants with their clients",
            ["client", "memory", "per tenant", "CPU time to make one and send a request"],
            [_row(OURS, memory, ours), _row(FULL, of_full, full)],
        ),
    ]
    group.series = {"cpu": medians, "memory": {OURS: memory, FULL: of_full}}
    group.notes = [
        f"Memory is the growth of the process. It was measured with {ours['number']:,} thin clients. For stock clients "
        f"it was measured with {full['number']:,} and multiplied.",
        "The tenants take turns. So an LRU cache with fewer places than tenants makes a client for each request.",
    ]
    return group


def _sizes(smoke: bool) -> dict[str, int]:
    return {"thin": 50, "full": 5} if smoke else {"thin": TENANTS, "full": FEWER}


def _row(name: str, memory: float, found: dict[str, float]) -> list[str]:
    number = found["number"]
    return [
        name,
        f"{memory:,.0f} MB",
        f"{found['mb'] / number * 1024:,.1f} KB",
        f"{found['cpu'] / number * 1e3:.2f} ms",
    ]


def _worker(*arguments: Any) -> Any:
    command = [sys.executable, "-m", f"{__package__}.tenants_worker", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=bare(), stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)
