"""Every key in use: each `ApiKey` that is made, and what the fakes let in or keep."""

from __future__ import annotations

import functools
import importlib.util
import inspect
import json
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from tests.leaks.search import Search


def watch(search: Search, *, redact_logs: bool) -> None:
    """Hear of every key from now on.

    Args:
        search: Is told.
        redact_logs: False makes that the default of every `CredentialProvider`.
    """

    def made(key: Any, *args: Any, **options: Any) -> None:
        search.key(key.get_secret_value())

    def let_in(api: Any, *keys: Any, **options: Any) -> None:
        for key in keys:
            search.key(key)

    def kept(store: Any, name: str, value: str | bytes, *args: Any, **options: Any) -> None:
        for text in secrets_in(value):
            search.key(text)

    def built(provider: Any, *args: Any, **options: Any) -> None:
        search.provider_built = True

    def front(module: ModuleType) -> None:
        if not redact_logs:
            inspect.unwrap(module.CredentialProvider.__init__).__kwdefaults__["redact_logs"] = False
        _after(module.CredentialProvider, "__init__", built)

    def google_store(module: ModuleType) -> None:
        _after(module.GoogleSecretManager, "__init__", built)

    def amazon_store(module: ModuleType) -> None:
        _after(module.AWSSecretsManager, "__init__", built)

    def google(module: ModuleType) -> None:
        _after(module.SecretManagerEmulator, "add", kept)

    def amazon(module: ModuleType) -> None:
        _after(module.AWSEmulator, "add", kept)
        _after(module.MotoServer, "add", kept)

    def gemini(module: ModuleType) -> None:
        _after(module.FakeGemini, "__init__", let_in)
        _after(module.FakeGemini, "accept", let_in)

    _when_imported("genai_credentials.key", lambda module: _after(module.ApiKey, "__init__", made))
    _when_imported("genai_credentials.credentials", front)
    _when_imported("genai_credentials.sources.google", google_store)
    _when_imported("genai_credentials.sources.aws", amazon_store)
    _when_imported("genai_credentials.testing.stores.secret_manager", google)
    _when_imported("genai_credentials.testing.stores.aws", amazon)
    _when_imported("genai_credentials.testing.gemini", gemini)


def secrets_in(value: str | bytes) -> list[str]:
    """The texts in a stored secret: its fields' if it is a JSON object."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if isinstance(document, dict):
        return [part for part in document.values() if isinstance(part, str)]
    return [text.strip()]


def _after(owner: type, name: str, then: Callable[..., None]) -> None:
    method = getattr(owner, name)

    @functools.wraps(method)
    def watched(self: Any, *args: Any, **options: Any) -> Any:
        result = method(self, *args, **options)
        then(self, *args, **options)
        return result

    setattr(owner, name, watched)


def _when_imported(name: str, then: Callable[[ModuleType], None]) -> None:
    """Not imported by us: a test may ask what is, and pytest is to rewrite the assertions of some."""
    if name in sys.modules:
        then(sys.modules[name])
    else:
        sys.meta_path.insert(0, _Waiting(name, then))


class _Waiting:
    def __init__(self, name: str, then: Callable[[ModuleType], None]) -> None:
        self._name, self._then = name, then

    def find_spec(self, name: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Telling(spec.loader, self._then)
        return spec


class _Telling:
    """A loader that tells of its one module once it is there."""

    def __init__(self, loader: Any, then: Callable[[ModuleType], None]) -> None:
        self._loader, self._then = loader, then

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._then(module)
