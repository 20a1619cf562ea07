"""What an answer of the API says of the key: its body is read as far as that takes, and no further."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import aiohttp

from genai_credentials.proxy.headers import Pairs, values
from genai_credentials.rejection import MOST_BYTES, SUSPECT, Verdict, classify

MOST_READ = 1_048_576
"""Bytes of a refusal that are read before it is judged and sent on."""


class Judged(NamedTuple):
    """An answer of which the beginning was read.

    Args:
        verdict: What it says of the key.
        head: What was read of the body, as it was sent.
        plain: The same without its encoding; None where it can't be read, or was not.
        whole: Whether that is all of the body.
    """

    verdict: Verdict
    head: bytes = b""
    plain: bytes | None = None
    whole: bool = False


async def judged(answer: aiohttp.ClientResponse, headers: Pairs) -> Judged:
    """The verdict; only what could be a refusal of the key is read for it.

    Args:
        answer: The answer, of whose body nothing was read.
        headers: Its headers.
    """
    encodings = values(headers, "content-encoding")
    # An error that is compressed is read to look for the key in it; any other is looked through on its way.
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
    """A body without its encoding, cut at a bound; None where it can't be read."""
    names = [name.strip().lower() for value in encodings for name in value.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if not names:
        return body
    if len(names) > 1 or names[0] not in ("gzip", "x-gzip", "deflate"):
        return None
    # gzip and zlib are told apart by their first bytes; some send deflate without either.
    for bits in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        try:
            return zlib.decompressobj(bits).decompress(body, MOST_READ)
        except zlib.error:
            continue
    return None
