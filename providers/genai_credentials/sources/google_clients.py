"""Two ways to read and to add a version of a secret in Google Secret Manager: the stock client, and plain REST.

The stock client takes 0.3 s of CPU and 48 MB to load. The `AuthorizedSession` of google-auth takes 0.1 s and 16 MB, and
is installed with google-genai.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from genai_credentials.provider import import_extra
from genai_credentials.sources.checksum import crc32c
from genai_credentials.sources.google_kinds import RefusedOverRest, kind_of_status
from genai_credentials.sources.google_login import emulator_address

if TYPE_CHECKING:
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient

_HOST = "secretmanager.googleapis.com"

_OWN_CONNECTIONS = ("grpc.use_local_subchannel_pool", 1)
"""Without this option, all channels of a process to one address share a connection. A new client would then wait on the
stalled connection of the client before it (probed)."""


class Accessed(NamedTuple):
    """A version as it was read: full name, bytes and checksum. `crc32c` is None if no checksum was sent."""

    name: str
    data: bytes
    crc32c: int | None


def read_with(client: Any, name: str, timeout: float) -> Accessed:
    """Read one version, without a retry.

    Args:
        client: A stock client, or a `RestClient`.
        name: The full name of the version.
        timeout: Seconds that the call may take.
    """
    if isinstance(client, RestClient):
        return client.read(name, timeout)
    # Without the retries of the client: their pauses do not respect the time that is left.
    answer = client.access_secret_version(name=name, retry=None, timeout=timeout)
    checksum = answer.payload.data_crc32c
    # If the store sent a checksum, 0 is a valid value.
    was_sent = checksum or "data_crc32c" in answer.payload
    return Accessed(answer.name, answer.payload.data, checksum if was_sent else None)


def add_with(client: Any, secret: str, data: bytes, timeout: float) -> int:
    """Add one version, without a retry, and return its number.

    Args:
        client: A stock client, or a `RestClient`.
        secret: The full name of the secret.
        data: The bytes of the version. Their checksum is sent with them.
        timeout: Seconds that the call may take.
    """
    if isinstance(client, RestClient):
        name = client.add(secret, data, timeout)
    else:
        request = {"parent": secret, "payload": {"data": data, "data_crc32c": crc32c(data)}}
        name = client.add_secret_version(request=request, retry=None, timeout=timeout).name
    return int(name.rsplit("/", 1)[-1])


def stock_client(location: str | None, log_in: Callable[[], Any]) -> SecretManagerServiceClient:
    """Return a stock client over gRPC: at the emulator, at the regional endpoint, or at the global endpoint.

    Args:
        location: The location of the secret; None for a global secret.
        log_in: Returns the credentials of google-auth.

    Raises:
        MissingDependency: google-cloud-secret-manager is not installed.
    """
    service: type[SecretManagerServiceClient] = import_extra(
        "google.cloud.secretmanager_v1", "google"
    ).SecretManagerServiceClient
    transport: Any = service.get_transport_class("grpc")
    if (emulator := emulator_address()) is not None:
        # A request to this machine uses no proxy.
        options = (("grpc.enable_http_proxy", 0), _OWN_CONNECTIONS)
        return service(transport=transport(channel=import_extra("grpc", "google").insecure_channel(emulator, options)))

    def channel(*where: object, options: Iterable[tuple[str, object]] = (), **how: object) -> object:
        return transport.create_channel(*where, options=[*options, _OWN_CONNECTIONS], **how)

    return service(
        credentials=log_in(),
        client_options={"api_endpoint": _endpoint(location)} if location else None,
        transport=partial(transport, channel=channel),
    )


class RestClient:
    """A client that reads and adds versions over REST. It needs no package besides those of google-genai.

    Args:
        location: The location of the secret; None for a global secret.
        log_in: Returns the credentials of google-auth.
    """

    def __init__(self, location: str | None, log_in: Callable[[], Any]) -> None:
        if (emulator := emulator_address()) is not None:
            self._base = f"http://{emulator}"
            self._session = import_extra("requests", "google").Session()
            # A request to this machine uses no proxy.
            self._session.trust_env = False
        else:
            self._base = f"https://{_endpoint(location)}"
            self._session = import_extra("google.auth.transport.requests", "google").AuthorizedSession(log_in())

    def read(self, name: str, timeout: float) -> Accessed:
        """Read one version, without a retry.

        Args:
            name: The full name of the version.
            timeout: Seconds to wait for the store.

        Raises:
            RefusedOverRest: The store refused the request, did not answer in time, or sent an unreadable answer.
        """
        accessed = _accessed(self._ask("GET", f"{name}:access", timeout))
        if accessed is None:
            raise RefusedOverRest("UnreadableAnswer", "")
        return accessed

    def add(self, secret: str, data: bytes, timeout: float) -> str:
        """Add one version, without a retry, and return its full name.

        Args:
            secret: The full name of the secret.
            data: The bytes of the version.
            timeout: Seconds to wait for the store.

        Raises:
            RefusedOverRest: The store refused the request, did not answer in time, or sent an unreadable answer.
        """
        payload = {"data": base64.b64encode(data).decode(), "dataCrc32c": str(crc32c(data))}
        answer = self._ask("POST", f"{secret}:addVersion", timeout, json={"payload": payload})
        name = answer.get("name") if isinstance(answer, dict) else None
        if not isinstance(name, str) or not name.rsplit("/", 1)[-1].isdecimal():
            raise RefusedOverRest("UnreadableAnswer", "")
        return name

    def _ask(self, verb: str, path: str, timeout: float, **body: object) -> Any:
        response = self._send(verb, f"{self._base}/v1/{path}", timeout, **body)
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if response.status_code != 200:
            raise RefusedOverRest(*kind_of_status(response.status_code, answer))
        return answer

    def _send(self, verb: str, url: str, timeout: float, **body: object) -> Any:
        problems = import_extra("requests.exceptions", "google")
        try:
            return self._session.request(verb, url, timeout=timeout, allow_redirects=False, **body)
        except problems.Timeout:
            kind = "DeadlineExceeded"
        except problems.RequestException:
            kind = "ServiceUnavailable"
        # The first error is not chained. The errors of requests hold the request, which contains the access token.
        raise RefusedOverRest(kind, "")


def _endpoint(location: str | None) -> str:
    return f"secretmanager.{location}.rep.googleapis.com" if location else _HOST


def _accessed(answer: Any) -> Accessed | None:
    """Return the version in a JSON answer; None if the answer has not the form of Secret Manager."""
    try:
        payload = answer["payload"]
        data = base64.b64decode(payload.get("data", ""), validate=True)
        checksum = payload.get("dataCrc32c")
        return Accessed(str(answer["name"]), data, None if checksum is None else int(checksum))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
