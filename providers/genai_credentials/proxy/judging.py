"""The verdict of the API's answer on the key. Only as much of the body is read as the verdict needs."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import aiohttp

from genai_credentials.proxy.headers import Pairs, values
from genai_credentials.rejection import MOST_BYTES, SUSPECT, Verdict, classify

MOST_READ = 1_048_576
"""The most bytes of a refusal that are read before the verdict. The rest is forwarded unread."""


class Judged(NamedTuple):
    """An answer whose beginning was read.

    Args:
        verdict: The verdict on the key.
        head: The bytes of the body that were read, as they were sent.
        plain: The same bytes without their encoding; None if they were not read or cannot be decoded.
        whole: Whether the whole body was read.
    """

    verdict: Verdict
    head: bytes = b""
    plain: bytes | None = None
    whole: bool = False


async def judged(answer: aiohttp.ClientResponse, headers: Pairs) -> Judged:
    """The verdict on an answer. The body is read only if the answer may refuse the key, or is a compressed error.

    Args:
        answer: The answer. No byte of its body was read yet.
        headers: The answer's headers.
    """
    encodings = values(headers, "content-encoding")
    # A compressed error is read to find the key in it. Any other body is searched for the key while it is forwarded.
    if answer.status not in SUSPECT and not (answer.status >= 400 and encodings):
        return Judged(classify(answer.status, b""))
    parts: list[bytes] = []
    size = 0
    while size <= MOST_READ and (chunk := await answer.content.readany()):
        parts.append(chunk)
        size += len(chunk)
    head = b"".join(parts)
    plain = decompressed(head, encodings)
    return Judged(classify(answer.status, (plain or b"")[:MOST_BYTES]), head, plain, answer.content.at_eof())


def decompressed(body: bytes, encodings: list[str]) -> bytes | None:
    """A body without its encoding, at most 1 MiB of it; None if it cannot be decoded.

    Args:
        body: The body.
        encodings: The values of its Content-Encoding headers.
    """
    names = [name.strip().lower() for value in encodings for name in value.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if not names:
        return body
    if len(names) > 1 or names[0] not in ("gzip", "x-gzip", "deflate"):
        return None
    # zlib recognises gzip and zlib by their first bytes. Some servers send deflate without either header.
    for bits in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        try:
            return zlib.decompressobj(bits).decompress(body, MOST_READ)
        except zlib.error:
            continue
    return None
