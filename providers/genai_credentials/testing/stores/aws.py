"""Fakes of AWS Secrets Manager on loopback, for stock boto3 clients.

`AWSEmulator` keeps connections alive. It throttles, denies, stalls and breaks off on demand. `MotoServer` is the server
of moto, another implementation of the same service without these features.

```python
with AWSEmulator() as store:
    store.add("prod/gemini", '{"api_key": "AIza-first"}')
    provider = AWSSecretsManager("prod/gemini", field="api_key", client=store.client)
```
"""

from __future__ import annotations

import http.client
import re
import threading
from collections import deque
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from genai_credentials.testing.servers import Fault, RefusedError, StoreServer, missing
from genai_credentials.testing.stores.aws_service import SECRET_FIELDS, AWSService
from genai_credentials.testing.stores.keep_alive import Answer, Ending, KeepAliveServer, Request

__all__ = ["AWSEmulator", "MotoServer"]

Json = dict[str, Any]
_HIDDEN = "<hidden>"
# The scope of a request's signature: key id, date, region, service.
_SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/")


class AWSEmulator(StoreServer[Json]):
    """A fake Secrets Manager for stock boto3, over HTTP/1.1 connections that are kept alive.

    The content of an answer is fixed when the call arrives: `hold` and `delay` only send it later.

    Args:
        port: The port to listen on, on 127.0.0.1; 0 takes a free one.
        region: The region in the ARNs of its secrets.
    """

    _read = "GetSecretValue"

    def __init__(self, *, port: int = 0, region: str = "us-east-1") -> None:
        super().__init__(port)
        self._service = AWSService(region)
        self._regions: set[str] = set()
        self._connections = 0
        self._endings: deque[Ending] = deque()
        self._server: KeepAliveServer | None = None

    # -- addresses and clients --------------------------------------------------------------------------------------

    @property
    def endpoint_url(self) -> str:
        """The URL of the server, as "http://127.0.0.1:PORT". It stays the same after `close`."""
        return f"http://{self._address()}"

    def client(self, region: str = "us-east-1") -> Any:
        """Return a new stock boto3 client with its own connections. The method itself can serve as a client factory."""
        return _client(self.endpoint_url, region)

    @property
    def reads(self) -> int:
        """How many times GetSecretValue was called, refused calls included."""
        return self._count(self._read)

    @property
    def connections(self) -> int:
        """How many TCP connections were accepted."""
        with self._changed:
            return self._connections

    @property
    def regions(self) -> set[str]:
        """The regions for which calls were signed."""
        with self._changed:
            return set(self._regions)

    # -- secrets ----------------------------------------------------------------------------------------------------

    def add(self, name: str, value: str | bytes, *, stages: Iterable[str] = ("AWSCURRENT",)) -> str:
        """Add a version to a secret and return its id. The secret is created or restored if needed.

        Args:
            name: The name of the secret.
            value: A text becomes the SecretString, bytes become the SecretBinary.
            stages: The labels to move to the new version. AWSCURRENT leaves AWSPREVIOUS on its former version.
        """
        with self._changed:
            return self._service.add(name, value, stages)

    def delete(self, name: str) -> None:
        """Mark a secret for deletion. Reads are refused until `add` restores it."""
        with self._changed:
            self._service.delete(name)

    def arn(self, name: str) -> str:
        """Return the full ARN of a secret, with its six random characters."""
        with self._changed:
            return self._service.secret(name).arn

    # -- failures ---------------------------------------------------------------------------------------------------

    def fail_next(
        self, type: str, status: int = 400, times: int = 1, message: str = "", action: str | None = "GetSecretValue"
    ) -> None:
        """Refuse the next calls.

        Args:
            type: The name of the error on the wire ("AccessDeniedException", "ThrottlingException").
            status: The HTTP status. Errors of the service itself have 500 ("InternalServiceError").
            times: The number of calls. Further orders wait for their turn. boto3 itself retries throttling and 5xx.
            message: The message of the error; "" means a text with the word "injected".
            action: The action to refuse; None means every action.
        """
        self._plan(Fault(type, message, action, times, status))

    def fail_always(
        self, type: str | None, status: int = 400, message: str = "", action: str | None = "GetSecretValue"
    ) -> None:
        """Refuse every call from now on. None ends this, and also drops the orders of `fail_next`."""
        self._plan_always(None if type is None else Fault(type, message, action, None, status))

    def reset_next(self, times: int = 1) -> None:
        """Break off the next reads in the middle of the body with a TCP reset. boto3 itself retries such a call."""
        self._end_next("reset", times)

    def truncate_next(self, times: int = 1) -> None:
        """Close the connection without an error in the middle of the body of the next reads.

        botocore treats the short body as complete. It returns an answer with neither SecretString nor SecretBinary.
        """
        self._end_next("truncated", times)

    def _end_next(self, ending: Ending, times: int) -> None:
        with self._changed:
            self._endings.extend(ending for _ in range(times))

    # -- server -----------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._server = KeepAliveServer(self._port, self._workers, self._connected, self._serve)
        self._port = self._server.server_address[1]
        self._workers.submit(self._server.serve_forever, 0.02)

    def _shut(self) -> None:
        assert self._server is not None
        self._server.stop()
        self._server = None

    def _connected(self) -> None:
        with self._changed:
            self._connections += 1

    def _serve(self, request: Request) -> Answer | None:
        action = request.headers.get("x-amz-target", "").removeprefix("secretsmanager.")
        shown = {key: _HIDDEN if key in SECRET_FIELDS else value for key, value in request.body.items()}
        scope = _SCOPE.search(request.headers.get("authorization", ""))
        with self._changed:
            self._regions.update(scope.groups() if scope else ())
        self._record(action, shown, request.peer)
        status, body = self._settle(action, request.body)
        if action != self._read:
            return Answer(status, body)
        with self._changed:
            ending = self._endings.popleft() if self._endings else ""
        return Answer(status, body, ending) if self._stall() else None

    def _settle(self, action: str, params: Json) -> tuple[int, Json]:
        try:
            fault = self._fault(action)
            if fault is not None:
                raise RefusedError(fault.code, fault.message or f"{action}: injected {fault.code}", fault.status)
            with self._changed:
                return 200, self._service.answer(action, params)
        except RefusedError as refusal:
            return refusal.status, {"__type": refusal.code, "message": refusal.message}
        except KeyError as error:
            return 400, {"__type": "ValidationException", "message": f"The parameter {error} is missing."}


