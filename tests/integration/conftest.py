"""Tables that several modules of this directory share are importable from them; the page of paths can be rewritten."""

import gc
import json
import logging
import os
import ssl
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from genai_credentials import CredentialProvider
from genai_credentials.testing import FakeGemini

sys.path.insert(0, str(Path(__file__).parent))

from proxies import ForwardProxy
from sdk_paths import Keys


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


@pytest.fixture(scope="module")
def nothing_left_open() -> Iterator[None]:
    """A socket that no one closed is an error once it is collected; once a module, since that takes 0.3 s."""
    yield
    gc.collect()


@pytest.fixture
def own_logger() -> Iterator[logging.Logger]:
    """The package's logger, as it was before once the test is over: a page sets it up as an application does."""
    logger = logging.getLogger("genai_credentials")
    before = logger.level, logger.propagate, list(logger.handlers)
    yield logger
    level, logger.propagate, logger.handlers[:] = before
    logger.setLevel(level)


@pytest.fixture
def api() -> Iterator[FakeGemini]:
    """A Gemini API; a module that needs it over TLS has its own."""
    with FakeGemini() as server:
        yield server


@pytest.fixture
def keys(api: FakeGemini) -> Keys:
    """A provider whose key is rotated at `api` at the same time."""
    return Keys(api)


@pytest.fixture
def credentials(keys: Keys) -> Iterator[CredentialProvider]:
    """What serves them."""
    with CredentialProvider(keys) as provider:
        yield provider


@pytest.fixture
def client(credentials: CredentialProvider, api: FakeGemini) -> Iterator[Any]:
    """Our client of `api`."""
    with credentials.client(http_options={"base_url": api.base_url}) as client:
        yield client


@pytest.fixture
def service_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_google: None) -> Callable[[str], Path]:
    """Makes credentials of a service account that nobody knows, as GOOGLE_APPLICATION_CREDENTIALS."""

    def make(token_uri: str) -> Path:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        info = {"type": "service_account", "client_email": "a@b.c", "private_key": pem, "token_uri": token_uri}
        path = tmp_path / "account.json"
        path.write_text(json.dumps({**info, "project_id": "acme"}))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
        return path

    return make


@pytest.fixture
def secure(monkeypatch):
    """The same over TLS, by an authority that only SSL_CERT_FILE knows."""
    with FakeGemini(tls=True) as server:
        monkeypatch.setenv("SSL_CERT_FILE", server.ca_file)
        yield server


@pytest.fixture
def collected():
    """What the test leaves open is collected under its own filters, not under those of a later one."""
    yield
    while gc.collect():  # what has a finalizer of its own goes first, and what it held in the next round
        pass


@pytest.fixture
def proxy():
    with ForwardProxy() as server:
        yield server
