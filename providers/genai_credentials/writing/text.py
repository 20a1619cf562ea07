"""The text of a key that is to be stored, and the encoding of what it is stored in."""

from __future__ import annotations

import codecs
from typing import NamedTuple

from genai_credentials.errors import InvalidSecret, PutFailed
from genai_credentials.key import ApiKey, clean


def text_of(key: ApiKey | str, where: str) -> str:
    """The cleaned text of a key that is to be stored.

    Args:
        key: The key, or its text.
        where: The provider's name, for the error.

    Raises:
        InvalidSecret: The text cannot be a key.
    """
    if isinstance(key, ApiKey):
        return key.get_secret_value()
    try:
        return clean(key, where)[0]
    except InvalidSecret as error:
        message = error.message.replace("what is stored there", "the key that was to be put there")
        problem = InvalidSecret(message, remedy=error.remedy)
    # Not chained: the frames of the first one hold the text.
    raise problem


class Encoding(NamedTuple):
    """How a document is encoded: the mark it begins with, and the codec of what follows."""

    mark: bytes
    codec: str

    def decode(self, content: bytes, where: str) -> str:
        """The text of a document.

        Args:
            content: All of its bytes.
            where: The provider's name, for the error.

        Raises:
            PutFailed: It is no text.
        """
        try:
            return content[len(self.mark) :].decode(self.codec)
        except UnicodeDecodeError:
            # Not chained: the error carries the content.
            problem = PutFailed(f"{where}: is binary, not text, so it was left as it is.", remedy="Remove it first.")
        raise problem

    def encode(self, text: str) -> bytes:
        """The bytes of a text."""
        return self.mark + text.encode(self.codec)


_UTF_8 = Encoding(b"", "utf-8")
# The longer first: the mark of UTF-32 begins with that of UTF-16.
_MARKED = (
    Encoding(codecs.BOM_UTF32_LE, "utf-32-le"),
    Encoding(codecs.BOM_UTF32_BE, "utf-32-be"),
    Encoding(codecs.BOM_UTF8, "utf-8"),
    Encoding(codecs.BOM_UTF16_LE, "utf-16-le"),
    Encoding(codecs.BOM_UTF16_BE, "utf-16-be"),
)


def encoding_of(content: bytes) -> Encoding:
    """How a document is encoded, by the mark it begins with; UTF-8 without one."""
    return next((one for one in _MARKED if content.startswith(one.mark)), _UTF_8)
