"""The pytest plug-in: fixtures with which a test suite can test its own service in a rotation.

pytest loads this module at each start if the package is installed, before coverage is measured. Therefore each fixture
imports its modules only when a test uses it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from genai_credentials.testing import FakeGemini, RotatingCredentials, SecretManagerEmulator


@pytest.fixture
def fake_gemini(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGemini]:
    """A Gemini API on loopback that accepts no key yet. Pass options of `FakeGemini` with indirect parametrization."""
    from genai_credentials.testing import FakeGemini

    # Requests to loopback must not go to a proxy that the environment names.
    hosts = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    # A single star means every host. In a list it has no meaning.
    hosts = hosts if hosts.strip() == "*" else f"{hosts},127.0.0.1".lstrip(",")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, hosts)
    with FakeGemini(**getattr(request, "param", {})) as api:
        yield api


@pytest.fixture
def secret_manager() -> Iterator[SecretManagerEmulator]:
    """An empty Google Secret Manager on loopback. It needs the extra [google].

    Raises:
        MissingDependency: The extra [google] is not installed.
    """
    from genai_credentials.errors import MissingDependency
    from genai_credentials.testing import SecretManagerEmulator

    store = SecretManagerEmulator()
    try:
        store.start()
    except ImportError as error:
        raise MissingDependency(
            f"The fixture secret_manager cannot start: {error.__cause__}.",
            remedy="Run: pip install 'genai-credentials[google]'",
        ) from error
    with store:
        yield store


@pytest.fixture
def rotating_credentials(
    fake_gemini: FakeGemini, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RotatingCredentials]:
    """A key that a test can rotate, in a store and at `fake_gemini`.

    The variables of `RotatingCredentials.environment` are set. GOOGLE_API_KEY and GEMINI_API_KEY are unset, so that no
    test uses a real key.
    """
    from genai_credentials.testing import RotatingCredentials

    for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with RotatingCredentials(fake_gemini, tmp_path) as rotating:
        for name, value in rotating.environment.items():
            monkeypatch.setenv(name, value)
        yield rotating
