"""The proxy against a direct call, in one run: what it adds to a request and to a first chunk, and requests a second.

The API is a server of our own that answers at once; the load and it share the machine's cores with the proxy, so each
number is below what the proxy alone could do.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from .proxy_upstream import BODY
from .report import Group, Table
from .servers import ROOT

ADDED_MS, FIRST_CHUNK_MS, RATE = 0.5, 1.0, 3_000
CONNECTIONS = 32
_COMMAND = [sys.executable, "-c", "from genai_credentials.cli import main; main()", "proxy", "--json", "--port", "0"]
_QUESTION = b'{"contents": [{"parts": [{"text": "ping"}]}]}'


class Place(NamedTuple):
    """Where requests go.

    Args:
        port: On loopback.
        key: What they show: a key, or the proxy's token.
    """

    port: int
    key: str

    def request(self, verb: str) -> bytes:
        """The bytes of one request."""
        return (
            f"POST /v1beta/models/gemini-2.5-flash:{verb} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"x-goog-api-key: {self.key}\r\nContent-Type: application/json\r\nContent-Length: {len(_QUESTION)}\r\n\r\n"
        ).encode() + _QUESTION


def run(*, smoke: bool) -> Group:
    """Measure."""
    group = Group("proxy", "The proxy")
    with _places() as (direct, proxied, process):
        rounds, times = (1, 8) if smoke else (9, 200)
        one = _alternating(lambda place: _one_by_one(place, times), direct, proxied, rounds)
        first = _alternating(lambda place: _first_chunks(place, max(4, times // 10)), direct, proxied, rounds)
        load = 64 if smoke else 20_000
        direct_rate, _ = _rate(direct, load, process)
        rate, cpu = _rate(proxied, load, process)
        memory = _memory(process)
        _rate(proxied, load, process)
        grown = _memory(process) - memory
    added, chunk = (statistics.median(b - a for a, b in zip(*pair, strict=True)) for pair in (one, first))
    group.reach("a request through the proxy", f"< {ADDED_MS} ms added", f"{added:.2f} ms", added < ADDED_MS)
    group.reach(
        "the first chunk of a stream", f"< {FIRST_CHUNK_MS:.0f} ms later", f"{chunk:.2f} ms", chunk < FIRST_CHUNK_MS
    )
    group.reach(f"requests a second, {CONNECTIONS} connections", f">= {RATE:,}", f"{rate:,.0f}/s", rate >= RATE)
    rows = [
        ["a request, median", f"{statistics.median(one[0]):.3f} ms", f"{statistics.median(one[1]):.3f} ms"],
        ["first chunk, median", f"{statistics.median(first[0]):.3f} ms", f"{statistics.median(first[1]):.3f} ms"],
        [f"requests a second at {CONNECTIONS}", f"{direct_rate:,.0f}", f"{rate:,.0f}"],
        ["the proxy's CPU for a request", "-", f"{cpu * 1000:.3f} ms"],
    ]
    group.tables.append(Table("Direct and through the proxy", ["measurement", "direct", "through the proxy"], rows))
    group.notes.append(f"{load:,} further requests grew the proxy's memory by {grown / 1e6:.1f} MB.")
    group.notes.append("The load, the API and the proxy are three processes of one machine. None of them has uvloop.")
    return group


@contextmanager
def _places() -> Iterator[tuple[Place, Place, int]]:
    """The API itself, the proxy before it, and the proxy's process."""
    upstream = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.proxy_upstream"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert upstream.stdout is not None
    assert upstream.stdin is not None
    port = int(upstream.stdout.readline())
    with tempfile.TemporaryDirectory() as folder:
        environ = {
            **os.environ,
            "XDG_STATE_HOME": folder,
            "GENAI_CREDENTIALS": "env:",
            "GEMINI_API_KEY": "AIzaBenchmark",
        }
        environ.pop("GOOGLE_API_KEY", None)
        command = [*_COMMAND, "--upstream", f"http://127.0.0.1:{port}"]
        proxy = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environ)
        assert proxy.stdout is not None
        try:
            started = json.loads(proxy.stdout.readline())
            token = Path(started["token_file"]).read_text().strip()
            yield Place(port, "AIzaBenchmark"), Place(int(started["url"].rpartition(":")[2]), token), proxy.pid
        finally:
            proxy.terminate()
            proxy.wait(30)
            upstream.stdin.close()
            upstream.wait(30)


def _alternating(
    measure: Callable[[Place], float], direct: Place, proxied: Place, rounds: int
) -> tuple[list[float], list[float]]:
    """Milliseconds of each, one number a round."""
    found: tuple[list[float], list[float]] = ([], [])
    for place in (direct, proxied):
        measure(place)
    for number in range(rounds):
        for which in (0, 1) if number % 2 else (1, 0):
            found[which].append(measure((direct, proxied)[which]) * 1000)
    return found


def _one_by_one(place: Place, times: int) -> float:
    """The median of so many requests over one connection."""
    request = place.request("generateContent")
    took = []
    with socket.create_connection(("127.0.0.1", place.port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(times):
            began = perf_counter()
            sock.sendall(request)
            _whole(sock)
            took.append(perf_counter() - began)
    return statistics.median(took)


def _whole(sock: socket.socket) -> None:
    data = b""
    while not data.endswith(BODY):
        data += _received(sock)


def _first_chunks(place: Place, times: int) -> float:
    """The median time to a stream's first chunk."""
    request = place.request("stream")
    took = []
    with socket.create_connection(("127.0.0.1", place.port)) as sock:
        for _ in range(times):
            began, data = perf_counter(), b""
            sock.sendall(request)
            while b"data: " not in data:
                data += _received(sock)
            took.append(perf_counter() - began)
            while not data.endswith(b"0\r\n\r\n"):
                data += _received(sock)
    return statistics.median(took)


def _received(sock: socket.socket) -> bytes:
    if not (data := sock.recv(65536)):
        raise RuntimeError("The connection was closed in the middle of an answer.")
    return data


def _rate(place: Place, requests: int, process: int) -> tuple[float, float]:
    """Requests a second over all connections at once, and the process's CPU seconds for each."""
    before, began = _cpu(process), perf_counter()
    asyncio.run(_load(place, requests))
    seconds = perf_counter() - began
    return requests / seconds, (_cpu(process) - before) / requests


async def _load(place: Place, requests: int) -> None:
    loop = asyncio.get_running_loop()
    request, each = place.request("generateContent"), requests // CONNECTIONS
    ended = [loop.create_future() for _ in range(CONNECTIONS)]
    for future in ended:
        await loop.create_connection(lambda future=future: _Asker(request, each, future), "127.0.0.1", place.port)
    await asyncio.gather(*ended)


class _Asker(asyncio.Protocol):
    """Sends one request after another over one connection."""

    def __init__(self, request: bytes, times: int, ended: asyncio.Future[None]) -> None:
        self._request, self._left, self._ended = request, times, ended
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called once."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """The next, once an answer is whole."""
        self._tail = (self._tail + data)[-len(BODY) :]
        if self._tail != BODY:
            return
        self._left -= 1
        self._tail = b""
        if self._left:
            self._transport.write(self._request)
        else:
            self._transport.close()
            self._ended.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        """Before its time, that is an error."""
        if not self._ended.done():
            self._ended.set_exception(error or RuntimeError("The connection was closed too early."))


def _cpu(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(process: int) -> int:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
