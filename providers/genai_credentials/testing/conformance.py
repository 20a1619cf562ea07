"""`ProviderConformance`: what every provider has to keep to, as tests to inherit.

```python
class TestVault(ProviderConformance):
    def make_provider(self):
        return Vault("secret/gemini", client=self.client)

    def expected_key(self):
        return "AIza-from-the-vault"
```
"""

from __future__ import annotations

import inspect
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

from genai_credentials.adapter import as_provider
from genai_credentials.errors import CredentialsError, FetchFailed, Unavailable
from genai_credentials.key import ApiKey
from genai_credentials.provider import Provider

__all__ = ["ProviderConformance", "everything_in"]

_THREADS, _FETCHES = 8, 5


class ProviderConformance:
    """The tests of one provider; subclass it as `Test…` and say how the provider is made.

    Fixtures are at hand in the usual way: an autouse fixture of the subclass can keep on `self` what `make_provider`
    needs.
    """

    def make_provider(self) -> Any:
        """A new provider, or a callable, that is set up and serves `expected_key()`."""
        raise NotImplementedError("Say how a provider is made that serves expected_key().")

    def expected_key(self) -> str:
        """The text of the key that `make_provider()` serves."""
        raise NotImplementedError("Say which key make_provider() serves.")

    def make_absent(self) -> Any:
        """A new provider that is not set up on this machine; None skips its test."""
        return None

    def make_broken(self) -> Any:
        """A new provider that is set up and fails; None skips its test.

        It tests most when `expected_key()` is in what the provider reads, as in a secret that is cut in two by a line
        break: then the error must not repeat it.
        """
        return None

    def test_has_a_name_that_is_safe_to_log(self) -> None:
        provider = self._made()
        assert isinstance(provider.name, str)
        assert provider.name.strip(), "the name is empty"
        assert provider.name.isprintable()
        assert self.expected_key() not in provider.name
        assert provider.name == provider.name, "the name changes"

    def test_is_a_synchronous_provider(self) -> None:
        provider = self._made()
        assert isinstance(provider, Provider)
        assert not inspect.iscoroutinefunction(provider.fetch), "a fetch runs in a thread: make it a plain method"

    def test_fetches_the_key_under_its_own_name(self) -> None:
        provider = self._made()
        key = provider.fetch()
        assert isinstance(key, ApiKey)
        assert key.get_secret_value() == self.expected_key()
        assert key.provider == provider.name
        assert key.fetched_at.utcoffset() is not None

    def test_answers_after_a_rejection(self) -> None:
        provider = self._made()
        assert isinstance(provider.fetch(provider.fetch()), ApiKey), "it may return the refused key, but must not fail"

    def test_serves_its_key_when_another_was_rejected(self) -> None:
        other = ApiKey("another-providers-key", provider="another", version="7")
        assert self._made().fetch(other).get_secret_value() == self.expected_key()

    def test_is_safe_for_threads(self) -> None:
        provider, barrier = self._made(), threading.Barrier(_THREADS)

        def work(_: int) -> list[str]:
            barrier.wait(10.0)
            return [provider.fetch().get_secret_value() for _ in range(_FETCHES)]

        with ThreadPoolExecutor(_THREADS) as pool:
            keys = [key for keys in pool.map(work, range(_THREADS)) for key in keys]
        assert len(keys) == _THREADS * _FETCHES
        assert set(keys) == {self.expected_key()}

    def test_shows_no_key(self) -> None:
        provider = self._made()
        key = provider.fetch()
        for shown in (repr(provider), str(provider), repr(key), str(key), f"{key}"):
            assert self.expected_key() not in shown

    def test_is_unavailable_where_it_is_not_set_up(self) -> None:
        error = self._error(self.make_absent())
        assert isinstance(error, Unavailable), f"{type(error).__name__}: absent is not broken"

    def test_fails_where_it_is_set_up_and_broken(self) -> None:
        error = self._error(self.make_broken())
        assert isinstance(error, FetchFailed), f"{type(error).__name__}: broken is not absent"

    def _made(self) -> Provider:
        return as_provider(self.make_provider())

    def _error(self, made: Any) -> CredentialsError:
        if made is None:
            import pytest

            pytest.skip("not supplied")
        error = _caught(as_provider(made))
        assert error.remedy, "the error says nothing about what to do next"
        assert self.expected_key() not in everything_in(error), "the error holds the key"
        return error


def _caught(provider: Provider) -> CredentialsError:
    try:
        provider.fetch()
    except CredentialsError as error:
        return error
    raise AssertionError(f"{provider.name} served a key")


def everything_in(error: BaseException) -> str:
    """All that an error can show of itself: its text, its arguments, its chain and the locals in its tracebacks.

    The frames of whoever called `fetch` are left out: what they hold is theirs.
    """
    shown, queue, seen = [], [error], set()
    while queue:
        one = queue.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        shown += [str(one), repr(one), repr(one.args), repr(vars(one))]
        frames = _below_fetch(one) if one is error else traceback.walk_tb(one.__traceback__)
        shown += traceback.StackSummary.extract(frames, capture_locals=True).format()
        queue += [linked for linked in (one.__cause__, one.__context__) if linked is not None]
    return "\n".join(shown)


def _below_fetch(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    frames = list(traceback.walk_tb(error.__traceback__))
    names = [frame.f_code.co_name.startswith("fetch") for frame, _ in frames]
    return iter(frames[names.index(True) :] if any(names) else [])
