"""A fake of Google Secret Manager on loopback, over gRPC and REST, for the stock client and for others.

```python
with SecretManagerEmulator() as store:
    store.add("projects/acme/secrets/gemini-api-key", "AIza-first")
    provider = GoogleSecretManager("projects/acme/secrets/gemini-api-key", client=store.client)
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from genai_credentials.testing.servers import Fault, RefusedError, StoreServer
from genai_credentials.testing.stores.keep_alive import Answer, Request
from genai_credentials.testing.stores.secret_manager_service import SecretManagerService
from genai_credentials.testing.stores.stock_clients import grpc_client, require_google, rest_client
from genai_credentials.testing.stores.transcoding import error_body, method_and_message, reply
from genai_credentials.testing.stores.two_wires import TwoWires

if TYPE_CHECKING:
    import grpc
    from google.cloud import secretmanager_v1 as sm

__all__ = ["SecretManagerEmulator"]

_SERVICE = "google.cloud.secretmanager.v1.SecretManagerService"
# Without this option, a second emulator may get the same port.
_SERVER_OPTIONS = (("grpc.so_reuseport", 0),)


class SecretManagerEmulator(StoreServer[str]):
    """A fake Secret Manager for the stock client, with versions, aliases, states, checksums and failures.

    One port serves gRPC and REST. If the environment has `SECRET_MANAGER_EMULATOR_HOST=target`, a `GoogleSecretManager`
    without a client uses this emulator. As at Google, changes check and renew etags. Secrets keep their replication and
    expire after their `ttl`. Versions are destroyed at once or after a delay. Lists have filters, page sizes and
    tokens. The emulator has no IAM, publishes nothing to topics and rotates nothing.

    The content of an answer is fixed when the call arrives: `hold` and `delay` only send it later.

    Args:
        port: The port to listen on, on 127.0.0.1; 0 takes a free one.
        project_number: The number that replaces the id of the project in every name of an answer, as in the real
            service. None repeats the name in the request.
    """

    _read = "AccessSecretVersion"

    def __init__(self, *, port: int = 0, project_number: str | None = None) -> None:
        super().__init__(port)
        self._service = SecretManagerService(project_number)
        self._methods: dict[str, tuple[type[Any], Callable[[Any], Any]]] = {}
        self._server: Any = None
        self._front: TwoWires | None = None

    # -- addresses and clients --------------------------------------------------------------------------------------

    @property
    def target(self) -> str:
        """The address of the server, as "127.0.0.1:PORT". It stays the same after `close`."""
        return self._address()

    def client(self) -> sm.SecretManagerServiceClient:
        """Return a new stock client with its own connection. The method itself can serve as a client factory."""
        return grpc_client(self.target)

    def rest_client(self) -> sm.SecretManagerServiceClient:
        """Return a new stock client over REST. The method itself can serve as a client factory."""
        return rest_client(self.target)

    @property
    def accesses(self) -> int:
        """How many times AccessSecretVersion was called, refused calls included."""
        return self._count(self._read)

    @property
    def connections(self) -> int:
        """How many connections clients used. `peers` has their addresses."""
        return len(self.peers)

    # -- secrets ----------------------------------------------------------------------------------------------------

    def add(self, secret: str, value: str | bytes) -> str:
        """Add a version to a secret and return its number as text. The secret is created if needed.

        Args:
            secret: "projects/P/secrets/S" or "projects/P/locations/L/secrets/S".
            value: The payload. A text is encoded as UTF-8.
        """
        with self._control():
            found = self._service.create(secret)
            return str(found.append(value.encode() if isinstance(value, str) else value).number)

    def disable(self, secret: str, version: str | int) -> None:
        """Disable a version (a number, an alias or "latest")."""
        self._change(secret, version, "DISABLED")

    def enable(self, secret: str, version: str | int) -> None:
        """Enable a disabled version."""
        self._change(secret, version, "ENABLED")

    def destroy(self, secret: str, version: str | int) -> None:
        """Destroy a version. Its payload is lost for good."""
        self._change(secret, version, "DESTROYED")

    def delete(self, secret: str) -> None:
        """Delete a secret with all its versions."""
        with self._control():
            self._service.delete(secret)

    def alias(self, secret: str, name: str, version: str | int) -> None:
        """Let the alias `name` point to a version. An earlier target is replaced."""
        with self._control():
            found = self._service.secret(secret)
            found.alias({**found.proto.version_aliases, name: found.find(str(version)).number})

    def lag_latest(self, secret: str, version: str | int | None) -> None:
        """Let `latest` point to this older version, as it does for minutes after a rotation. None ends the lag."""
        with self._control():
            found = self._service.secret(secret)
            found.latest = None if version is None else found.find(str(version)).number

    def corrupt_checksum(self, secret: str, on: bool = True) -> None:
        """Answer with a CRC32C that does not match the payload."""
        with self._control():
            self._service.secret(secret).corrupt = on

    def omit_checksum(self, secret: str, on: bool = True) -> None:
        """Answer without a CRC32C."""
        with self._control():
            self._service.secret(secret).omit = on

    def _change(self, secret: str, version: str | int, state: str) -> None:
        with self._control():
            found = self._service.secret(secret)
            found.change(found.find(str(version)), state)

    @contextmanager
    def _control(self) -> Iterator[None]:
        with self._changed:
            try:
                yield
            except RefusedError as refusal:
                kind = LookupError if refusal.code == "NOT_FOUND" else ValueError
                raise kind(refusal.message) from None

    # -- failures ---------------------------------------------------------------------------------------------------

    def fail_next(
        self,
        code: grpc.StatusCode | str,
        times: int = 1,
        message: str = "",
        method: str | None = "AccessSecretVersion",
    ) -> None:
        """Refuse the next calls.

        Args:
            code: The gRPC status, or its name ("UNAVAILABLE").
            times: The number of calls. Further orders wait for their turn.
            message: The message of the status; "" means a text with the word "injected".
            method: The RPC to refuse; None means every RPC.
        """
        self._plan(Fault(_code(code), message, method, remaining=times))

    def fail_always(
        self,
        code: grpc.StatusCode | str | None,
        message: str = "",
        method: str | None = "AccessSecretVersion",
    ) -> None:
        """Refuse every call from now on. None ends this, and also drops the orders of `fail_next`."""
        self._plan_always(None if code is None else Fault(_code(code), message, method))

    # -- server -----------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        require_google()
        import grpc

        methods = self._service.methods()
        self._methods = {_name_of(kind): (kind, behaviour) for kind, behaviour in methods.items()}
        # The server uses only the method `submit` of this executor. The annotation demands more.
        workers: Any = self._workers
        server = grpc.server(workers, options=_SERVER_OPTIONS)
        handlers = {method: self._handler(method) for method in self._methods}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, handlers),))
        self._front = TwoWires(self._port, self._workers, self._serve_rest, server.add_insecure_port("127.0.0.1:0"))
        self._port = self._front.server_address[1]
        server.start()
        self._server = server
        self._workers.submit(self._front.serve_forever, 0.02)

    def _shut(self) -> None:
        assert self._front is not None
        # The held answers have been sent, and thus the grace is not used up. None would cancel these calls, and each
        # client in this process would write a line to stderr.
        self._server.stop(0.1).wait(2.0)
        self._front.stop()
        self._server = self._front = None

    def _handler(self, method: str) -> Any:
        import grpc

        kind, _ = self._methods[method]

        def serve(request: Any, context: Any) -> Any:
            front = self._front
            settled = self._answer(method, request, front.client_of(context.peer()) if front else context.peer())
            if settled is None:
                context.abort(grpc.StatusCode.UNAVAILABLE, "The emulator was closed.")
            elif isinstance(settled, RefusedError):
                context.abort(grpc.StatusCode[settled.code], settled.message)
            return settled

        return grpc.unary_unary_rpc_method_handler(serve, kind.deserialize, _serialize)

    def _serve_rest(self, request: Request) -> Answer | None:
        kinds = {method: kind for method, (kind, _) in self._methods.items()}
        try:
            method, message = method_and_message(request, kinds)
        except RefusedError as refusal:
            return Answer(*error_body(refusal))
        settled = self._answer(method, message, request.peer)
        if settled is None:
            return None
        return (
            Answer(*error_body(settled)) if isinstance(settled, RefusedError) else Answer(200, reply(settled, request))
        )

    def _answer(self, method: str, request: Any, peer: str) -> Any:
        """Return a message or a `RefusedError`; None if the emulator was closed meanwhile."""
        self._record(method, _subject(request), peer)
        settled = self._settle(method, request)
        return settled if method != self._read or self._stall() else None

    def _settle(self, method: str, request: Any) -> Any:
        try:
            fault = self._fault(method)
            if fault is not None:
                raise RefusedError(fault.code, fault.message or f"{method}: injected {fault.code}")
            with self._changed:
                return self._methods[method][1](request)
        except RefusedError as refusal:
            return refusal


def _name_of(kind: type[Any]) -> str:
    return kind.__name__.removesuffix("Request")


def _code(code: grpc.StatusCode | str) -> str:
    require_google()
    import grpc

    name = code if isinstance(code, str) else str(code.name)
    if name == "OK" or name not in grpc.StatusCode.__members__:
        raise ValueError(f"{name!r} is not the name of a gRPC error status")
    return name


def _subject(request: Any) -> str:
    if hasattr(request, "secret_id"):
        return f"{request.parent}/secrets/{request.secret_id}"
    if hasattr(request, "secret"):
        return str(request.secret.name)
    return str(request.name if hasattr(request, "name") else request.parent)


def _serialize(message: Any) -> bytes:
    # Empty is a plain protobuf message. The messages of the service are proto-plus.
    data = message.SerializeToString() if hasattr(message, "SerializeToString") else type(message).serialize(message)
    return bytes(data)
