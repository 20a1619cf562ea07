"""Tables that several modules of this directory share are importable from them; the page of paths can be rewritten."""

import os
import ssl
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_addoption(parser: pytest.Parser) -> None:
    """One option; `config.getoption` has to name a default, since this file is not always read in time."""
    parser.addoption("--write-paths", action="store_true", help="rewrite docs/explanation/paths.md from what is proved")


@pytest.fixture(scope="module")
def no_certificates() -> Iterator[None]:
    """Clients that name no authority read none: the system's take each of them 60 ms, and nobody here shows one."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            patch.delenv(variable, raising=False)
        for name in ("load_verify_locations", "load_default_certs"):
            patch.setattr(ssl.SSLContext, name, unless_named(getattr(ssl.SSLContext, name)))
        yield


def unless_named(load: Callable[..., None]) -> Callable[..., None]:
    """`load`, done only where the environment names an authority."""

    def loaded(*args: object, **options: object) -> None:
        if "SSL_CERT_FILE" in os.environ:
            load(*args, **options)

    return loaded
