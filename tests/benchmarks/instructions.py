"""Instructions a request, counted by valgrind: not the clock's noise, but sockets' and the collector's remains.

Takes a quarter of an hour, and two counts of the same differed by 2 %.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys

from . import requests_worker
from .report import Group, Table
from .requests import LIMIT, bare
from .requests_worker import KEY
from .servers import ROOT, Servers

MODES = ("sync", "async, with aiohttp", "async, without aiohttp")
FEW, MANY = 5, 45


def run(*, smoke: bool) -> Group:
    """Count."""
    group = Group("instructions", "A request, in instructions")
    if shutil.which("valgrind") is None:
        group.skipped.append("valgrind is not installed")
        return group
    rows = []
    with Servers(KEY) as servers:
        for mode in MODES[:1] if smoke else MODES:
            stock, ours = (_a_request(who, mode, servers.where["one"], smoke) for who in ("stock", "ours"))
            ratio = ours / stock
            text = f"{ratio:.4f} x ({stock / 1e6:.2f} million, {ours - stock:+,.0f})"
            group.reach(f"{mode}, alone", f"<= {LIMIT} x stock's", text, ratio <= LIMIT)
            rows.append([mode, f"{stock:,.0f}", f"{ours:,.0f}", f"{ratio:.4f}"])
    group.tables = [Table("Instructions a request, counted by callgrind", ["request", "stock", "ours", "ratio"], rows)]
    group.notes.append(
        f"The difference of a process with {MANY} requests and one with {FEW}, by {MANY - FEW}; two counts of the same "
        "differed by 2 %."
    )
    return group


def _a_request(who: str, mode: str, url: str, smoke: bool) -> float:
    few, many = (1, 2) if smoke else (FEW, MANY)
    return (_count(who, mode, url, many) - _count(who, mode, url, few)) / (many - few)


def _count(who: str, mode: str, url: str, requests: int) -> int:
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    command = [*valgrind, sys.executable, "-m", __name__, who, mode, url, str(requests)]
    environment = {**bare(), "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    match = re.search(r"Collected : (\d+)", done.stderr)
    assert match is not None, done.stderr
    return int(match[1])


def _send() -> None:
    who, mode, url, requests = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    if "without" in mode:
        sys.modules["aiohttp"] = None  # type: ignore[assignment]
    client = (requests_worker._stock if who == "stock" else requests_worker._ours)(url)
    if mode == "sync":
        for _ in range(requests):
            requests_worker._ask(client)
    else:
        asyncio.run(_asend(client, requests))
    sys.stdout.flush()
    os._exit(0)


async def _asend(client: object, requests: int) -> None:
    for _ in range(requests):
        await requests_worker._aask(client)


if __name__ == "__main__":
    _send()
