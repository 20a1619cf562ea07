"""Two ways to read a version of a secret at Google, and to add one: the stock client, and plain REST.

The stock client costs 0.5 s and 61 MB to load; google-auth's `AuthorizedSession` comes with google-genai, and
costs 0.1 s and 22 MB.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from genai_credentials.provider import import_extra
from genai_credentials.sources.checksum import crc32c
from genai_credentials.sources.google_kinds import RefusedOverRest, kind_of_status
from genai_credentials.sources.google_login import emulator_address

if TYPE_CHECKING:
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient

_HOST = "secretmanager.googleapis.com"


class Accessed(NamedTuple):
    """A version as it was read; `crc32c` is None where no checksum was sent."""

    name: str
    data: bytes
    crc32c: int | None


def read_with(client: Any, name: str, timeout: float) -> Accessed:
    """Read one version, once.

    Args:
        client: A stock client, or a `RestClient`.
        name: The version's full name.
        timeout: Seconds it may take.
    """
    if isinstance(client, RestClient):
        return client.read(name, timeout)
    # Without its own retries, which pause for as long as they like.
    answer = client.access_secret_version(name=name, retry=None, timeout=timeout)
    checksum = answer.payload.data_crc32c
    # 0 is a checksum like any other, where it was sent.
    was_sent = checksum or "data_crc32c" in answer.payload
    return Accessed(answer.name, answer.payload.data, checksum if was_sent else None)


def add_with(client: Any, secret: str, data: bytes, timeout: float) -> int:
    """Add one version, once, and return its number.

    Args:
        client: A stock client, or a `RestClient`.
        secret: The secret's full name.
        data: The version's bytes; their checksum goes with them.
        timeout: Seconds it may take.
    """
    if isinstance(client, RestClient):
        name = client.add(secret, data, timeout)
    else:
        request = {"parent": secret, "payload": {"data": data, "data_crc32c": crc32c(data)}}
        name = client.add_secret_version(request=request, retry=None, timeout=timeout).name
    return int(name.rsplit("/", 1)[-1])


def stock_client(location: str | None, log_in: Callable[[], Any]) -> SecretManagerServiceClient:
    """A stock client over gRPC, at the regional endpoint for a location, or at the emulator.

    Args:
        location: The secret's; None for a global one.
        log_in: Returns google-auth's credentials.

    Raises:
        MissingDependency: google-cloud-secret-manager is not installed.
    """
    service: type[SecretManagerServiceClient] = import_extra(
        "google.cloud.secretmanager_v1", "google"
    ).SecretManagerServiceClient
    if (emulator := emulator_address()) is not None:
        # No proxy stands between this machine and itself.
        channel = import_extra("grpc", "google").insecure_channel(emulator, (("grpc.enable_http_proxy", 0),))
        return service(transport=service.get_transport_class("grpc")(channel=channel))
    options = {"api_endpoint": _endpoint(location)} if location else None
    return service(credentials=log_in(), client_options=options)


class RestClient:
    """Reads versions over REST, with nothing but what google-genai brings along.

    Args:
        location: The secret's; None for a global one.
        log_in: Returns google-auth's credentials.
    """

    def __init__(self, location: str | None, log_in: Callable[[], Any]) -> None:
        if (emulator := emulator_address()) is not None:
            self._base = f"http://{emulator}"
            self._session = import_extra("requests", "google").Session()
            # No proxy stands between this machine and itself.
            self._session.trust_env = False
        else:
            self._base = f"https://{_endpoint(location)}"
            self._session = import_extra("google.auth.transport.requests", "google").AuthorizedSession(log_in())

    def read(self, name: str, timeout: float) -> Accessed:
        """Read one version, once.

        Args:
            name: The version's full name.
            timeout: Seconds until the store answers.

        Raises:
            RefusedOverRest: The store refused, or did not answer, or something else answered.
        """
        accessed = _accessed(self._ask("GET", f"{name}:access", timeout))
        if accessed is None:
            raise RefusedOverRest("UnreadableAnswer", "")
        return accessed

    def add(self, secret: str, data: bytes, timeout: float) -> str:
        """Add one version, once, and return its full name.

        Args:
            secret: The secret's full name.
            data: The version's bytes.
            timeout: Seconds until the store answers.

        Raises:
            RefusedOverRest: The store refused, or did not answer, or something else answered.
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
        # Not chained: the errors of requests hold the request, and so the access token.
        raise RefusedOverRest(kind, "")


def _endpoint(location: str | None) -> str:
    return f"secretmanager.{location}.rep.googleapis.com" if location else _HOST


def _accessed(answer: Any) -> Accessed | None:
    """What an answer in JSON says; None where it is not one of Secret Manager."""
    try:
        payload = answer["payload"]
        data = base64.b64decode(payload.get("data", ""), validate=True)
        checksum = payload.get("dataCrc32c")
        return Accessed(str(answer["name"]), data, None if checksum is None else int(checksum))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
