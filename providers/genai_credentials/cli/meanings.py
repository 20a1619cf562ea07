"""What an answer or an error means, in words: it finds the cause, and `causes` has what there is to say about it.

The verdict on the key is that of `genai_credentials.rejection`; this adds what people want to know at 3 a.m.
"""

from __future__ import annotations

import json
import re

from genai_credentials.cli.causes import NO_KEY_SENT, TABLE, UNRECOGNISED, UNSET, WRONG_GATEWAY, Meaning
from genai_credentials.rejection import MOST_BYTES, Verdict, classify

# The first that is found in an error's text names its cause. A store's errors come before the API's: they bear the
# same numbers.
_IN_TEXT = tuple(
    (re.compile(pattern), cause)
    for pattern, cause in (
        (r"secretmanager|SecretManager|GetSecretValue|(?i:default credentials were not found)", "store"),
        (r"DefaultCredentialsError|NoCredentialsError|Unable to locate credentials|AccessDeniedException", "store"),
        (r"MissingDependency|pip install 'genai-credentials\[", "missing_package"),
        (r"InvalidSecret|what is stored there", "bad_secret"),
        (r"NoCredentials\b|No provider of the chain has|(?i:no api[_ ]key was provided)|Missing key inputs", "no_key"),
        (r"(?i)api[_ ]?key (?:client option )?must be (?:set|provided)|provide [^\n]{0,40}api_key", "no_key"),
        (r"ConfigurationError", "configuration"),
        (r"(?i)certificate[_ ]verify[_ ]failed|\bSSL(?:Cert\w*)?Error", "tls"),
        (r"(?i)name or service not known|nodename nor servname|getaddrinfo|name resolution", "dns"),
        (r"ProxyError|407 Proxy|Tunnel connection failed", "proxy"),
        (r"(?i)connection refused|connection reset|ECONN|server disconnected|RemoteProtocolError", "connection"),
        (r"Timeout|(?i:timed out)|DeadlineExceeded", "timeout"),
        (r"Connect(?:ion)?Error|ReadError|WriteError|Errno 1[01]\d", "connection"),
    )
)
# What a gateway's or Google's message gives away: which of the causes is the likeliest.
_HINTS = {
    "gateway": (
        (r"(?i)expire|disabled|quota|banned|过期|不可用|用尽|额度", 1),
        (r"(?i)not provided|missing|未提供", 0),
    ),
    "API_KEY_INVALID": ((r"(?i)expire", 1),),
}
_OPENAI = re.compile(r"(?i)incorrect api key provided|platform\.openai\.com")
_PROJECT = re.compile(r"(?:projects/|in project |project=)(\d{6,20})\b")


def of_cause(cause: str) -> Meaning:
    """The meaning of a cause of this module's table."""
    return TABLE[cause]


def of_answer(status: int, body: str) -> Meaning:
    """What an HTTP answer means.

    Args:
        status: The HTTP status.
        body: The body, or what is left of it.
    """
    verdict, message = classify(status, body), message_of(body)
    if not verdict.cause:
        return TABLE[_untouched(status, body)]
    if verdict.cause == "gateway" and _OPENAI.search(message):
        return TABLE["openai"]
    return of_verdict(verdict, message, body)


def of_close(verdict: Verdict, message: str) -> Meaning:
    """What the closing of a WebSocket before its session was set up means."""
    return of_verdict(verdict, message) if verdict.cause else TABLE["other_status"]


def of_verdict(verdict: Verdict, message: str = "", body: str = "") -> Meaning:
    """What a verdict on the key means; the message only orders the likely causes, and names the key's project."""
    cause = verdict.cause
    # The restrictions on who calls, which need no more words than the remedy has.
    plain = Meaning("misconfigured", cause, "The key is genuine; its restrictions do not let this caller in.")
    meaning = TABLE.get(cause, plain)
    meaning = meaning._replace(remedy=meaning.remedy or verdict.remedy)
    for pattern, number in _HINTS.get(cause, ()):
        if re.search(pattern, message):
            rest = [text for text in meaning.causes if text != meaning.causes[number]]
            meaning = meaning._replace(causes=(meaning.causes[number], *rest))
            break
    if (found := _PROJECT.search(body[:MOST_BYTES])) and cause in ("SERVICE_DISABLED", "CONSUMER_SUSPENDED"):
        meaning = meaning._replace(title=f"{meaning.title} The project's number is {found[1]}.")
    return meaning


def as_sent(meaning: Meaning, kind: str) -> Meaning:
    """What an answer means to whoever knows that a key was sent, and what kind of key.

    Args:
        meaning: What it means to one who doesn't.
        kind: The key's, in the words of `chains.KINDS`.
    """
    causes = [cause for cause in meaning.causes if cause not in (NO_KEY_SENT, UNSET)]
    if meaning.cause == "gateway" and kind in ("standard", "auth"):
        causes.sort(key=lambda cause: cause != WRONG_GATEWAY)
    return meaning._replace(causes=tuple(causes))


def of_text(text: str) -> Meaning | None:
    """What the text of an error means that is no answer of the API's; None if it isn't known."""
    return next((TABLE[cause] for pattern, cause in _IN_TEXT if pattern.search(text)), None)


def of_exception(error: BaseException) -> Meaning:
    """What an error on the way to the API means."""
    names = " ".join(kind.__name__ for kind in type(error).__mro__)
    meaning = of_text(f"{names} {error}") or UNRECOGNISED
    if meaning is UNRECOGNISED:
        return meaning._replace(title=f"The request failed with {type(error).__name__}.", remedy="")
    return meaning


def message_of(body: str) -> str:
    """The message in an answer's body; empty if there is none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return body[:500]
    if isinstance(document, list) and document:
        document = document[0]
    error = document.get("error", document) if isinstance(document, dict) else document
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) else ""


def _untouched(status: int, body: str) -> str:
    if status == 400:
        if re.search(r"(?i)location is not supported", body):
            return "region"
        return "several_credentials" if re.search(r"(?i)multiple authentication", body) else "bad_request"
    if status in (404, 405):
        return "not_found"
    if status == 407:
        return "proxy"
    if status == 429:
        return "quota"
    return "server" if status >= 500 else "other_status"
