"""A fake of the API Keys API on loopback. Clients make, find, mark, delete and restore keys over real HTTP.

```python
with FakeGemini() as api, FakeApiKeys(api, live_after=0.5) as keys:
    old = keys.add("AIzaSy-made-by-hand")
    issuer = GoogleApiKeys("acme", base_url=keys.base_url, credentials=keys.credentials())
```
"""

from __future__ import annotations

import json
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from genai_credentials.testing.api_keys.planned_answers import PlannedAnswers
from genai_credentials.testing.api_keys.propagation import Propagation
from genai_credentials.testing.api_keys.service import ApiKeysService, Key
from genai_credentials.testing.gemini import FakeGemini
from genai_credentials.testing.gemini.listener import Server
from genai_credentials.testing.gemini.wire import Answer, RecordedRequest
from genai_credentials.testing.servers import RefusedError

__all__ = ["FakeApiKeys"]

TOKEN = "fake-access-token"
NUMBER = "123456789012"
_TOKEN_PATH = "/token"
_WRITES = ("create", "patch", "delete", "undelete")


class FakeApiKeys(PlannedAnswers):
    """A fake of the API Keys API (apikeys.googleapis.com, v2) on loopback, connected to servers of the Gemini API.

    The servers accept a key that is made or restored, and refuse a deleted key. Names in answers contain the number of
    the project, as Google's do. Each call needs an access token and the header `x-goog-user-project`.

    Args:
        servers: The servers of the Gemini API that accept and refuse its keys.
        project: The id of the project.
        live_after: Seconds until a new key is accepted: one number for each server, or one number for all.
        flaps_for: Seconds in which a deleted key is accepted and refused in turn.
        polls: How often an operation answers that it is not done yet.
        quota: Calls per minute, for "reads" and for "writes". A missing name has no limit. None: no limits.
        others: The numbers of further projects, by id, in which the caller has permission. None: no further projects.
    """

    def __init__(
        self,
        *servers: FakeGemini,
        project: str = "acme",
        live_after: float | Sequence[float] = 0.0,
        flaps_for: float = 0.0,
        polls: int = 1,
        quota: Mapping[str, int] | None = None,
        others: Mapping[str, str] | None = None,
    ) -> None:
        late = [float(live_after)] * len(servers) if isinstance(live_after, (int, float)) else list(live_after)
        self.project = project
        self.on_change: Callable[[str, str], object] | None = None
        """Called with the method and the id of the key after each change, before the answer; None calls nothing."""
        self.on_call: Callable[[str], object] | None = None
        """Called with the method of each call before it is processed, in the connection's thread; None calls nothing.
        """
        self._propagation = Propagation(servers, late, flaps_for)
        self._service = ApiKeysService({project: NUMBER, **(others or {})}, polls, self._changed)
        super().__init__()
        self._requests: list[RecordedRequest] = []
        self._methods: list[str] = []
        self._quota, self._counted = dict(quota or {}), deque[tuple[str, float]]()
        self._server: Server | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def start(self) -> None:
        """Start the server. A second call does nothing."""
        if self._server is None:
            self._server = Server("127.0.0.1", self._answer)

    def close(self) -> None:
        """Stop the server. The records can still be read. A second call does nothing."""
        server, self._server = self._server, None
        if server is not None:
            self._propagation.close()
            server.close()

    @property
    def base_url(self) -> str:
        """The URL of the server, without a slash at the end. Raises a RuntimeError before the start."""
        if self._server is None:
            raise RuntimeError("FakeApiKeys is not running: use it as a context manager, or call start() first")
        return f"http://127.0.0.1:{self._server.port}"

    # Credentials

    def credentials(self) -> Any:
        """Return Google credentials that this fake accepts, for `GoogleApiKeys(credentials=…)`."""
        from google.oauth2.credentials import Credentials

        return Credentials(TOKEN)  # type: ignore[no-untyped-call]

    def write_credentials(self, path: str | Path) -> Path:
        """Write the file of a service account, for GOOGLE_APPLICATION_CREDENTIALS. Its tokens come from this fake.

        Args:
            path: The path of the file. Only its owner may read it.

        Raises:
            ImportError: The package cryptography is not installed.
        """
        document = {
            "type": "service_account",
            "project_id": self.project,
            "client_email": f"rotator@{self.project}.iam.gserviceaccount.com",
            "private_key_id": uuid.uuid4().hex,
            "private_key": _private_key(),
            "token_uri": f"{self.base_url}{_TOKEN_PATH}",
        }
        path = Path(path)
        path.touch(mode=0o600)
        path.write_text(json.dumps(document))
        return path

    # Keys

    @property
    def live_after(self) -> Sequence[float]:
        """Seconds until each server accepts a new key. It can be set."""
        return self._propagation.live_after

    @live_after.setter
    def live_after(self, seconds: Sequence[float]) -> None:
        self._propagation.live_after = seconds

    def add(
        self,
        text: str,
        *,
        key_id: str | None = None,
        restrictions: Mapping[str, Any] | None = None,
        service_account: str | None = None,
        annotations: Mapping[str, str] | None = None,
        project_number: str = NUMBER,
    ) -> str:
        """Make a key by hand, as in a console. It is live at once. Returns its id.

        Args:
            text: The text of the key.
            key_id: Its id; None makes a UUID, as the console does.
            restrictions: As in the API; None for no restrictions.
            service_account: The e-mail address of the bound account; None for no account.
            annotations: As in the API; None for no annotations.
            project_number: The number of its project. A lookup fails if the caller has no permission in that project.
        """
        given = {"restrictions": restrictions, "serviceAccountEmail": service_account, "annotations": annotations}
        body = {"displayName": "made by hand", **{name: value for name, value in given.items() if value}}
        with self._lock:
            key = self._service.add(text, key_id or str(uuid.uuid4()), project_number, body)
            for server in self._propagation.servers:
                server.accept(text)
        return key.id

    def change(self, key_id: str, **parts: Any) -> None:
        """Change a key without the API.

        `created` and `deleted` are times. `body` holds the members that its owner may set.
        """
        with self._lock:
            for name, value in parts.items():
                setattr(self._find(key_id), name, value)

    @property
    def keys(self) -> dict[str, dict[str, Any]]:
        """The keys of the project as the API shows them, by id, in the order of creation. Deleted keys are included."""
        with self._lock:
            return {key.id: key.resource() for key in self._service.keys.values() if key.project == NUMBER}

    def text(self, key_id: str) -> str:
        """Return the text of a key."""
        with self._lock:
            return self._find(key_id).text

    def _find(self, key_id: str) -> Key:
        return self._service.keys[NUMBER, key_id]

    # What happened

    @property
    def requests(self) -> list[RecordedRequest]:
        """Every request so far, also for tokens, in order of arrival."""
        with self._lock:
            return list(self._requests)

    @property
    def methods(self) -> list[str]:
        """The methods that were called, in order, refused calls included."""
        with self._lock:
            return list(self._methods)

    def _changed(self, method: str, key: Key) -> None:
        if method in ("create", "undelete"):
            self._propagation.begin(key.text)
        elif method == "delete":
            self._propagation.end(key.text)
        if self.on_change is not None:
            self.on_change(method, key.id)

    # Answers

    def _answer(self, request: RecordedRequest) -> Answer:
        if self.on_call is not None:
            self.on_call(self._service.method_of(request.method, request.path))
        with self._lock:
            self._requests.append(request)
            if request.path == _TOKEN_PATH:
                return _json(200, {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})
            method = self._service.method_of(request.method, request.path)
            self._methods.append(method)
            if (order := self._planned_for(method)) is not None:
                if order.is_done:
                    self._done(request, method)
                return _json(order.status, order.body)
            return self._done(request, method)

    def _done(self, request: RecordedRequest, method: str) -> Answer:
        try:
            self._admit(request, method)
            body = json.loads(request.body or b"{}")
            return _json(200, self._service.answer(request.method, request.path, request.query, body))
        except RefusedError as refusal:
            error = {"code": refusal.status, "message": refusal.message, "status": refusal.code}
            return _json(refusal.status, {"error": error})

    def _admit(self, request: RecordedRequest, method: str) -> None:
        if request.header("authorization") != f"Bearer {TOKEN}":
            raise RefusedError("UNAUTHENTICATED", "Request had invalid authentication credentials.", 401)
        if request.header("x-goog-user-project") not in (self.project, NUMBER):
            raise RefusedError("PERMISSION_DENIED", "API Keys API has not been used in project 764086051850.", 403)
        self._count("writes" if method in _WRITES else "reads")

    def _count(self, kind: str) -> None:
        now = time.monotonic()
        while self._counted and self._counted[0][1] < now - 60:
            self._counted.popleft()
        if sum(counted == kind for counted, _ in self._counted) >= self._quota.get(kind, 1 << 30):
            raise RefusedError("RESOURCE_EXHAUSTED", f"Quota exceeded for {kind} per minute.", 429)
        self._counted.append((kind, now))


def _json(status: int, body: dict[str, Any]) -> Answer:
    return Answer(status, json.dumps(body).encode())


def _private_key() -> str:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa
    except ImportError as error:
        raise ImportError(f"{error}; write_credentials() needs: pip install cryptography") from error
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return text.decode()
