"""`File`: a provider that reads a key from a file. The file holds the bare key, or JSON with the key in a field."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from functools import partial

from genai_credentials.errors import FetchFailed, InvalidSecret, Unavailable
from genai_credentials.fields import checked_field, decoded, extract_field
from genai_credentials.key import MAX_BYTES, ApiKey, refuse_a_key
from genai_credentials.log import logger
from genai_credentials.provider import sealed, sealed_put
from genai_credentials.sealing import sealed_call
from genai_credentials.sources.base import Source, checked_path, name_of, uri_of

MAX_FILE_BYTES = 16 * MAX_BYTES


class File(Source):
    """A provider that reads a key from a file. Each fetch opens the file again, and thus finds a replaced file.

    Kubernetes replaces the files of a mounted secret by changing a symbolic link. The next fetch follows the new link.

    Args:
        path: The path of the file. A `~` at its start is the home directory.
        field: The JSON key that holds the API key, or the JSON Pointer (RFC 6901) to it, such as "/google/api_key".
            None means that the file holds the bare key.

    Raises:
        ConfigurationError: No file can have the path, or the field is neither a name nor a JSON Pointer.
    """

    @sealed_call
    def __init__(self, path: str | os.PathLike[str], field: str | None = None) -> None:
        super().__init__()
        refuse_a_key(field)
        self.path = checked_path(path)
        self.field = checked_field(field)
        self.name = name_of("file", str(self.path), self.field)
        self._warned_of_mode = False

    @property
    def uri(self) -> str:
        """The text form of this provider."""
        return uri_of("file", str(self.path), self.field)

    def _again(self) -> Callable[[], Source]:
        return partial(type(self), str(self.path), self.field)

    @sealed
    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        """Return the key in the file.

        Args:
            rejected: Ignored. Each fetch reads the file.

        Raises:
            Unavailable: The file does not exist.
            InvalidSecret: The content is no key, has no such field, or has more than 65,536 bytes.
            FetchFailed: The file exists but cannot be read.
        """
        try:
            with self.path.open("rb") as stream:
                self._check_mode(os.fstat(stream.fileno()).st_mode)
                content = stream.read(MAX_FILE_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError):
            raise Unavailable(
                f"{self.name}: no such file.", remedy="Create it, or add another provider to the chain."
            ) from None
        except OSError as error:
            raise FetchFailed(
                f"{self.name}: cannot be read ({type(error).__name__}: {error.strerror}).",
                remedy="Check the path, and that this process may read the file.",
            ) from None
        return self.key(extract_field(self._decode(content), self.field, self.name))

    @sealed_put
    def put(self, key: ApiKey | str) -> ApiKey:
        """Store a key in the file; see `Writable.put`.

        The file is replaced as a whole or not at all. It keeps its mode and its owner. In JSON, every other byte stays
        as it is. A new file is readable by its owner only. Its directory must exist.

        Args:
            key: The key, or its text.

        Raises:
            InvalidSecret: The text cannot be a key.
            PutConflict: Another program changed the file at the same moment.
            PutFailed: The file cannot be written, or the write would destroy other content of the file.
        """
        # Imported only when a key is written.
        from genai_credentials.writing.documents import BareFile, InMember
        from genai_credentials.writing.files import KeyFile
        from genai_credentials.writing.text import text_of

        text = text_of(key, self.name)
        document = InMember(self.field, self.name) if self.field else BareFile(self.name)
        KeyFile(self.path, document, MAX_FILE_BYTES, self.name).put(text)
        return self.key(text)

    def _decode(self, content: bytes) -> str:
        if len(content) > MAX_FILE_BYTES:
            raise InvalidSecret(
                f"{self.name}: is over {MAX_FILE_BYTES:,} bytes, and no key is that long.",
                remedy="Check that the path is right.",
            )
        return decoded(content, f"{self.name}:")

    def _check_mode(self, mode: int) -> None:
        if self._warned_of_mode or os.name != "posix" or not mode & stat.S_IROTH:
            return
        self._warned_of_mode = True
        logger.warning(
            "%s: readable by every user of this machine. Run chmod o-r, or set the mode of the mount.",
            self.name,
            extra={"event": "file_mode", "provider": self.name},
        )
