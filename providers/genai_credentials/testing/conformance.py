"""`ProviderConformance` and `WritableConformance`: the rules for every provider, as tests to inherit.

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
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import FrameType
from typing import Any

from genai_credentials.adapter import as_provider
from genai_credentials.errors import ConfigurationError, CredentialsError, FetchFailed, PutConflict, Unavailable
from genai_credentials.key import ApiKey
from genai_credentials.provider import Provider, Writable, writable

__all__ = ["ProviderConformance", "WritableConformance", "everything_in"]

_THREADS, _FETCHES, _WRITERS = 8, 5, 4


class ProviderConformance:
    """The tests of a provider. Subclass it as `Test…`, and define `make_provider` and `expected_key`.

    An autouse fixture of the subclass can store on `self` the objects that `make_provider` needs.
    """

    def make_provider(self) -> Any:
        """Return a new provider, or a callable, that is set up and returns the key `expected_key()`."""
        raise NotImplementedError("Define make_provider(): return a provider that serves expected_key().")

    def expected_key(self) -> str:
        """Return the text of the key that `make_provider()` returns."""
        raise NotImplementedError("Define expected_key(): return the text of the key that make_provider() serves.")

    def make_absent(self) -> Any:
        """Return a new provider that is not set up on this machine. None skips the test of an absent provider."""
        return None

    def make_broken(self) -> Any:
        """Return a new provider that is set up and fails. None skips the test of a broken provider.

        The best test is a provider that reads `expected_key()` in a form that cannot be a key. An example is a secret
        with a line break in the key. The test checks that the error does not contain the key.
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
        assert not inspect.iscoroutinefunction(provider.fetch), (
            "fetch must be a plain method, because it runs in a thread"
        )

    def test_fetches_the_key_under_its_own_name(self) -> None:
        provider = self._made()
        key = provider.fetch()
        assert isinstance(key, ApiKey)
        assert key.get_secret_value() == self.expected_key()
        assert key.provider == provider.name
        assert key.fetched_at.utcoffset() is not None

    def test_answers_after_a_rejection(self) -> None:
        provider = self._made()
        assert isinstance(provider.fetch(provider.fetch()), ApiKey), (
            "fetch may return the refused key, but must not fail"
        )

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

    @staticmethod
    def _supplied(made: Any) -> Any:
        if made is None:
            import pytest

            pytest.skip("not supplied")
        return as_provider(made)

    def _error(self, made: Any) -> CredentialsError:
        error = _caught(self._supplied(made).fetch)
        assert error.remedy, "the error has no remedy"
        assert self.expected_key() not in everything_in(error), "the error holds the key"
        return error


