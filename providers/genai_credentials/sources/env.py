"""`Env`: a provider that reads a key from the environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial

from genai_credentials.key import ApiKey
from genai_credentials.provider import sealed
from genai_credentials.sealing import hidden, sealed_call
from genai_credentials.sources.base import DEFAULT_NAMES, Source, first_of, uri_of, variable_names


class Env(Source):
    """A provider that reads the first environment variable with a value.

    An empty variable counts as unset, as in the SDK.

    Args:
        names: The names of the variables, in order of preference. Without names: GOOGLE_API_KEY, then GEMINI_API_KEY.
        environ: The mapping to read; None means `os.environ`. Each fetch reads the mapping again.

    Raises:
        ConfigurationError: One of the names cannot be the name of an environment variable.

    Examples:
        >>> Env(environ={"GEMINI_API_KEY": "AIzaExample"}).fetch()
        <ApiKey f6f4944b from env>
    """

    @sealed_call
    def __init__(self, *names: str, environ: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.names = variable_names(names)
        self.name = f"env:{','.join(names)}" if names else "env"
        self._environ = hidden(environ)

    @property
    def uri(self) -> str | None:
        """The text form of this provider; None if the provider reads a mapping of the caller."""
        if self._environ() is not None:
            return None
        return uri_of("env", ",".join(self.names) if self.names != DEFAULT_NAMES else "")

    def _again(self) -> Callable[[], Source] | None:
        return None if self._environ() is not None else partial(type(self), *(() if self.name == "env" else self.names))

    @sealed
    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        """Return the key of the first variable that is set and does not hold the refused key.

        Args:
            rejected: The key that the API has just refused; None when no key was refused.

        Raises:
            Unavailable: None of the variables is set.
            InvalidSecret: The value of a variable cannot be a key.
        """
        environ = self._environ()
        return first_of(self, self.names, os.environ if environ is None else environ, rejected, "the environment")
