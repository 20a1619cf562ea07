"""`Env`: a key from the environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial

from genai_credentials.key import ApiKey
from genai_credentials.provider import sealed
from genai_credentials.sealing import hidden, sealed_call
from genai_credentials.sources.base import DEFAULT_NAMES, Source, first_of, uri_of, variable_names


class Env(Source):
    """A key from the first environment variable that is set; an empty one counts as unset, as in the SDK.

    Args:
        names: The variables, in order of preference; none means GOOGLE_API_KEY, then GEMINI_API_KEY.
        environ: Where to look; None means `os.environ`, read anew at each fetch.

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
        """The text form of this provider; None when it reads an environment of its own."""
        if self._environ() is not None:
            return None
        return uri_of("env", ",".join(self.names) if self.names != DEFAULT_NAMES else "")

    def _again(self) -> Callable[[], Source] | None:
        return None if self._environ() is not None else partial(type(self), *(() if self.name == "env" else self.names))

    @sealed
    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        """The key of the first variable that is set and doesn't hold the refused key.

        Raises:
            Unavailable: None is set.
            InvalidSecret: What is set cannot be a key.
        """
        environ = self._environ()
        return first_of(self, self.names, os.environ if environ is None else environ, rejected, "the environment")
