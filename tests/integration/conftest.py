"""Tables that several modules of this directory share are importable from them; the page of paths can be rewritten."""

import os
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_addoption(parser: pytest.Parser) -> None:
    """One option; `config.getoption` has to name a default, since this file is not always read in time."""
    parser.addoption("--write-paths", action="store_true", help="rewrite docs/explanation/paths.md from what is proved")


@pytest.fixture(scope="module")
def one_context() -> Iterator[None]:
    """One TLS context for every client that names no authority: reading the system's takes each of them 60 ms."""
    make = ssl.create_default_context
    shared = make()

    def quick(*args: object, **options: object) -> ssl.SSLContext:
        return make(*args, **options) if "SSL_CERT_FILE" in os.environ else shared  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", quick)
        yield
