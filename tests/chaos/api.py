"""The Gemini API as several replicas, each of which learns of a rotation at its own time."""

from __future__ import annotations

import json
import math
import random
import socketserver
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import TracebackType
from typing import Any, Literal, Self, cast

from genai_credentials.testing import REFUSALS

Routing = Literal["random", "sticky"]
"""Which replica answers: another one for each request, or one for each connection."""

OK = json.dumps({"candidates": [{"content": {"parts": [{"text": "pong"}], "role": "model"}}]}).encode()
REFUSED = REFUSALS["API_KEY_INVALID"]


@dataclass
class Term:
    """When a key is good, at each replica: from `live_at` until `dead_at`, as `time.monotonic()` has it."""

    live_at: list[float]
    dead_at: list[float]

    def is_live(self, replica: int, at: float) -> bool:
        return self.live_at[replica] <= at < self.dead_at[replica]


class Replicas:
    """What the replicas know of the keys, and a server for each routing.

    Args:
        count: How many there are.
        dice: Where the lags come from.
    """

    def __init__(self, count: int, dice: random.Random) -> None:
        self.count, self._dice = count, dice
        self.terms: dict[str, Term] = {}
        self.sends = self.refused = 0
        self.lock = threading.Lock()
        self._servers: dict[Routing, _Server] = {}

    def admit(self, key: str, lag: float = 0.0, after: float = 0.0) -> None:
        """Let a key in, at each replica `after` seconds from now and up to `lag` seconds later."""
        self.terms[key] = Term(self._times(lag, after), [math.inf] * self.count)

    def expel(self, key: str, lag: float = 0.0, after: float = 0.0) -> None:
        """Refuse a key, at each replica `after` seconds from now and up to `lag` seconds later."""
        self.terms[key].dead_at = self._times(lag, after)

    def _times(self, lag: float, after: float) -> list[float]:
        now = time.monotonic()
        return [now + after + self._dice.uniform(0, lag) for _ in range(self.count)]

    def is_live_everywhere(self, key: str, at: float) -> bool:
        """Whether each replica takes the key."""
        return all(self.terms[key].is_live(replica, at) for replica in range(self.count))

    def judge(self, key: str | None, replica: int) -> bool:
        """Whether one replica takes a request with this key."""
        term = self.terms.get(key or "")
        good = term is not None and term.is_live(replica, time.monotonic())
        with self.lock:
            self.sends += 1
            self.refused += not good
        return good

    def url(self, routing: Routing) -> str:
        """Where the API listens."""
        return f"http://127.0.0.1:{self._servers[routing].server_port}"

    def __enter__(self) -> Self:
        for routing in ("random", "sticky"):
            server = self._servers[routing] = _Server(("127.0.0.1", 0), _Handler)
            server.replicas, server.routing = self, routing
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for server in self._servers.values():
            server.shutdown()
            server.server_close()


class _Server(socketserver.ThreadingMixIn, HTTPServer):
    daemon_threads = True
    request_queue_size = 256
    replicas: Replicas
    routing: Routing

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a client that was interrupted goes away in the middle."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server: _Server = cast(_Server, self.server)
        self.replica = random.randrange(self.server.replicas.count)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.routing == "random":
            self.replica = random.randrange(self.server.replicas.count)
        good = self.server.replicas.judge(self.headers["x-goog-api-key"], self.replica)
        body = OK if good else REFUSED.body
        self.send_response(200 if good else REFUSED.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass
