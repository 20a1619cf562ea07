"""A fake of the Gemini API on loopback, for tests: real sockets, real error answers, and keys that tests can revoke."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Literal, Self

from genai_credentials.testing.gemini import live, routes
from genai_credentials.testing.gemini.call import Uploads, is_for_openai
from genai_credentials.testing.gemini.wire import Answer, Authority, RecordedRequest, Server
from genai_credentials.testing.refusals import HTML, JSON, REFUSALS, Refusal, error_body

__all__ = ["FakeGemini", "RecordedRequest"]

_KEY_IN_URL = Refusal(
    "key_in_url",
    400,
    error_body(400, "FakeGemini: an API key must never be in a URL.", "INVALID_ARGUMENT"),
    JSON,
    "untouched",
)


class FakeGemini:
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
        self.stream_gate = threading.Event()
        """While this event is cleared, streams stop after their first chunk."""
        self.stream_gate.set()
        self.on_request: Callable[[RecordedRequest], object] | None = None
        """Called with each request before it is answered, in the thread of the connection; None calls nothing."""
        self._keys = frozenset(keys)
        self._refusal = _refusal(refusal)
        self._form = _Form()
        self._live_close: tuple[int, str] | None = None
        self._revoked: dict[str, Refusal] = {}
        self._faults: deque[_Fault] = deque()
        self._redirects: list[tuple[str, str, int]] = []
        self._uploads = Uploads("https" if tls else "http")
        self._changed = threading.Condition()
        self._requests: list[RecordedRequest] = []
        self._accepted = self._refused = 0
        self._host, self._tls, self._key_in_url = host, tls, key_in_url
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

    # Keys

    @property
    def keys(self) -> frozenset[str]:
        """The keys that the API accepts now."""
        return self._keys

    def accept(self, key: str) -> None:
        """Accept `key` from now on."""
        with self._changed:
            self._keys |= {key}
            self._revoked.pop(key, None)

    def revoke(self, key: str, refusal: str | None = None) -> None:
        """Refuse `key` from now on.

        Args:
            key: The key. It may be unknown to the API.
            refusal: The name of the row of `REFUSALS` that answers this key; None for the row of all refused keys.

        Raises:
            ValueError: There is no such row.
        """
        row = None if refusal is None else _refusal(refusal)
        with self._changed:
            self._keys -= {key}
            self._revoked.pop(key, None)
            if row is not None:
                self._revoked[key] = row

    def refuse_with(
        self,
        refusal: str,
        *,
        encoding: Literal["gzip"] | None = None,
        chunked: bool = False,
        as_list: bool = False,
        truncate: int | None = None,
    ) -> None:
        """Set the answer to unknown and revoked keys. A row given to `revoke` for one key has precedence.

        Args:
            refusal: The name of the row of `REFUSALS`.
            encoding: "gzip" compresses the answer; None sends it uncompressed.
            chunked: True sends the answer in chunks, without a length.
            as_list: True wraps the answer in a list of one, as the API does for some streams.
            truncate: The number of bytes after which the answer is cut off, before the compression; None sends all
                bytes.

        Raises:
            ValueError: There is no such row.
        """
        self._refusal = _refusal(refusal)
        self._form = _Form(encoding, chunked, as_list, truncate)

    def refuse_live_with(self, close_code: int | None, reason: str = "") -> None:
        """Set the answer to WebSocket handshakes with an unknown or revoked key.

        Args:
            close_code: A code accepts the handshake and closes with this code at the first message. None refuses the
                handshake like every other request, which is the default.
            reason: The close reason, at most 123 bytes.
        """
        self._live_close = None if close_code is None else (close_code, reason)

    @property
    def live_refusal(self) -> Literal["handshake", "close"]:
        """The moment at which a WebSocket with a bad key is refused."""
        return "handshake" if self._live_close is None else "close"

    # Faults

    def answer_next(
        self,
        status: int,
        body: bytes | str | dict[str, Any],
        *,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
        path: str | None = None,
    ) -> None:
        """Answer the next requests with this, whichever key they carry.

        Args:
            status: The HTTP status.
            body: The body. A dict is sent as JSON.
            headers: Further headers. A Content-Type in them replaces the type that is guessed from the body. None: no
                more.
            times: The number of requests.
            path: Only requests whose path contains this text; None for every request.
        """
        canned = _canned(status, body, dict(headers or {}))
        with self._changed:
            self._faults.extend([_Fault(canned, path)] * times)

    def redirect(self, path_contains: str, location: str, status: int = 307) -> None:
        """Redirect every request whose path contains `path_contains`.

        Args:
            path_contains: A part of the path.
            location: The target. The path and the query of the request are added to a bare origin. Other values are
                sent unchanged.
            status: The HTTP status. With 307 and 308, clients keep the method and the body.
        """
        with self._changed:
            self._redirects.append((path_contains, location, status))

    @contextlib.contextmanager
    def hold_streams(self) -> Iterator[None]:
        """Stop streams after their first chunk until the block ends."""
        self.stream_gate.clear()
        try:
            yield
        finally:
            self.stream_gate.set()

    # What happened

    @property
    def requests(self) -> list[RecordedRequest]:
        """Every request so far, in order of arrival."""
        with self._changed:
            return list(self._requests)

    @property
    def accepted(self) -> int:
        """How many requests were accepted because of their key. Chunks of an upload carry no key and do not count."""
        return self._accepted

    @property
    def refused(self) -> int:
        """How many requests were refused because of their key, or because they carried no key."""
        return self._refused

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

    def _fault(self, request: RecordedRequest) -> Answer | None:
        if not self._faults:
            return None
        with self._changed:
            for fault in self._faults:
                if fault.path is None or fault.path in request.path:
                    self._faults.remove(fault)
                    return fault.answer
        return None

    def _redirected(self, request: RecordedRequest) -> Answer | None:
        for part, location, status in self._redirects:
            if part in request.path:
                bare = location.count("/") == 2
                own = request.path + (f"?{request.query}" if request.query else "")
                return Answer(status, headers=(("Location", location + own if bare else location),))
        return None

    def _refuse(self, request: RecordedRequest) -> Answer | None:
        row = self._key_in_url_refused(request) or _misuse(request) or self._row(request.key)
        with self._changed:
            self._accepted += row is None
            self._refused += row is not None
        if row is None:
            return None
        if self._live_close is not None and live.is_live(request):
            return live.refuse(*self._live_close)
        return self._form.answer(row, request)

    def _key_in_url_refused(self, request: RecordedRequest) -> Refusal | None:
        in_url = any(pair.startswith("key=") for pair in request.query.split("&"))
        return _KEY_IN_URL if in_url and not self._key_in_url else None

    def _row(self, key: str | None) -> Refusal | None:
        if key is None:
            return REFUSALS["unregistered_callers"]
        return None if key in self._keys else self._revoked.get(key, self._refusal)

    def _gated(self, stream: Iterator[bytes]) -> Iterator[bytes]:
        yield next(stream)
        for chunk in stream:
            self.stream_gate.wait()
            yield chunk


class _Fault:
    """A planned answer, and the part of the path that a request must have; None for every request."""

    def __init__(self, answer: Answer, path: str | None) -> None:
        self.answer, self.path = answer, path


class _Form:
    """The form of refusals on the wire. The arguments are those of `FakeGemini.refuse_with`."""

    def __init__(
        self, encoding: str | None = None, chunked: bool = False, as_list: bool = False, truncate: int | None = None
    ) -> None:
        self.encoding, self.chunked, self.as_list, self.truncate = encoding, chunked, as_list, truncate

    def answer(self, refusal: Refusal, request: RecordedRequest) -> Answer:
        body = refusal.body_for(request.key)
        if self.as_list or (refusal.is_googles and is_for_openai(request.path)):
            body = b"[" + body + b"]"
        body = body[: self.truncate]
        headers: tuple[tuple[str, str], ...] = ()
        if self.encoding == "gzip":
            body, headers = gzip.compress(body, 1), (("Content-Encoding", "gzip"),)
        return Answer(refusal.status, body, refusal.content_type, headers, self.chunked)


def _misuse(request: RecordedRequest) -> Refusal | None:
    """Return the API's answer to a request that no key could make valid; None for other requests."""
    keys = {value for name, value in request.headers if name == "x-goog-api-key"}
    bearer = any(name == "authorization" and value[:7].lower() == "bearer " for name, value in request.headers)
    if len(keys) + bearer > 1 and not request.path.endswith("files:register"):
        return REFUSALS["multiple_credentials"]
    if bearer and request.key is None:
        return REFUSALS["unauthenticated_plain"]
    return None


def _refusal(name: str) -> Refusal:
    try:
        return REFUSALS[name]
    except KeyError:
        raise ValueError(f"no refusal called {name!r}; there are {', '.join(sorted(REFUSALS))}") from None


def _canned(status: int, body: bytes | str | dict[str, Any], headers: dict[str, str]) -> Answer:
    if isinstance(body, dict):
        body = json.dumps(body)
    raw = body.encode() if isinstance(body, str) else body
    guess = JSON if raw[:1] in (b"{", b"[") else HTML if raw else ""
    given = [value for name, value in headers.items() if name.lower() == "content-type"]
    rest = tuple((name, value) for name, value in headers.items() if name.lower() != "content-type")
    return Answer(status, raw, given[0] if given else guess, rest)
