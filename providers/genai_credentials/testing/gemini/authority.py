"""The certificates of `FakeGemini(tls=True)`."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

__all__ = ["Authority"]


class Authority:
    """A temporary certificate authority, and the TLS context of a server with a certificate signed by it.

    Args:
        names: The host names and addresses in the certificate.

    Raises:
        ImportError: The package trustme is not installed.
    """

    def __init__(self, *names: str) -> None:
        try:
            import trustme
        except ImportError:
            raise ImportError("FakeGemini(tls=True) needs the package trustme: pip install trustme") from None
        authority = trustme.CA()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(self.context)
        self._folder = tempfile.TemporaryDirectory(prefix="fake-gemini-")
        self.ca_file = str(Path(self._folder.name, "ca.pem"))
        authority.cert_pem.write_to_path(self.ca_file)

    def close(self) -> None:
        """Remove the file of the authority."""
        self._folder.cleanup()
