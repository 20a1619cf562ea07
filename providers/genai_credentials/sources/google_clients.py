"""Two ways to read a version of a secret at Google: the stock client, and plain REST over google-auth's session.

The stock client costs 0.5 s and 61 MB to load; `AuthorizedSession` comes with google-genai and costs 0.1 s and 22 MB.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from genai_credentials.provider import import_extra
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
        response = self._get(f"{self._base}/v1/{name}:access", timeout)
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if response.status_code != 200:
            raise RefusedOverRest(*kind_of_status(response.status_code, answer))
        accessed = _accessed(answer)
        if accessed is None:
            raise RefusedOverRest("UnreadableAnswer", "")
        return accessed

    def _get(self, url: str, timeout: float) -> Any:
        problems = import_extra("requests.exceptions", "google")
        try:
            return self._session.get(url, timeout=timeout, allow_redirects=False)
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
