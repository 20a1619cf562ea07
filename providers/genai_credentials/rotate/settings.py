"""The settings of a rotation that a machine runs, read from its environment, and the text form of a duration."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

from genai_credentials.errors import ConfigurationError
from genai_credentials.key import refuse_a_key
from genai_credentials.provider import Writable, writable
from genai_credentials.rotate.google_api_keys import GoogleApiKeys
from genai_credentials.rotate.job import Rotate
from genai_credentials.rotate.timing import Timing
from genai_credentials.sealing import sealed_call
from genai_credentials.uris import parse

T = TypeVar("T")

PREFIX = "GENAI_CREDENTIALS_ROTATE_"
"""The prefix of the variables.

_URI and _PROJECT are required. _SERVICE_ACCOUNT, _RETIRE_AFTER, _PROVE_FOR and _PROVE_TIMEOUT are optional.
"""

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")
_DURATIONS = ("retire_after", "prove_for", "prove_timeout")


class Settings(NamedTuple):
    """The settings of a rotation that a machine runs.

    Args:
        store: The store of the key.
        issuer: The service that makes keys.
        timing: The durations.
    """

    store: Writable
    issuer: GoogleApiKeys
    timing: Timing

    def job(self) -> Rotate:
        """The rotation with these settings."""
        timing = self.timing
        return Rotate(
            self.store,
            self.issuer,
            retire_after=timing.retire_after,
            prove_for=timing.prove_for,
            prove_timeout=timing.prove_timeout,
        )


@sealed_call
def settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings in the environment.

    Args:
        environ: The environment to read; None means `os.environ`.

    Raises:
        ConfigurationError: A variable is missing or wrong; the message names it.
    """
    environ = os.environ if environ is None else environ
    uri, project = _needed(environ, "URI"), _needed(environ, "PROJECT")
    account = environ.get(f"{PREFIX}SERVICE_ACCOUNT") or None
    store = _blamed(lambda: writable(parse(uri)), "URI")
    _blamed(lambda: GoogleApiKeys(project), "PROJECT")
    issuer = _blamed(lambda: GoogleApiKeys(project, service_account=account), "SERVICE_ACCOUNT")
    named = {name: environ.get(f"{PREFIX}{name.upper()}") for name in _DURATIONS}
    durations = {name: duration(text, f"{PREFIX}{name.upper()}") for name, text in named.items() if text}
    return Settings(store, issuer, _blamed(lambda: Timing(**durations), "PROVE_FOR", "PROVE_TIMEOUT"))


def duration(text: str, name: str) -> float:
    """The seconds in a text such as "90", "90s", "15m", "12h" or "90d".

    Args:
        text: The text.
        name: The name of the option or variable, for the error.

    Raises:
        ConfigurationError: The text is not a duration.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        refuse_a_key(text)
        raise ConfigurationError(
            f"{name}={text!r} is not a duration.", remedy="Write seconds, or a number with s, m, h or d: 90d."
        )
    return float(found[1]) * _UNITS[found[2]]


def _blamed(make: Callable[[], T], *names: str) -> T:
    """What `make` returns. Its errors name these variables."""
    try:
        return make()
    except ConfigurationError as error:
        blamed = " and ".join(PREFIX + name for name in names)
        problem = ConfigurationError(f"{blamed}: {error.message}", remedy=error.remedy)
    raise problem


def _needed(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(f"{PREFIX}{name}", "").strip()
    if not value:
        raise ConfigurationError(
            f"{PREFIX}{name} is not set.",
            remedy="Set it to the URI of the store." if name == "URI" else "Set it to the id of the keys' project.",
        )
    return value
