"""The two forms in which a key is stored: bare text, or a member of a JSON document. Both can read and set the key."""

from __future__ import annotations

import json
import re
from typing import NamedTuple, Protocol

from genai_credentials.errors import InvalidSecret, PutFailed
from genai_credentials.fields import extract_field, names_to
from genai_credentials.key import clean
from genai_credentials.writing import members
from genai_credentials.writing.text import encoding_of


class Document(Protocol):
    """A form in which a key is stored."""

    def key_in(self, text: str) -> str | None:
        """Return the key in the text; None if there is no key or its text cannot be a key."""
        ...

    def with_key(self, text: str, key: str) -> str:
        """Return the text with this key in it, and with all other content unchanged.

        Args:
            text: The whole document; "" if the document does not exist yet.
            key: The text of the key.

        Raises:
            PutFailed: The change would lose other content, or the key cannot be stored in this form.
        """
        ...


class Content(NamedTuple):
    """The bytes of a document and its form.

    Args:
        data: The bytes; b"" if the document does not exist yet.
        document: The form.
        where: The name of the provider, for the errors.
    """

    data: bytes
    document: Document
    where: str

    def holds(self, key: str) -> bool:
        """Whether the document holds this key. Raises `PutFailed` if the bytes are no text."""
        return self.document.key_in(encoding_of(self.data).decode(self.data, self.where)) == key

    def with_key(self, key: str) -> bytes:
        """Return the bytes of the document with this key in it.

        Raises:
            PutFailed: The change would lose other content, or the key cannot be stored in this form.
        """
        encoding = encoding_of(self.data)
        return encoding.encode(self.document.with_key(encoding.decode(self.data, self.where), key))


class Bare:
    """A text that holds only the key. White space around the key is kept.

    Args:
        where: The name of the provider, for the errors.
    """

    def __init__(self, where: str) -> None:
        self._where = where

    def key_in(self, text: str) -> str | None:
        """See `Document`."""
        return _key(text)

    def with_key(self, text: str, key: str) -> str:
        """See `Document`."""
        if text.lstrip().startswith(("{", "[")):
            raise self._lost("a JSON document", "Name the key's field: field='…', or '#field' in a URI.")
        start, end = len(text) - len(text.lstrip()), len(text.rstrip())
        return text[:start] + key + text[max(start, end) :]

    def _lost(self, what: str, remedy: str) -> PutFailed:
        return PutFailed(f"{self._where}: {what} is there, and a bare key would replace all of it.", remedy=remedy)


class BareFile(Bare):
    """A file that holds only the key. Other text is not overwritten, because a file has no earlier versions."""

    def with_key(self, text: str, key: str) -> str:
        """See `Document`."""
        changed = super().with_key(text, key)
        if _key(text) is None and re.search(r"[\s=,;]", text.strip()):
            raise self._lost("more than a key", "Check the path. If it is right, remove the file.")
        return changed


class InMember:
    """A JSON document with the key in one of its fields.

    Args:
        field: A name in the JSON object, or the JSON Pointer (RFC 6901) to a nested field.
        where: The name of the provider, for the errors.
    """

    def __init__(self, field: str, where: str) -> None:
        self._field, self._where = field, where

    def key_in(self, text: str) -> str | None:
        """See `Document`."""
        try:
            return _key(extract_field(text, self._field, ""))
        except InvalidSecret:
            return None

    def with_key(self, text: str, key: str) -> str:
        """See `Document`."""
        document = text if text.strip() else "{}"
        if not isinstance(_loaded(document), (dict, list)):
            raise PutFailed(
                f"{self._where}: no JSON object is stored there. The field of the key cannot be set.",
                remedy="Store a JSON object there, or leave the field out for a bare key.",
            )
        try:
            changed = members.with_value(document, names_to(self._field), key)
        except LookupError:
            changed = document
        if self.key_in(changed) != key:
            raise PutFailed(
                f"{self._where}: a value other than a text is stored in the field. Nothing was changed.",
                remedy="Check the name of the field. If it is right, remove the value.",
            )
        return changed


def document_for(field: str | None, where: str) -> Document:
    """Return the form of a secret: bare text, or JSON with the key in a field.

    Args:
        field: The field, or the JSON Pointer to it; None means that the secret is the bare key.
        where: The name of the provider, for the errors.
    """
    return Bare(where) if field is None else InMember(field, where)


def _loaded(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _key(text: object) -> str | None:
    try:
        return clean(text, "")[0] if isinstance(text, str) else None
    except InvalidSecret:
        return None
