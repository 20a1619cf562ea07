"""`ask`: one request with one key, to find out whether the API accepts the key.

The request lists one model. It is free, every key may send it, and its answer can be judged.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from google import genai
from google.genai import errors, types

from genai_credentials.client.origins import origin_of
from genai_credentials.client.sdk import GOOGLE
from genai_credentials.errors import CredentialsError
from genai_credentials.key import ApiKey
from genai_credentials.rejection import ACCEPTED, UNTOUCHED, Verdict, classify


def ask(
    key: ApiKey | str, *, base_url: str | None = None, timeout: float = 10.0, allow_plain_http: bool = False
) -> Verdict:
    """The verdict of the API on a key, over a new connection. Redirects are not followed.

    Args:
        key: The key.
        base_url: The URL of the API; None means Google's, even if the environment names another one.
        timeout: Seconds to wait for the answer.
        allow_plain_http: Let the key travel unencrypted to a host that isn't this machine.

    Raises:
        ConfigurationError: `base_url` is not a URL, or the key would travel unencrypted to another machine.
        InvalidSecret: The text cannot be a key.
        CredentialsError: The API gave no answer.
    """
    # The text becomes an `ApiKey`, because an error keeps this frame and error reporters send its locals.
    key = key if isinstance(key, ApiKey) else ApiKey(key, provider="probe")
    url = base_url or GOOGLE[0]
    origin_of(url, allow_plain_http=allow_plain_http)
    # On plain http no proxy is used, because it could read the key.
    args = {"follow_redirects": False, **({} if url.startswith("https:") or allow_plain_http else {"trust_env": False})}
    options = types.HttpOptions(base_url=url, timeout=round(timeout * 1000), client_args=args)
    client = genai.Client(vertexai=False, api_key=key.get_secret_value(), http_options=options)
    try:
        answer = ask_with(client)
    finally:
        client.close()
    if answer.code == 200 or not answer.verdict.accepted:
        return answer.verdict
    # Without a list of models the key is not proven. The caller decides about the cause that the API named.
    return answer.verdict._replace(accepted=False) if answer.verdict.cause else UNTOUCHED


class Answer(NamedTuple):
    """The API's answer.

    Attributes:
        code: The HTTP status.
        status: Google's name for the status; "" without one.
        verdict: The verdict on the key.
    """

    code: int
    status: str
    verdict: Verdict


def ask_with(client: genai.Client) -> Answer:
    """The API's answer to the key that a client sends.

    Args:
        client: The client.

    Raises:
        CredentialsError: The API gave no answer.
    """
    try:
        next(iter(client.models.list(config={"page_size": 1})), None)
    except errors.APIError as error:
        return Answer(error.code, error.status or "", classify(error.code, json.dumps(error.details)))
    except CredentialsError:
        raise
    except Exception as error:
        kind = type(error).__name__
    else:
        return Answer(200, "OK", ACCEPTED)
    # Not chained: the frames of an HTTP client hold the key.
    raise CredentialsError(
        f"The API gave no answer: {kind}.",
        remedy="Check base_url, the proxy, and this machine's network and certificates.",
    )
