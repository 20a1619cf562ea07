"""A fake of AWS's agent for secrets on loopback, with a Secrets Manager behind it.

```python
with AWSAgentEmulator() as agent:
    agent.add("prod/gemini", "AIza-first")
    monkeypatch.setenv("AWS_TOKEN", agent.token)
    provider = AWSAgent("prod/gemini", port=agent.port)
```
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from genai_credentials.testing.servers import Fault, RefusedError, StoreServer
from genai_credentials.testing.stores.aws_service import AWSService
from genai_credentials.testing.stores.keep_alive import Answer, KeepAliveServer, Request

__all__ = ["AWSAgentEmulator"]

Json = dict[str, Any]

_TOKEN_HEADER = "x-aws-parameters-secrets-token"
_PARAMETERS = {"secretId": "SecretId", "versionId": "VersionId", "versionStage": "VersionStage"}
_SWITCHES = {"true": True, "1": True, "false": False, "0": False}


class AWSAgentEmulator(StoreServer[dict[str, str]]):
    """A fake of the AWS Workload Credentials Provider, or of the Lambda extension.

    Until 2026, AWS called the provider AWS Secrets Manager Agent. Like that agent, this fake caches answers of its
    store for `ttl` seconds. `refreshNow=true` makes it read from the store at once. If that read fails, the error is
    the answer, and the cached value stays.

    The content of an answer is fixed when the call arrives: `hold` and `delay` only send it later.

    Source: https://github.com/aws/aws-workload-credentials-provider

    Args:
        port: The port to listen on, on 127.0.0.1; 0 takes a free one.
        region: The region in the ARNs of its secrets.
        ttl: Seconds for which an answer is cached; 0 caches nothing.
        extension: True makes it the Lambda extension, which has no `refreshNow` and answers only after `ready`.
    """

    _read = "GetSecretValue"

    def __init__(
        self, *, port: int = 0, region: str = "us-east-1", ttl: float = 300.0, extension: bool = False
    ) -> None:
        super().__init__(port)
        self.token = secrets.token_urlsafe(24)
        self._service = AWSService(region)
        self._ttl = ttl
        self._is_extension = extension
        self._ready = not extension
        self._kept: dict[tuple[str, ...], tuple[float, Json]] = {}
        self._reads = 0
        self._server: KeepAliveServer | None = None

    # -- addresses --------------------------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """The port on 127.0.0.1. It stays the same after `close`."""
        self._address()
        return self._port

    @property
    def reads(self) -> int:
        """How many times it read from its store, refused reads included."""
        with self._changed:
            return self._reads

    @property
    def refreshes(self) -> int:
        """How many calls came with `refreshNow=true`."""
        return sum(_SWITCHES.get(query.get("refreshNow", ""), False) for _, query in self.calls)

    def new_token(self) -> str:
        """Accept only a new token from now on, as after a start of the agent. Returns the token."""
        self.token = secrets.token_urlsafe(24)
        return self.token

    def ready(self, on: bool = True) -> None:
        """Set whether it answers at all. The Lambda extension answers during an invocation only."""
        with self._changed:
            self._ready = on

    # -- secrets ----------------------------------------------------------------------------------------------------

    def add(self, name: str, value: str | bytes, *, stages: Iterable[str] = ("AWSCURRENT",)) -> str:
        """Add a version to a secret of its store and return its id. The secret is created or restored if needed."""
        with self._changed:
            return self._service.add(name, value, stages)

    def delete(self, name: str) -> None:
        """Mark a secret of its store for deletion."""
        with self._changed:
            self._service.delete(name)

    def arn(self, name: str) -> str:
        """Return the full ARN of a secret."""
        with self._changed:
            return self._service.secret(name).arn

    def expire(self) -> None:
        """Expire all cached answers."""
        with self._changed:
            self._kept.clear()

    # -- failures ---------------------------------------------------------------------------------------------------

    def fail_next(self, type: str, status: int = 400, times: int = 1, message: str = "") -> None:
        """Make its store refuse the next reads.

        Args:
            type: The name of the error on the wire ("AccessDeniedException").
            status: The HTTP status.
            times: The number of reads. Further orders wait for their turn.
            message: The message of the error; "" means a text with the word "injected".
        """
        self._plan(Fault(type, message, self._read, times, status))

    def fail_always(self, type: str | None, status: int = 400, message: str = "") -> None:
        """Make its store refuse every read from now on. None ends this, and also drops the orders of `fail_next`."""
        self._plan_always(None if type is None else Fault(type, message, self._read, None, status))

    # -- server -----------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._server = KeepAliveServer(self._port, self._workers, lambda: None, self._serve)
        self._port = self._server.server_address[1]
        self._workers.submit(self._server.serve_forever, 0.02)

    def _shut(self) -> None:
        assert self._server is not None
        self._server.stop()
        self._server = None

    def _serve(self, request: Request) -> Answer | None:
        parts = urlsplit(request.target)
        if parts.path == "/ping":
            return Answer(200, "healthy")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.path.startswith("/v1/"):
            query = {"secretId": unquote(parts.path.removeprefix("/v1/")), **query}
        self._record(self._read, query, request.peer)
        refused = self._refused(request, parts.path) or self._misread(query)
        answer = refused or self._answered(query)
        return answer if self._stall() else None

    def _refused(self, request: Request, path: str) -> Answer | None:
        if not self._ready:
            return Answer(400, "not ready to serve traffic, please wait")
        if "x-forwarded-for" in request.headers:
            return Answer(400, "Forwarded")
        if request.headers.get(_TOKEN_HEADER) != self.token:
            return Answer(403, "Bad Token")
        if request.method != "GET":
            return Answer(405, "Not allowed")
        return None if path == "/secretsmanager/get" or path.startswith("/v1/") else Answer(404, "Not found")

    def _misread(self, query: dict[str, str]) -> Answer | None:
        for name in query:
            if name not in (*_PARAMETERS, "refreshNow", "roleArn"):
                return Answer(400, f"unknown parameter: {name}")
        if query.get("refreshNow", "true").lower() not in _SWITCHES:
            return Answer(400, "invalid refreshNow value")
        return None if query.get("secretId") else Answer(400, "missing parameter secretId")

    def _answered(self, query: dict[str, str]) -> Answer:
        which = tuple(query.get(name, "") for name in _PARAMETERS)
        refresh = _SWITCHES[query.get("refreshNow", "false").lower()] and not self._is_extension
        with self._changed:
            read_at, kept = self._kept.get(which, (0.0, {}))
        if kept and not refresh and time.monotonic() - read_at < self._ttl:
            return Answer(200, kept)
        try:
            answer = self._from_the_store({_PARAMETERS[name]: query[name] for name in _PARAMETERS if query.get(name)})
        except RefusedError as refusal:
            return Answer(refusal.status, {"__type": refusal.code, "message": refusal.message})
        with self._changed:
            self._kept[which] = time.monotonic(), answer
        return Answer(200, answer)

    def _from_the_store(self, params: Json) -> Json:
        with self._changed:
            self._reads += 1
        if (fault := self._fault(self._read)) is not None:
            raise RefusedError(fault.code, fault.message or f"injected {fault.code}", fault.status)
        with self._changed:
            answer = self._service.answer(self._read, params)
        # The agent writes this time as text. All other members are as in the answer of the service.
        return {**answer, "CreatedDate": str(answer["CreatedDate"])}
