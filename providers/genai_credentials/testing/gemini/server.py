"""A fake of the Gemini API on loopback, for tests: real sockets, real error answers, and keys that tests can revoke."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Self

from genai_credentials.testing.gemini import live, routes
from genai_credentials.testing.gemini.authority import Authority
from genai_credentials.testing.gemini.call import Uploads
from genai_credentials.testing.gemini.faults import Faults
from genai_credentials.testing.gemini.keys import Keys
from genai_credentials.testing.gemini.listener import Server
from genai_credentials.testing.gemini.wire import Answer, RecordedRequest

__all__ = ["FakeGemini", "RecordedRequest"]


class FakeGemini(Keys, Faults):
    """A fake of the Gemini API on loopback.

    Args:
        keys: The keys that it accepts.
        refusal: The name of the row of `REFUSALS` that answers unknown and revoked keys.
        tls: True serves https and wss, which the Live API needs. This requires the package trustme.
        host: The address to listen on.
        key_in_url: True accepts a key in `?key=`, as the real API does. By default such a request is refused, so that a
            test fails if a client writes keys into URLs. The Live API of the JavaScript SDK writes the key there.

    Raises:
        ValueError: `refusal` is no row of `REFUSALS`.
    """

    def __init__(
        self,
        *keys: str,
        refusal: str = "API_KEY_INVALID",
        tls: bool = False,
        host: str = "127.0.0.1",
        key_in_url: bool = False,
    ) -> None:
        Keys.__init__(self, keys, refusal, key_in_url)
        Faults.__init__(self)
        self.on_request: Callable[[RecordedRequest], object] | None = None
        """Called with each request before it is answered, in the thread of the connection; None calls nothing."""
        self._uploads = Uploads("https" if tls else "http")
        self._changed = threading.Condition()
        self._requests: list[RecordedRequest] = []
        self._host, self._tls = host, tls
        self._server: Server | None = None
        self._authority: Authority | None = None
        self._connections = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the server. A second call does nothing."""
        if self._server is None:
            self._authority = Authority("127.0.0.1", "localhost", self._host) if self._tls else None
            tls = self._authority.context if self._authority else None
            self._server = Server(self._host, self._answer, tls)

    def close(self) -> None:
        """Stop the server and close every socket. The records can still be read. A second call does nothing."""
        server, self._server = self._server, None
        if server is not None:
            self.stream_gate.set()
            server.close()
            self._connections += server.connections
        authority, self._authority = self._authority, None
        if authority is not None:
            authority.close()

    @property
    def base_url(self) -> str:
        """The URL of the server, without a slash at the end. Raises a RuntimeError before the start."""
        if self._server is None:
            raise RuntimeError("FakeGemini is not running: use it as a context manager, or call start() first")
        return f"http{'s' if self._tls else ''}://{self._host}:{self._server.port}"

    @property
    def ca_file(self) -> str | None:
        """The path of the certificate authority to trust; None without TLS, and while the server is not running."""
        return self._authority.ca_file if self._authority else None

    # What happened

    @property
    def requests(self) -> list[RecordedRequest]:
        """Every request so far, in order of arrival."""
        with self._changed:
            return list(self._requests)

    @property
    def connections(self) -> int:
        """How many TCP connections were accepted."""
        return self._connections + (self._server.connections if self._server else 0)

    def wait_for_requests(self, n: int, timeout: float = 10.0) -> list[RecordedRequest]:
        """Wait until `n` requests in all have arrived, answered or not, and return them.

        Args:
            n: The number of requests since the start.
            timeout: Seconds to wait at most.

        Raises:
            TimeoutError: Fewer requests arrived in this time.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._requests) >= n, timeout):
                raise TimeoutError(f"{len(self._requests)} of {n} requests arrived within {timeout} s")
            return list(self._requests)

    # Answers

    def _answer(self, request: RecordedRequest) -> Answer:
        with self._changed:
            number = len(self._requests)
            self._requests.append(request)
            self._changed.notify_all()
        if self.on_request is not None:
            self.on_request(request)
        answer = self._decide(request)
        if answer.stream is not None:
            answer.stream = self._gated(answer.stream)
        with self._changed:
            self._requests[number] = replace(request, status=answer.status)
        return answer

    def _decide(self, request: RecordedRequest) -> Answer:
        return (
            self._fault(request)
            or self._redirected(request)
            or self._uploads.chunk(request)
            or self._refuse(request)
            or self._serve(request)
        )

    def _serve(self, request: RecordedRequest) -> Answer:
        if live.is_live(request):
            return live.answer(request)
        return routes.answer(request, self._uploads)
