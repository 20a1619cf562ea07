"""CRC32C, the checksum that Google Secret Manager sends with each payload.

Source: https://cloud.google.com/secret-manager/docs/data-integrity.
"""

from __future__ import annotations

from functools import cache

_POLYNOMIAL = 0x82F63B78
"""The polynomial of Castagnoli, reflected (RFC 3720, appendix B.4)."""


def crc32c(data: bytes) -> int:
    """Return the CRC32C of some bytes. It uses google-crc32c if installed; else a secret of 64 KiB takes 8 ms."""
    try:
        import google_crc32c
    except ImportError:
        return crc32c_in_python(data)
    return int(google_crc32c.value(data))


def crc32c_in_python(data: bytes) -> int:
    """Return the CRC32C, computed in Python alone, because google-genai does not install google-crc32c."""
    table, crc = _table(), 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


@cache
def _table() -> list[int]:
    table = list(range(256))
    for _ in range(8):
        table = [(crc >> 1) ^ (_POLYNOMIAL if crc & 1 else 0) for crc in table]
    return table
