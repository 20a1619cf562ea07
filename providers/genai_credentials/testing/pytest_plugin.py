"""The pytest plug-in: fixtures by which a test suite sees its own service live through a rotation.

pytest loads this module in each of its runs wherever the package is installed, before anything measures coverage. So
whatever a fixture needs is imported when that fixture is asked for.
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
    """A Gemini API on loopback that lets no key in yet; parametrize it indirectly with options of `FakeGemini`."""
    from genai_credentials.testing import FakeGemini

    # A proxy in the environment must not be asked to reach loopback.
    hosts = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    # A star alone means every host; in a list it means nothing.
    hosts = hosts if hosts.strip() == "*" else f"{hosts},127.0.0.1".lstrip(",")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, hosts)
    with FakeGemini(**getattr(request, "param", {})) as api:
        yield api


@pytest.fixture
def secret_manager() -> Iterator[SecretManagerEmulator]:
    """An empty Google Secret Manager on loopback; it takes the extra [google]."""
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
    """A key to rotate in a store and at `fake_gemini`; the environment leads to both, and away from any real key."""
    from genai_credentials.testing import RotatingCredentials

    for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with RotatingCredentials(fake_gemini, tmp_path) as rotating:
        for name, value in rotating.environment.items():
            monkeypatch.setenv(name, value)
        yield rotating
