"""`AWSAgent`: a provider that reads a key from AWS Secrets Manager through AWS's own agent on this machine."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from genai_credentials.deadline import seconds_left
from genai_credentials.errors import ConfigurationError, CredentialsError, FetchFailed, Unavailable
from genai_credentials.fields import checked_field, decoded, extract_field
from genai_credentials.key import ApiKey, refuse_a_key
from genai_credentials.provider import sealed
from genai_credentials.sealing import sealed_call
from genai_credentials.sources.agent_token import HEADER, TOKEN_FILE, find_token, into_the_group
from genai_credentials.sources.aws import PROBLEMS, THROTTLED
from genai_credentials.sources.aws_names import CURRENT, PREVIOUS, checked_secret
from genai_credentials.sources.base import Source, name_of, uri_of
from genai_credentials.sources.retries import insist

PORT = 2773
"""The default port of the agent and of the Lambda extension."""

MOST_BYTES = 1 << 20
"""The largest answer in bytes. A secret has at most 64 KiB, and JSON may write each byte as six characters."""


class AWSAgent(Source):
    """A provider that reads a key from AWS Secrets Manager through AWS's agent, or through the Lambda extension of AWS.

    The agent is one cache for all processes of a host. Since 2026 its name is AWS Workload Credentials Provider. This
    provider needs no boto3. A fetch reads the cache of the agent. By default, a value in that cache is up to 300 s old.
    After a refusal, the fetch asks the agent to read from the store (`refreshNow`). The Lambda extension has no such
    parameter, and a new key appears when the cache of the extension expires. The extension answers only during an
    invocation.

    The request goes to 127.0.0.1, never to a proxy, and follows no redirect. It carries the token of the agent. Each
    fetch reads the token again, because the agent writes a new token when it starts. The first of these places that
    has a token is used:

    1. The variable AWS_TOKEN, which may be `file://…`.
    2. The file /var/run/awssmatoken.
    3. The variable AWS_SESSION_TOKEN.
    4. The variable AWS_CONTAINER_AUTHORIZATION_TOKEN.

    Sources: https://github.com/aws/aws-workload-credentials-provider. For the extension: the section on Lambda in the
    user guide of AWS Secrets Manager.

    Args:
        secret_id: The name or the ARN of the secret.
        field: The JSON key that holds the API key, or the JSON Pointer (RFC 6901) to it, such as "/google/api_key".
            None means that the secret is the bare key.
        stage: The staging label to read.
        version_id: The id of a version. The provider is then pinned to it. None means that `stage` selects the version.
        port: The port on this machine on which the agent listens.

    Raises:
        ConfigurationError: `secret_id` is neither a name nor an ARN, or `stage` is empty. `field` is neither a name nor
            a JSON Pointer, or `port` is not between 1 and 65535.
    """

    @sealed_call
    def __init__(
        self,
        secret_id: str,
        field: str | None = None,
        *,
        stage: str = CURRENT,
        version_id: str | None = None,
        port: int = PORT,
    ) -> None:
        super().__init__()
        refuse_a_key(secret_id, field)
        checked_secret(secret_id, stage, version_id)
        if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65_536:
            raise ConfigurationError(
                f"port={port!r} is not a port.", remedy=f"Pass a number from 1 to 65535, or leave port out for {PORT}."
            )
        self.secret_id, self.field, self.stage, self.version_id = secret_id, checked_field(field), stage, version_id
        self.port = port
        self.name = name_of("aws-agent", secret_id, self.field, **self._options())

    @property
    def uri(self) -> str:
        """The text form of this provider."""
        return uri_of("aws-agent", self.secret_id, self.field, **self._options())

    def _options(self) -> dict[str, str | None]:
        stage = None if self.stage == CURRENT else self.stage
        port = None if self.port == PORT else str(self.port)
        return {"stage": stage, "version_id": self.version_id, "port": port}

    def _again(self) -> Callable[[], Source]:
        which = partial(type(self), self.secret_id, self.field, port=self.port)
        return partial(which, stage=self.stage, version_id=self.version_id)

    @sealed
    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        """Return the key in the cache of the agent. After a refusal, return the key in the store.

        Args:
            rejected: The key that the API has just refused; None when no key was refused.

        Raises:
            Unavailable: No agent listens on the port, or there is no token for it.
            InvalidSecret: The secret cannot be a key.
            FetchFailed: Another failure: the token cannot be read, the agent refuses it, or the store refuses the
                agent.
        """
        return self._read(self._which()) if rejected is None else self._read_anew()

    @sealed
    def fetch_newer(self, current: ApiKey | None) -> ApiKey:
        """Return the key in the store, not the key in the cache of the agent.

        It raises the errors of `fetch`.

        Args:
            current: The serving key; None if there is none. It makes no difference here.
        """
        return self._read_anew()

    @sealed
    def fetch_previous(self, rejected: ApiKey | None = None) -> ApiKey:
        """Return the key under AWSPREVIOUS, even if it no longer works.

        It raises the errors of `fetch`.

        Args:
            rejected: Ignored.
        """
        if self.version_id or self.stage != CURRENT:
            raise FetchFailed(
                f"{self.name}: is pinned, and no earlier version can be tried.",
                remedy="Leave version_id and stage out.",
            )
        return self._read({"versionStage": PREVIOUS})

    def _which(self) -> dict[str, str]:
        return {"versionId": self.version_id} if self.version_id else {"versionStage": self.stage}

    def _read_anew(self) -> ApiKey:
        try:
            return self._read({**self._which(), "refreshNow": "true"})
        except _NotUnderstood:
            # The Lambda extension has no such parameter.
            pass
        return self._read(self._which())

    def _read(self, query: dict[str, str]) -> ApiKey:
        token = find_token(self.name)
        query = {"secretId": self.secret_id, **query}
        answer = insist(lambda: self._ask(token, query), lambda error: isinstance(error, _Later), seconds_left() * 0.35)
        text = extract_field(self._text_of(answer), self.field, self.name)
        version = answer.get("VersionId")
        return self.key(text, version if isinstance(version, str) else None)

    def _ask(self, token: str, query: dict[str, str]) -> dict[str, object]:
        status, body = self._get(token, query)
        document = _json_object(body)
        if status != 200 or document is None:
            self._refuse(status, body, document)
        return document

    def _get(self, token: str, query: dict[str, str]) -> tuple[int, bytes]:
        from http.client import HTTPConnection, HTTPException
        from urllib.parse import urlencode

        # Unlike urllib, http.client uses no proxy and follows no redirect.
        connection = HTTPConnection("127.0.0.1", self.port, timeout=seconds_left() * 0.9)
        try:
            connection.request("GET", f"/secretsmanager/get?{urlencode(query)}", headers={HEADER: token})
            response = connection.getresponse()
            return response.status, response.read(MOST_BYTES)
        except ConnectionRefusedError:
            problem: CredentialsError = Unavailable(
                f"{self.name}: no agent listens on port {self.port}.",
                remedy="Start AWS's agent, pass the port of the agent, or add another provider to the chain.",
            )
        except TimeoutError:
            problem = FetchFailed(f"{self.name}: the agent did not answer in time.", remedy=_LATER)
        except (OSError, HTTPException) as error:
            problem = _Later(
                f"{self.name}: the connection to the agent failed ({type(error).__name__}).", remedy=_LATER
            )
        finally:
            connection.close()
        # The first error is not chained, because the frames of http.client hold the token.
        raise problem

    def _refuse(self, status: int, body: bytes, document: dict[str, object] | None) -> NoReturn:
        code = _code_in(body, document)
        problem, remedy = _PROBLEMS.get(code) or PROBLEMS.get(code) or _of_the_agent(status, code, body)
        if code.startswith("AccessDenied"):
            remedy += " The agent needs secretsmanager:DescribeSecret as well."
        kind: type[FetchFailed] = FetchFailed
        if status >= 500 or status == 429 or THROTTLED.search(code):
            kind = _Later
        elif status == 400 and not code:
            kind = _NotUnderstood
        raise kind(f"{self.name}: {problem}.", remedy=remedy)

    def _text_of(self, answer: dict[str, object]) -> str:
        if isinstance(text := answer.get("SecretString"), str):
            return text
        try:
            binary = base64.b64decode(str(answer.get("SecretBinary") or ""), validate=True)
        except (TypeError, ValueError):
            binary = b""
        if not binary:
            raise FetchFailed(
                f"{self.name}: the answer held no secret.", remedy="Check which program listens on the port."
            )
        return decoded(binary, f"{self.name}:")


class _Later(FetchFailed):
    """A failure that may be gone at a later try."""


class _NotUnderstood(FetchFailed):
    """The agent refused the form of the request. It did not refuse the secret."""


_LATER = "The fetch is tried again. If the error lasts, check the agent's log."
_PROBLEMS = {
    "ConnectionError": ("the agent cannot reach the store", "Check this machine's network and the agent's region."),
    "InternalFailure": ("the agent failed", "Check the agent's log and the agent's AWS credentials."),
    "TimeoutError": ("the agent had no answer from the store in time", _LATER),
}


def _of_the_agent(status: int, code: str, body: bytes) -> tuple[str, str]:
    if code:
        return f"the call failed with {code}", "Look up this code in the API reference of AWS Secrets Manager."
    if status == 403:
        return (
            "the agent refuses the token",
            f"{into_the_group(TOKEN_FILE)} If AWS_TOKEN is set, set it to the agent's own token.",
        )
    if b"not ready" in body:
        return "the Lambda extension is not ready", "Fetch in the handler: it answers only during an invocation."
    if status == 429:
        return "the agent has reached its limit of connections", "Raise the agent's max_conn, or raise ttl."
    if status == 200:
        return "the answer held no secret", "Check which program listens on the port."
    return (
        f"the agent answered with HTTP status {status}",
        "Check which program listens on the port, and check the agent's log.",
    )


def _json_object(body: bytes) -> dict[str, object] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _code_in(body: bytes, document: dict[str, object] | None) -> str:
    """Return the error code of AWS; "" if the answer has none.

    The agent sends the code in JSON. The Lambda extension sends it in a sentence.
    """
    text = str(document.get("__type") or "") if document is not None else body[:4096].decode("ascii", "replace")
    found = re.search(r"\b[A-Z][A-Za-z]{3,60}(?:Exception|Failure|Error|Exceeded)\b", text)
    return found[0] if found else ""