class MotoServer:
    """The server of moto on loopback, as a context manager.

    moto keeps one state for the whole process: two of these servers share their secrets, and `close` removes all of
    them. After `update_secret_version_stage`, moto returns the wrong version to a read without a stage. It never keeps
    a connection alive. `AWSEmulator` does both correctly.
    """

    def __init__(self) -> None:
        self._server: Any = None
        self._thread: threading.Thread | None = None
        self._port = 0

    def start(self) -> Self:
        """Start to listen on a free port of 127.0.0.1.

        Raises:
            ImportError: The extra [demo] is not installed.
        """
        if self._server is None:
            self._server = _moto_server()
            self._port = self._server.server_port
            # ThreadedMotoServer polls twice per second, and its close takes half a second. This loop polls more often.
            self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
            self._thread.start()
        return self

    def close(self) -> None:
        """Remove every secret and stop listening. A second call does nothing."""
        if self._server is not None and self._thread is not None:
            self.reset()
            self._server.shutdown()
            self._thread.join(2.0)
            self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @property
    def endpoint_url(self) -> str:
        """The URL of the server, as "http://127.0.0.1:PORT". Raises a RuntimeError before the start."""
        if not self._port:
            raise RuntimeError("MotoServer has no address yet: call start(), or use it in a with statement")
        return f"http://127.0.0.1:{self._port}"

    def client(self, region: str = "us-east-1") -> Any:
        """Return a new stock boto3 client for this server. moto has separate secrets for each region."""
        return _client(self.endpoint_url, region)

    def add(self, name: str, value: str | bytes, region: str = "us-east-1") -> str:
        """Create a secret, or add a version to it, and return the id of the version."""
        client = self.client(region)
        content: Json = {"SecretString": value} if isinstance(value, str) else {"SecretBinary": value}
        try:
            return str(client.create_secret(Name=name, **content)["VersionId"])
        except client.exceptions.ResourceExistsException:
            return str(client.put_secret_value(SecretId=name, **content)["VersionId"])
        finally:
            client.close()

    def reset(self) -> None:
        """Remove every secret, in every region and of every MotoServer in the process."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10.0)
        try:
            connection.request("POST", "/moto-api/reset")
            connection.getresponse().read()
        finally:
            connection.close()


def _client(endpoint_url: str, region: str) -> Any:
    try:
        import boto3.session
        import botocore.config
    except ImportError as error:
        raise missing("aws", error) from error
    session = boto3.session.Session(aws_access_key_id="emulator", aws_secret_access_key="emulator", region_name=region)
    # No proxies: requests to loopback must not go to a proxy that the environment names.
    config = botocore.config.Config(proxies={})
    return session.client("secretsmanager", endpoint_url=endpoint_url, config=config)


def _moto_server() -> Any:
    try:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import WSGIRequestHandler, make_server
    except ImportError as error:
        raise missing("demo", error) from error

    class Quiet(WSGIRequestHandler):
        # The handler of werkzeug would configure its logger for the whole process.
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    return make_server(
        "127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True, request_handler=Quiet
    )