class WritableConformance(ProviderConformance):
    """The tests of a provider that can store keys. They include the tests of `ProviderConformance`.

    A test calls `make_provider()` more than once. Each call returns a new provider of the same store. At the start of a
    test, that store holds `expected_key()`. Later it holds the key of the last put.
    """

    def new_key(self) -> str:
        """Return the text of a key that the tests put into the store."""
        return f"{self.expected_key()}-new"

    def make_pinned(self) -> Any:
        """Return a new provider of the same class that can store no key. None skips the test of a pinned provider."""
        return None

    def make_unwritable(self) -> Any:
        """Return a new provider whose put fails, because the store refuses it or cannot be reached.

        None skips its test.
        """
        return None

    def test_is_writable(self) -> None:
        provider = self._made()
        assert isinstance(provider, Writable)
        assert writable(provider) is provider
        assert not inspect.iscoroutinefunction(provider.put), "put must be a plain method"

    def test_stores_a_key_that_the_next_fetch_serves(self) -> None:
        provider = self._writable()
        stored = provider.put(self.new_key())
        assert isinstance(stored, ApiKey)
        assert stored.provider == provider.name
        for reader in (provider, self._made()):
            fetched = reader.fetch()
            assert fetched.get_secret_value() == stored.get_secret_value() == self.new_key()
            assert fetched.version == stored.version

    def test_takes_a_key_and_a_text_that_has_to_be_cleaned(self) -> None:
        key = ApiKey(self.new_key(), provider="another", version="7")
        stored = self._writable().put(key)
        assert (stored, stored.provider) == (key, self._made().name)
        stored = self._writable().put(f'"{self.expected_key()}"\n')
        assert stored.get_secret_value() == self._made().fetch().get_secret_value() == self.expected_key()

    def test_stores_the_key_that_is_served_already_not_again(self) -> None:
        before = self._made().fetch()
        assert self._writable().put(before).version == before.version
        first, second = (self._writable().put(self.new_key()) for _ in range(2))
        assert first.version == second.version

    def test_takes_a_key_back_that_was_served_before(self) -> None:
        before = self._made().fetch()
        for key in (self.new_key(), before):
            self._writable().put(key)
        assert self._made().fetch() == before

    def test_stores_nothing_that_cannot_be_a_key(self) -> None:
        before = self._made().fetch()
        for text in ("", "YOUR_API_KEY", f"{self.new_key()} {self.new_key()}", f"Bearer {self.new_key()}"):
            error = _caught(partial(self._writable().put, text))
            assert error.remedy, "the error has no remedy"
            assert self.new_key() not in everything_in(error), "the error holds the key"
        after = self._made().fetch()
        assert (after, after.version) == (before, before.version)

    def test_tells_a_second_writer_and_loses_nothing(self) -> None:
        barrier, keys = threading.Barrier(_WRITERS), [f"{self.new_key()}-{number}" for number in range(_WRITERS)]

        def write(text: str) -> bool:
            provider = self._writable()
            barrier.wait(10.0)
            try:
                return provider.put(text).get_secret_value() == text
            except PutConflict as error:
                conflict = error
            assert text not in everything_in(conflict), "the error holds the key"
            return conflict.stored is not None

        with ThreadPoolExecutor(_WRITERS) as pool:
            stored = [text for text, done in zip(keys, pool.map(write, keys), strict=True) if done]
        assert self._made().fetch().get_secret_value() in stored, "the served key is one whose put raised a conflict"

    def test_refuses_a_put_where_it_is_pinned(self) -> None:
        provider = self._supplied(self.make_pinned())
        for call in (lambda: writable(provider), lambda: provider.put(self.new_key())):
            assert isinstance(_caught(call), ConfigurationError)

    def test_fails_where_the_store_cannot_be_written(self) -> None:
        provider = self._supplied(self.make_unwritable())
        error = _caught(lambda: provider.put(self.new_key()))
        assert not isinstance(error, ConfigurationError)
        assert error.remedy, "the error has no remedy"
        assert self.new_key() not in everything_in(error), "the error holds the key"

    def _writable(self) -> Writable:
        return writable(self._made())


def _caught(call: Callable[[], object]) -> CredentialsError:
    try:
        call()
    except CredentialsError as error:
        return error
    raise AssertionError("no CredentialsError was raised")


def everything_in(error: BaseException) -> str:
    """Return all text that an error can show: message, arguments, chained errors, and local variables in tracebacks.

    The frames above the call of `fetch` or `put` are left out, because they belong to the caller.

    Args:
        error: The error to search.
    """
    shown, queue, seen = [], [error], set()
    while queue:
        one = queue.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        shown += [str(one), repr(one), repr(one.args), repr(vars(one))]
        frames = _below_the_call(one) if one is error else traceback.walk_tb(one.__traceback__)
        shown += traceback.StackSummary.extract(frames, capture_locals=True).format()
        queue += [linked for linked in (one.__cause__, one.__context__) if linked is not None]
    return "\n".join(shown)


def _below_the_call(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    frames = list(traceback.walk_tb(error.__traceback__))
    names = [frame.f_code.co_name.startswith(("fetch", "put")) for frame, _ in frames]
    return iter(frames[names.index(True) :] if any(names) else [])
