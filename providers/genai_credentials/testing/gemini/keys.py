"""The keys of `FakeGemini`: which keys it accepts, and how it refuses all others."""

from __future__ import annotations

import gzip
import threading
from typing import Literal

from genai_credentials.testing.gemini import live
from genai_credentials.testing.gemini.call import is_for_openai
from genai_credentials.testing.gemini.wire import Answer, RecordedRequest
from genai_credentials.testing.refusals import JSON, REFUSALS, Refusal, error_body

__all__ = ["Keys"]

_KEY_IN_URL = Refusal(
    "key_in_url",
    400,
    error_body(400, "FakeGemini: an API key must never be in a URL.", "INVALID_ARGUMENT"),
    JSON,
    "untouched",
)


class Keys:
    """The accepted keys, and the form of the refusals. Thread-safe. Its arguments are arguments of `FakeGemini`."""

    def __init__(self, keys: tuple[str, ...], refusal: str, key_in_url: bool) -> None:
        self._judging = threading.Lock()
        self._keys = frozenset(keys)
        self._refusal = _refusal(refusal)
        self._revoked: dict[str, Refusal] = {}
        self._form = _Form()
        self._live_close: tuple[int, str] | None = None
        self._accepted = self._refused = 0
        self._key_in_url = key_in_url

    @property
    def keys(self) -> frozenset[str]:
        """The keys that the API accepts now."""
        return self._keys

    def accept(self, key: str) -> None:
        """Accept `key` from now on."""
        with self._judging:
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
        with self._judging:
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

    @property
    def accepted(self) -> int:
        """How many requests were accepted because of their key. Chunks of an upload carry no key and do not count."""
        return self._accepted

    @property
    def refused(self) -> int:
        """How many requests were refused because of their key, or because they carried no key."""
        return self._refused

    def _refuse(self, request: RecordedRequest) -> Answer | None:
        row = self._key_in_url_refused(request) or _misuse(request) or self._row(request.key)
        with self._judging:
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
