"""The suite we ship, run on all that we ship, and on providers that break its rules."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from genai_credentials import (
    ApiKey,
    AWSAgent,
    AWSSecretsManager,
    Dotenv,
    Env,
    FetchFailed,
    File,
    GoogleSecretManager,
    ProviderChain,
    Unavailable,
)
from genai_credentials.provider import sealed_put
from genai_credentials.testing import (
    AWSAgentEmulator,
    AWSEmulator,
    ProviderConformance,
    SecretManagerEmulator,
    WritableConformance,
)

KEY = "AIza-conformance-key"
TWO_KEYS = f"{KEY}\n{KEY}"


class Builtin(ProviderConformance):
    def expected_key(self) -> str:
        return KEY


class TestEnv(Builtin):
    def make_provider(self) -> Env:
        return Env(environ={"GEMINI_API_KEY": KEY})

    def make_absent(self) -> Env:
        return Env(environ={})

    def make_broken(self) -> Env:
        return Env(environ={"GEMINI_API_KEY": TWO_KEYS})


class BuiltinWritable(WritableConformance):
    def expected_key(self) -> str:
        return KEY


class OnDisk(BuiltinWritable):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        if not path.exists():
            path.write_text(text)
            path.chmod(0o600)
        return path


class TestDotenv(OnDisk):
    def make_provider(self) -> Dotenv:
        return Dotenv(self.write("good", f"GEMINI_API_KEY={KEY}"))

    def make_absent(self) -> Dotenv:
        return Dotenv(self.folder / "none")

    def make_broken(self) -> Dotenv:
        return Dotenv(self.write("bad", f'GEMINI_API_KEY="{TWO_KEYS}"'))

    def make_unwritable(self) -> Dotenv:
        return Dotenv(self.folder / "no-such-folder" / ".env")


class TestFile(OnDisk):
    def make_provider(self) -> File:
        return File(self.write("good", KEY))

    def make_absent(self) -> File:
        return File(self.folder / "none")

    def make_broken(self) -> File:
        return File(self.write("bad", TWO_KEYS))

    def make_unwritable(self) -> File:
        return File(self.folder / "no-such-folder" / "key")


class TestFileWithField(OnDisk):
    def make_provider(self) -> File:
        return File(self.write("good", f'{{"user": "me", "api_key": "{KEY}"}}'), "api_key")

    def make_broken(self) -> File:
        return File(self.write("bad", f'{{"user": "me", "key": "{KEY}"}}'), "api_key")

    def make_unwritable(self) -> File:
        return File(self.write("list", f'["{KEY}"]'), "api_key")


class TestGoogleSecretManager(BuiltinWritable):
    """Over each wire: the stock client's gRPC and REST, and plain REST."""

    SECRET = "projects/acme/secrets/gemini"

    @pytest.fixture(autouse=True)
    def _store(
        self,
        secret_manager: SecretManagerEmulator,
        make_google: Callable[..., GoogleSecretManager],
        no_google: None,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.store, self.make, self.patch = secret_manager, make_google, monkeypatch
        self.store.add(self.SECRET, KEY)

    def make_provider(self) -> GoogleSecretManager:
        return self.make(self.SECRET)

    def make_absent(self) -> GoogleSecretManager:
        self.patch.delenv("SECRET_MANAGER_EMULATOR_HOST")
        options = {"client": None} if "client" in getattr(self.make, "keywords", {}) else {}
        return self.make(self.SECRET, **options)

    def make_broken(self) -> GoogleSecretManager:
        self.store.add(self.SECRET, TWO_KEYS)
        return self.make_provider()

    def make_pinned(self) -> GoogleSecretManager:
        return GoogleSecretManager(f"{self.SECRET}/versions/1", client=self.store.client)

    def make_unwritable(self) -> GoogleSecretManager:
        self.store.fail_always("PERMISSION_DENIED", method="AddSecretVersion")
        return self.make_provider()


class TestAWSSecretsManager(BuiltinWritable):
    @pytest.fixture(autouse=True)
    def _store(self, aws: AWSEmulator, no_aws: None) -> Iterator[None]:
        self.store, self.clients = aws, []
        self.store.add("prod/gemini", KEY)
        yield
        for client in self.clients:
            client.close()

    def client(self) -> Any:
        self.clients.append(self.store.client())
        return self.clients[-1]

    def make_provider(self) -> AWSSecretsManager:
        return AWSSecretsManager("prod/gemini", client=self.client)

    def make_absent(self) -> AWSSecretsManager:
        return AWSSecretsManager("prod/gemini")

    def make_broken(self) -> AWSSecretsManager:
        self.store.add("prod/gemini", TWO_KEYS)
        return self.make_provider()

    def make_pinned(self) -> AWSSecretsManager:
        return AWSSecretsManager("prod/gemini", stage="AWSPREVIOUS", client=self.client)

    def make_unwritable(self) -> AWSSecretsManager:
        self.store.fail_always("AccessDeniedException", action="PutSecretValue")
        return self.make_provider()


class TestAWSAgent(Builtin):
    @pytest.fixture(autouse=True)
    def _agent(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        with AWSAgentEmulator() as self.agent:
            self.patch = monkeypatch
            self.agent.add("prod/gemini", KEY)
            monkeypatch.setenv("AWS_TOKEN", self.agent.token)
            yield

    def make_provider(self) -> AWSAgent:
        return AWSAgent("prod/gemini", port=self.agent.port)

    def make_absent(self) -> AWSAgent:
        self.agent.close()
        return self.make_provider()

    def make_broken(self) -> AWSAgent:
        self.agent.add("prod/gemini", TWO_KEYS)
        return self.make_provider()


class TestCallable(Builtin):
    def make_provider(self) -> Callable[[], str]:
        return lambda: KEY

    def make_broken(self) -> Callable[[], str]:
        return lambda: TWO_KEYS


class TestChain(Builtin):
    """A chain is a provider too, but the key keeps the name of the link it came from."""

    def make_provider(self) -> ProviderChain:
        return ProviderChain(Env(environ={}), lambda: KEY)

    def test_fetches_the_key_under_its_own_name(self) -> None:
        assert self.make_provider().fetch().provider.startswith("callable:")


class Careless:
    """Breaks one rule at a time."""

    def __init__(self, name: Any = "careless", error: Exception | None = None) -> None:
        self.name, self._error, self._left = name, error, 1

    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        if self._error is not None:
            raise self._error
        return ApiKey(KEY, provider="another")

    def __repr__(self) -> str:
        return f"Careless({KEY})"


class OfCareless(BuiltinWritable):
    def __init__(self, **options: Any) -> None:
        self.options = options

    def make_provider(self) -> Careless:
        return Careless(**self.options)

    make_absent = make_broken = make_provider


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        ("test_has_a_name_that_is_safe_to_log", {"name": f"careless {KEY}"}),
        ("test_has_a_name_that_is_safe_to_log", {"name": " "}),
        ("test_fetches_the_key_under_its_own_name", {}),
        ("test_shows_no_key", {}),
        ("test_is_unavailable_where_it_is_not_set_up", {}),
        ("test_is_unavailable_where_it_is_not_set_up", {"error": FetchFailed("down", remedy="wait")}),
        ("test_fails_where_it_is_set_up_and_broken", {"error": Unavailable("none", remedy="set it up")}),
        ("test_fails_where_it_is_set_up_and_broken", {"error": FetchFailed("down")}),
        ("test_fails_where_it_is_set_up_and_broken", {"error": FetchFailed(KEY, remedy="wait")}),
    ],
)
def test_the_suite_notices(rule: str, options: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        getattr(OfCareless(**options), rule)()


class Memory:
    """A writable provider of the simplest kind, which can be told to break one rule."""

    name = "memory"

    def __init__(self, versions: list[str], flaw: str = "") -> None:
        self.versions, self.flaw = versions, flaw

    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        return ApiKey(self.versions[-1], provider=self.name, version=str(len(self.versions)))

    @sealed_put
    def put(self, key: ApiKey | str) -> ApiKey:
        if self.flaw == "stores anything":
            return ApiKey("anything", provider=self.name)
        text = key.get_secret_value() if isinstance(key, ApiKey) else ApiKey(key, provider=self.name).get_secret_value()
        if self.versions[-1] != text or self.flaw == "stores the same key again":
            known = self.flaw == "takes none back" and text in self.versions
            self.versions += [] if known or self.flaw == "stores nothing" else [text]
        if self.flaw == "hides the version":
            return ApiKey(text, provider=self.name)
        return self.fetch()


class TestMemory(BuiltinWritable):
    flaw = ""

    @pytest.fixture(autouse=True)
    def _store(self) -> None:
        self.versions = [KEY]

    def make_provider(self) -> Memory:
        return Memory(self.versions, self.flaw)

    def make_pinned(self) -> Any:
        return self.make_provider() if self.flaw else None

    make_unwritable = make_pinned


@pytest.mark.parametrize(
    ("rule", "flaw"),
    [
        ("test_is_writable", "no put"),
        ("test_stores_a_key_that_the_next_fetch_serves", "stores nothing"),
        ("test_stores_a_key_that_the_next_fetch_serves", "hides the version"),
        ("test_takes_a_key_and_a_text_that_has_to_be_cleaned", "stores nothing"),
        ("test_stores_the_key_that_is_served_already_not_again", "stores the same key again"),
        ("test_takes_a_key_back_that_was_served_before", "takes none back"),
        ("test_stores_nothing_that_cannot_be_a_key", "stores anything"),
        ("test_tells_a_second_writer_and_loses_nothing", "stores nothing"),
        ("test_refuses_a_put_where_it_is_pinned", "is never pinned"),
        ("test_fails_where_the_store_cannot_be_written", "never fails"),
    ],
)
def test_the_suite_of_writable_providers_notices(rule: str, flaw: str) -> None:
    suite = TestMemory()
    suite.flaw, suite.versions = flaw, [KEY]
    if flaw == "no put":
        suite.make_provider = lambda: Careless()  # type: ignore[method-assign]
    with pytest.raises(AssertionError):
        getattr(suite, rule)()


@pytest.mark.parametrize("method", ["make_provider", "expected_key"])
def test_the_suite_says_what_it_needs(method: str) -> None:
    with pytest.raises(NotImplementedError, match="Define"):
        getattr(ProviderConformance(), method)()


def test_the_suite_skips_what_it_was_not_given() -> None:
    for rule in ("test_is_unavailable_where_it_is_not_set_up", "test_fails_where_it_is_set_up_and_broken"):
        with pytest.raises(pytest.skip.Exception, match="not supplied"):
            getattr(ProviderConformance(), rule)()
