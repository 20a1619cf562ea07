"""`ask`: one question with one key. Does the API take it?

The question is to list one model: it costs nothing, every key may ask it, and what the API answers can be judged.
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
    """What the API says of a key, over a connection of its own; redirects are not followed.

    Args:
        key: The key.
        base_url: Where to ask; None for Google, whatever the environment says.
        timeout: Seconds to wait.
        allow_plain_http: Let the key travel unencrypted to a host that isn't this one.

    Raises:
        ConfigurationError: `base_url` is no URL, or the key would travel in the clear.
        InvalidSecret: The text cannot be a key.
        CredentialsError: There was no answer.
    """
    # As a key: an error keeps this frame, and reporters send its locals along.
    key = key if isinstance(key, ApiKey) else ApiKey(key, provider="probe")
    url = base_url or GOOGLE[0]
    origin_of(url, allow_plain_http=allow_plain_http)
    # No proxy either, on plain http: it would read the key.
    args = {"follow_redirects": False, **({} if url.startswith("https:") or allow_plain_http else {"trust_env": False})}
    options = types.HttpOptions(base_url=url, timeout=round(timeout * 1000), client_args=args)
    client = genai.Client(vertexai=False, api_key=key.get_secret_value(), http_options=options)
    try:
        answer = ask_with(client)
    finally:
        client.close()
    if answer.code == 200 or not answer.verdict.accepted:
        return answer.verdict
    # Without a list nothing is proven; what the API named as the cause is for the caller to weigh.
    return answer.verdict._replace(accepted=False) if answer.verdict.cause else UNTOUCHED


class Answer(NamedTuple):
    """What the API answered: the HTTP status, Google's word for it ("" without one), and what that says of the key."""

    code: int
    status: str
    verdict: Verdict


def ask_with(client: genai.Client) -> Answer:
    """What the API answers to the key that a client sends.

    Raises:
        CredentialsError: There was no answer.
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
