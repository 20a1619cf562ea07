"""The proxy as a process of its own, and an upstream whose every byte a test decides."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-c", "from genai_credentials.cli import main; main()", "proxy"]


class RunningProxy:
    """`genai-credentials proxy --json`, which is ended with the block.

    Args:
        directory: Where its token and its log go.
        arguments: Of the command.
        environ: Variables beside those of this process.
    """

    def __init__(self, directory: Path, *arguments: str, **environ: str) -> None:
        self.log_path = directory / "proxy.log"
        self._log = self.log_path.open("w")
        port = [] if "--unix" in arguments or "--port" in arguments else ["--port", "0"]
        self.process = subprocess.Popen(
            [*COMMAND, "--json", *port, *arguments],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**os.environ, "XDG_STATE_HOME": str(directory / "state"), **environ},
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait(10)
            raise AssertionError(self.log)
        self.document: dict[str, Any] = json.loads(line)

    @property
    def url(self) -> str:
        """Where it listens."""
        return str(self.document["url"])

    @property
    def port(self) -> int:
        """Its port."""
        return int(self.url.rpartition(":")[2])

    @property
    def token(self) -> str:
        """What a client shows."""
        return Path(self.document["token_file"]).read_text().strip()

    @property
    def log(self) -> str:
        """What it wrote to stderr."""
        return self.log_path.read_text()

    def files(self) -> int:
        """How many files it has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def memory(self) -> int:
        """Bytes of memory that it holds."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def raw(self, data: bytes, *, half_close: bool = False, host: str = "127.0.0.1", seconds: float = 1.0) -> bytes:
        """All that it answers to these bytes, until it closes or is silent for a while."""
        with socket.create_connection((host, self.port), 5) as sock:
            sock.sendall(data)
            if half_close:
                sock.shutdown(socket.SHUT_WR)
            return received(sock, seconds)

    def request(self, head: str, body: bytes = b"", *, token: bool = True, host: str | None = None) -> bytes:
        """All that it answers to one request; `head` is its first line and further headers, without the version."""
        first, *headers = head.split("\n")
        lines = [f"{first} HTTP/1.1", f"Host: {host or f'127.0.0.1:{self.port}'}", *headers, "Connection: close"]
        lines += [f"x-goog-api-key: {self.token}"] if token else []
        # The connection closes after the answer, which may take the patience that replicas of the API need.
        return self.raw("\r\n".join([*lines, "", ""]).encode() + body, seconds=20.0)

    def close(self) -> int:
        """End it, and return its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()
        return code

    def __enter__(self) -> RunningProxy:
        return self

    def __exit__(self, *about: object) -> None:
        self.close()


def received(sock: socket.socket, seconds: float = 1.0) -> bytes:
    """All bytes until the other side closes; a break is the end, too."""
    sock.settimeout(seconds)
    parts = []
    with contextlib.suppress(OSError):
        while part := sock.recv(65536):
            parts.append(part)
    return b"".join(parts)


def status_of(answer: bytes) -> int:
    """The status of an answer; 0 where there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0


def body_of(answer: bytes) -> bytes:
    """What comes after the headers."""
    return answer.partition(b"\r\n\r\n")[2]


def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait for it."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


class Script:
    """A server that runs a function for each connection, in a thread of its own."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self.serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.connections = 0
        self.seen: list[bytes] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._run, args=(sock,), daemon=True).start()

    def _run(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            self.serve(sock)

    def head(self, sock: socket.socket) -> bytes:
        """A request's head, and what came with it; b"" once the other side has closed."""
        data = b""
        while b"\r\n\r\n" not in data:
            if not (part := sock.recv(65536)):
                return b""
            data += part
        self.seen.append(data)
        return data

    def __enter__(self) -> Script:
        return self

    def __exit__(self, *about: object) -> None:
        # Closing alone doesn't wake the thread that accepts.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def answer_with(self, *answers: bytes) -> None:
        """Give these answers from now on, one a request and the last for all others, and close after each."""
        left = list(answers)

        def serve(sock: socket.socket) -> None:
            if self.head(sock):
                sock.sendall(left.pop(0) if len(left) > 1 else left[0])

        self.serve = serve


@contextlib.contextmanager
def answering(*answers: bytes) -> Iterator[Script]:
    """A server that gives these answers."""
    with Script(lambda sock: None) as script:
        script.answer_with(*answers)
        yield script
