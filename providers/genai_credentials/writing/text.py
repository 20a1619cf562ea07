"""The text of a key before it is stored, and the encoding of the document in which it is stored."""

from __future__ import annotations

import codecs
from typing import NamedTuple

from genai_credentials.errors import InvalidSecret, PutFailed
from genai_credentials.key import ApiKey, clean


def text_of(key: ApiKey | str, where: str) -> str:
    """Return the text of a key, cleaned as the text of a fetched key is.

    Args:
        key: The key, or its text.
        where: The name of the provider, for the error.

    Raises:
        InvalidSecret: The text cannot be a key.
    """
    if isinstance(key, ApiKey):
        return key.get_secret_value()
    try:
        return clean(key, where)[0]
    except InvalidSecret as error:
        message = error.message.replace("the stored value", "the new value")
        problem = InvalidSecret(message, remedy=error.remedy)
    # The first error is not chained, because its frames hold the text.
    raise problem


class Encoding(NamedTuple):
    """The encoding of a document: its byte-order mark, and the codec of the bytes after the mark."""

    mark: bytes
    codec: str

    def decode(self, content: bytes, where: str) -> str:
        """Return the text of a document.

        Args:
            content: All bytes of the document.
            where: The name of the provider, for the error.

        Raises:
            PutFailed: The bytes are no text.
        """
        try:
            return content[len(self.mark) :].decode(self.codec)
        except UnicodeDecodeError:
            # The first error is not chained, because it holds the content.
            problem = PutFailed(
                f"{where}: is binary, not text, and was not changed.", remedy="Remove the old content first."
            )
        raise problem

    def encode(self, text: str) -> bytes:
        """Return the bytes of a text, with the byte-order mark."""
        return self.mark + text.encode(self.codec)


UTF_8 = Encoding(b"", "utf-8")
# The longer mark comes first, because the mark of UTF-32 begins with the mark of UTF-16.
_MARKED = (
    Encoding(codecs.BOM_UTF32_LE, "utf-32-le"),
    Encoding(codecs.BOM_UTF32_BE, "utf-32-be"),
    Encoding(codecs.BOM_UTF8, "utf-8"),
    Encoding(codecs.BOM_UTF16_LE, "utf-16-le"),
    Encoding(codecs.BOM_UTF16_BE, "utf-16-be"),
)


def encoding_of(content: bytes) -> Encoding:
    """Return the encoding of a document according to its byte-order mark; UTF-8 if there is no mark."""
    return next((one for one in _MARKED if content.startswith(one.mark)), UTF_8)
