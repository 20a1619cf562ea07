"""`Dotenv`: a key from a .env file."""

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
    """A key from a .env file, read anew at each fetch; `os.environ` is never written.

    Args:
        path: The file.
        names: The variables, in order of preference; none means GOOGLE_API_KEY, then GEMINI_API_KEY.
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
        """The key of the first variable that the file sets and that doesn't hold the refused key.

        Raises:
            Unavailable: No such file, or none of the variables in it.
            MissingDependency: python-dotenv is not installed.
            FetchFailed: The file cannot be read, or what it holds cannot be a key.
        """
        try:
            with self.path.open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
            if len(content) > MAX_BYTES:
                raise FetchFailed(f"{self.name}: over {MAX_BYTES:,} bytes.", remedy="Is it the right file?")
            values = _parse(io.StringIO(decoded(content, f"{self.name}:")))
        except (FileNotFoundError, NotADirectoryError):
            raise Unavailable(
                f"{self.name}: no such file.", remedy="Create it, or let another provider serve."
            ) from None
        except OSError as error:
            raise FetchFailed(
                f"{self.name}: cannot be read ({type(error).__name__}).", remedy="Check the file."
            ) from None
        return first_of(self, self.names, values, rejected, str(self.path))

    @sealed_put
    def put(self, key: ApiKey | str) -> ApiKey:
        """Store a key under the variable that a fetch would serve, or else under the first name; see `Writable.put`.

        All else in the file stays to the byte. It is replaced whole or not at all, and keeps its mode and its owner. A
        new one is for its owner alone; its directory has to exist.

        Raises:
            InvalidSecret: The text cannot be a key.
            MissingDependency: python-dotenv is not installed.
            PutConflict: Somebody else changed the file at the same moment.
            PutFailed: The file cannot be written, or the key cannot stand in it.
        """
        # Loaded only by those who write.
        from genai_credentials.writing.files import KeyFile
        from genai_credentials.writing.text import text_of
        from genai_credentials.writing.variables import Variables

        text = text_of(key, self.name)
        KeyFile(self.path, Variables(self.names, self.name), MAX_BYTES, self.name).put(text)
        return self.key(text)


def _parse(stream: object) -> dict[str, str | None]:
    values: dict[str, str | None] = import_extra("dotenv", "dotenv").dotenv_values(stream=stream)
    return values
