"""`Dotenv`: a provider that reads a key from a .env file."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from functools import partial

from genai_credentials.errors import FetchFailed, Unavailable
from genai_credentials.fields import decoded
from genai_credentials.key import ApiKey
from genai_credentials.provider import import_extra, sealed, sealed_put
from genai_credentials.sealing import sealed_call
from genai_credentials.sources.base import (
    DEFAULT_NAMES,
    Source,
    checked_path,
    first_of,
    name_of,
    uri_of,
    variable_names,
)

MAX_BYTES = 1 << 20


class Dotenv(Source):
    """A provider that reads a key from a .env file. Each fetch reads the file again. It never changes `os.environ`.

    Args:
        path: The path of the file. A `~` at its start is the home directory.
        names: The names of the variables, in order of preference. Without names: GOOGLE_API_KEY, then GEMINI_API_KEY.

    Raises:
        ConfigurationError: No file can have the path, or a name cannot be the name of an environment variable.
    """

    @sealed_call
    def __init__(self, path: str | os.PathLike[str] = ".env", *names: str) -> None:
        super().__init__()
        self.path = checked_path(path)
        self.names = variable_names(names)
        self.name = name_of("dotenv", str(self.path), self._listed())

    @property
    def uri(self) -> str:
        """The text form of this provider."""
        return uri_of("dotenv", str(self.path), self._listed())

    def _listed(self) -> str | None:
        return ",".join(self.names) if self.names != DEFAULT_NAMES else None

    def _again(self) -> Callable[[], Source]:
        return partial(type(self), str(self.path), *self.names)

    @sealed
    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        """Return the key of the first variable that the file sets and that does not hold the refused key.

        Args:
            rejected: The key that the API has just refused; None when no key was refused.

        Raises:
            Unavailable: The file does not exist, or it sets none of the variables.
            MissingDependency: python-dotenv is not installed.
            InvalidSecret: The value of a variable cannot be a key.
            FetchFailed: The file cannot be read, or has more than 1,048,576 bytes.
        """
        try:
            with self.path.open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
            if len(content) > MAX_BYTES:
                raise FetchFailed(f"{self.name}: is over {MAX_BYTES:,} bytes.", remedy="Check that the path is right.")
            values = _parse(io.StringIO(decoded(content, f"{self.name}:")))
        except (FileNotFoundError, NotADirectoryError):
            raise Unavailable(
                f"{self.name}: no such file.", remedy="Create it, or add another provider to the chain."
            ) from None
        except OSError as error:
            raise FetchFailed(
                f"{self.name}: cannot be read ({type(error).__name__}).",
                remedy="Check the path, and that this process may read the file.",
            ) from None
        return first_of(self, self.names, values, rejected, str(self.path))

    @sealed_put
    def put(self, key: ApiKey | str) -> ApiKey:
        """Store a key in the file; see `Writable.put`.

        The key goes into the variable that a fetch reads. If none of the variables is set, it goes into the first one.
        Every other byte of the file stays as it is. The file is replaced as a whole or not at all, and keeps its mode
        and its owner. A new file is readable by its owner only. Its directory must exist.

        Args:
            key: The key, or its text.

        Raises:
            InvalidSecret: The text cannot be a key.
            MissingDependency: python-dotenv is not installed.
            PutConflict: Another program changed the file at the same moment.
            PutFailed: The file cannot be written, or a .env file cannot hold this key.
        """
        # Imported only when a key is written.
        from genai_credentials.writing.files import KeyFile
        from genai_credentials.writing.text import text_of
        from genai_credentials.writing.variables import Variables

        text = text_of(key, self.name)
        KeyFile(self.path, Variables(self.names, self.name), MAX_BYTES, self.name).put(text)
        return self.key(text)


def _parse(stream: object) -> dict[str, str | None]:
    values: dict[str, str | None] = import_extra("dotenv", "dotenv").dotenv_values(stream=stream)
    return values
