"""`genai-credentials put`: store a key that a person made by hand, after the API has accepted it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from genai_credentials.cli import screens
from genai_credentials.cli.chains import chain_of, key_line, kind_of, origin_name
from genai_credentials.cli.key_input import is_asked, typed_key, typed_text
from genai_credentials.cli.output import (
    BAD,
    BASE_URL,
    OK,
    UNCLEAR,
    Misconfigured,
    Printer,
    emit,
    in_options,
    json_option,
    know,
    plain_http_option,
    quiet,
)
from genai_credentials.cli.unread import output_may_go_unread
from genai_credentials.cli.usage import Verb
from genai_credentials.cli.values import base_url_option
from genai_credentials.cli.waiting import waiting
from genai_credentials.errors import ConfigurationError, CredentialsError, MissingDependency, PutConflict, PutUnsure
from genai_credentials.key import ApiKey
from genai_credentials.provider import Writable, writable

if TYPE_CHECKING:
    from genai_credentials.rejection import Verdict

RESTRICTIONS = frozenset(
    f"API_KEY_{what}_BLOCKED" for what in ("HTTP_REFERRER", "IP_ADDRESS", "ANDROID_APP", "IOS_APP")
)
"""Refusals that concern the place of the request. They show that the key exists."""

PAUSES = (0.2, 0.5, 1.0, 0.0)
"""Seconds to wait before the store is read again, if it does not return the new key yet."""

HEADLINES = {
    "stored": ("Stored", "good"),
    "unchanged": ("Nothing to do, the key is there already", "good"),
    "refused": ("Nothing was stored", "bad"),
    "not_proven": ("Nothing was stored, the API could not be asked", "odd"),
    "unsure": ("It is not sure which key is stored", "odd"),
}
"""Outcome -> the first line, and its mark."""


class Way(NamedTuple):
    """How to ask the API about the key.

    Args:
        base_url: The base URL; None means the SDK's own.
        allow_plain_http: Whether the key may be sent over http:// to another machine.
    """

    base_url: str | None
    allow_plain_http: bool


class Result(NamedTuple):
    """The result of the command.

    Args:
        provider: The name of the store's provider.
        outcome: A key of `HEADLINES`.
        key: The key, with its version if it was stored; None if the text is not a key.
        previous: The fingerprint of the key that was stored before; None if there was no key.
        check: The answer of the API: "accepted"; "restricted" (the key is good, but this machine may not use it);
            "refused"; "misconfigured" (another key of the same project would fail too); "unclear"; or "not_asked".
        cause: The word for the reason; empty if there is none.
        error: Why the key was not stored; empty if it was stored.
        remedy: What to do next; may be empty.
    """

    provider: str
    outcome: str = "refused"
    key: ApiKey | None = None
    previous: str | None = None
    check: str = "not_asked"
    cause: str = ""
    error: str = ""
    remedy: str = ""

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        return {"stored": OK, "unchanged": OK, "not_proven": UNCLEAR}.get(self.outcome, BAD)

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "provider": self.provider,
            "outcome": self.outcome,
            "fingerprint": self.key.fingerprint if self.key else None,
            "kind": kind_of(self.key) if self.key else None,
            "notes": list(self.key.notes) if self.key else [],
            "version": self.key.version if self.key else None,
            "previous": self.previous,
            "check": self.check,
            "cause": self.cause,
            "error": self.error,
            "remedy": self.remedy,
            "exit_code": self.exit_code,
        }

    def failed(self, error: CredentialsError, outcome: str = "refused") -> Result:
        """The same result with an error."""
        return self._replace(outcome=outcome, error=in_options(error.message), remedy=in_options(error.remedy))


@click.command(cls=Verb, short_help="Store a key that you made by hand.")
@json_option
@click.option("--no-check", is_flag=True, help="Store the key without asking the API about it.")
@base_url_option
@plain_http_option
@click.option("--yes", is_flag=True, help="Replace another key without a question, also on a terminal.")
@click.argument("uri")
@output_may_go_unread()
def put(as_json: bool, no_check: bool, base_url: str | None, allow_plain_http: bool, yes: bool, uri: str) -> None:
    """Store a key at URI: in a .env file, a file, Google Secret Manager or AWS Secrets Manager.

    The key is read from standard input. On a terminal the command asks for the key, and does not show it. White space
    and quotes around the key are removed. The API must accept the key before it is stored. After that, it is read back.
    Everything else that is stored at URI stays unchanged. A key that is stored there already is not written again.

    \b
    Examples:
      genai-credentials put google:projects/acme/secrets/gemini-api-key
      genai-credentials put aws:prod/gemini#api_key
      pass show gemini | genai-credentials put dotenv:.env --no-check

    \b
    Exit codes:
      0  the key is stored, or it was stored there already
      1  nothing was stored: the text is not a key, the API refuses the key, or
         the store fails; the error says if this is not sure
      2  the URI, an option or the installation is wrong
      3  nothing was stored, because the API could not be asked
    """
    store = _store(uri)
    way = None if no_check else Way(base_url, allow_plain_http)
    result = _work(store, way, confirms=not yes)
    if as_json:
        emit(result.document())
    else:
        _show(result, origin_name(base_url))
    raise click.exceptions.Exit(result.exit_code)


def _store(uri: str) -> Writable:
    (provider,) = chain_of((uri,)).providers
    try:
        return writable(provider)
    except ConfigurationError as error:
        raise Misconfigured.of(error) from None


def _work(store: Writable, way: Way | None, *, confirms: bool) -> Result:
    result = Result(store.name)
    text = typed_text(store.name)
    try:
        key = typed_key(text)
    except CredentialsError as error:
        return result._replace(error=error.message, remedy=error.remedy)
    with quiet(), waiting("Asking the API about the key"):
        result = _asked(result._replace(key=key), key, way)
        if result.error:
            return result
        result = result._replace(previous=_served(store))
    if confirms and is_asked() and result.previous not in (None, key.fingerprint):
        question = f"{store.name} has the key {result.previous}. Replace it by {key.fingerprint}?"
        click.confirm(question, abort=True, err=True)
    with quiet(), waiting(f"Storing the key: {store.name}"):
        return _stored(result, store, key)


def _asked(result: Result, key: ApiKey, way: Way | None) -> Result:
    """Ask the API about the key. The result has an error unless the API accepts the key."""
    if way is None:
        return result
    from genai_credentials.client import probe

    base_url = way.base_url or os.environ.get(BASE_URL) or None
    try:
        verdict = probe.ask(key, base_url=base_url, allow_plain_http=way.allow_plain_http)
    except ConfigurationError as error:
        raise Misconfigured.of(error, way.base_url) from None
    except CredentialsError as error:
        return result.failed(error, "not_proven")
    return _judged(result, verdict)


def _judged(result: Result, verdict: Verdict) -> Result:
    result = result._replace(cause=verdict.cause)
    if verdict.accepted:
        return result._replace(check="accepted")
    if verdict.cause in RESTRICTIONS:
        return result._replace(check="restricted")
    if not verdict.cause:
        said = "The API's answer says nothing about the key."
        remedy = "Try again later, or store the key without this check: add --no-check."
        return result._replace(outcome="not_proven", check="unclear", error=said, remedy=remedy)
    said = "refuses this key" if verdict.rejected else "recognises this key, and does not let it call this API"
    check = "refused" if verdict.rejected else "misconfigured"
    return result._replace(check=check, error=f"The API {said} ({verdict.cause}).", remedy=verdict.remedy)


def _served(store: Writable) -> str | None:
    try:
        key = store.fetch()
    except CredentialsError:
        return None
    know(key)
    return key.fingerprint


def _stored(result: Result, store: Writable, key: ApiKey) -> Result:
    try:
        stored = store.put(key)
    except MissingDependency as error:
        raise Misconfigured.of(error) from None
    except CredentialsError as error:
        return result.failed(error, "unsure" if _may_be_stored(error) else "refused")
    result = result._replace(key=stored, outcome="unchanged" if result.previous == key.fingerprint else "stored")
    if _reads_back(store, stored):
        return result
    said = "The key was stored, but reading the store returns another key."
    remedy = "Perhaps somebody stored another key at the same moment. Run genai-credentials status with this URI."
    return result._replace(outcome="unsure", error=said, remedy=remedy)


def _may_be_stored(error: CredentialsError) -> bool:
    return isinstance(error, PutUnsure) or (isinstance(error, PutConflict) and error.stored is not None)


def _reads_back(store: Writable, stored: ApiKey) -> bool:
    for pause in PAUSES:
        try:
            if store.fetch() == stored:
                return True
        except CredentialsError:
            pass
        time.sleep(pause)
    return False


def _show(result: Result, host: str) -> None:
    printer = Printer()
    words, state = HEADLINES[result.outcome]
    screens.headline(printer, state, f"{words}: {result.provider}")
    if result.key is not None:
        printer.say(key_line(result.key))
    if result.check == "accepted":
        printer.say(f"The API accepts the key: {host}.")
    elif result.check == "restricted":
        printer.say(f"The key exists, but its restrictions refuse this machine ({result.cause}): {host}.")
    elif result.check == "not_asked" and not result.error:
        printer.say("The API was not asked about the key.")
    if result.key is not None and result.key.notes:
        printer.say(f"The text had {' and '.join(result.key.notes)} around the key. They were not stored.")
    if result.outcome == "stored" and result.previous:
        printer.say(f"It replaced the key {result.previous}.")
    if result.error:
        printer.say(result.error)
        printer.say(result.remedy, lead="-> ", lead_style="bold")
