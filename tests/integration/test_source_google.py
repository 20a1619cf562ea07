"""`GoogleSecretManager` through the stock client and over plain REST, against a Secret Manager on loopback."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genai_credentials import (
    ApiKey,
    ConfigurationError,
    CredentialsError,
    FetchFailed,
    GoogleSecretManager,
    InvalidSecret,
    MissingDependency,
    Unavailable,
)
from genai_credentials.sources.google import MOST_PROBES
from genai_credentials.testing import SecretManagerEmulator
from genai_credentials.testing.conformance import everything_in
from stores import within

SECRET = "projects/acme/secrets/gemini"
REGIONAL = "projects/acme/locations/europe-west1/secrets/gemini"
KEY = "AIza-google-secret-key"
BROKEN_FIELD = json.dumps({"user": f"user-of-{KEY}", "apikey": KEY})


Make = Callable[..., GoogleSecretManager]


@pytest.fixture
def provider(make_google: Make) -> GoogleSecretManager:
    """One that follows `latest` and has its client already."""
    made = make_google(SECRET)
    made._client.get()
    return made


def failure(provider: GoogleSecretManager, kind: type[CredentialsError], rejected: ApiKey | None = None) -> Any:
    """The error of a fetch, which must name the provider and a remedy, and hold no key anywhere."""
    with pytest.raises(kind) as caught:
        provider.fetch(rejected)
    assert caught.value.message.startswith(f"{provider.name}: ")
    assert caught.value.remedy
    assert KEY not in everything_in(caught.value)
    return caught.value


def accessed(store: SecretManagerEmulator) -> list[str]:
    return [name.removeprefix(f"{SECRET}/versions/") for _, name in store.calls]


def texts(*keys: ApiKey) -> list[str]:
    return [key.get_secret_value() for key in keys]


class TestServing:
    def test_follows_latest(self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager) -> None:
        for version in ("1", "2"):
            secret_manager.add(SECRET, f"AIza-{version}")
            key = provider.fetch()
            assert (key.get_secret_value(), key.version, key.provider) == (f"AIza-{version}", version, provider.name)
        assert accessed(secret_manager) == ["latest", "latest"]

    @pytest.mark.parametrize("numbered", [None, "123456789012"])
    def test_a_pin_stays_by_number_and_by_alias(self, numbered: str | None) -> None:
        with SecretManagerEmulator(project_number=numbered) as store:
            for text in ("AIza-1", "AIza-2", "AIza-3"):
                store.add(SECRET, text)
            store.alias(SECRET, "live", 1)
            for pin, versions in (("2", ["2", "2"]), ("live", ["1", "1"])):
                pinned = GoogleSecretManager(f"{SECRET}/versions/{pin}", client=store.client)
                first = pinned.fetch()
                assert [first.version, pinned.fetch(first).version] == versions
            assert accessed(store)[:2] == ["2", "2"]

    def test_latest_written_out_is_no_pin(self, secret_manager: SecretManagerEmulator, make_google: Make) -> None:
        secret_manager.add(SECRET, "AIza-1")
        provider = make_google(f"{SECRET}/versions/latest")
        first = provider.fetch()
        secret_manager.add(SECRET, "AIza-2")
        second = provider.fetch(first)
        assert texts(second, provider.fetch_previous(second)) == ["AIza-2", "AIza-1"]

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
    def test_a_byte_order_mark_says_what_the_encoding_is(
        self, secret_manager: SecretManagerEmulator, make_google: Make, encoding: str
    ) -> None:
        secret_manager.add(SECRET, json.dumps({"google": {"api_key": KEY}}).encode(encoding))
        assert make_google(SECRET, "/google/api_key").fetch().get_secret_value() == KEY

    @pytest.mark.parametrize("wrap", ["{}", " {}\n", "\ufeff{}", '"{}"'])
    def test_what_a_copied_secret_carries_comes_off(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, wrap: str
    ) -> None:
        secret_manager.add(SECRET, wrap.format(KEY))
        assert provider.fetch().get_secret_value() == KEY

    def test_a_field_of_a_json_object(self, secret_manager: SecretManagerEmulator, make_google: Make) -> None:
        secret_manager.add(SECRET, json.dumps({"api_key": KEY}))
        provider = make_google(SECRET, "api_key")
        assert (provider.fetch().get_secret_value(), provider.name) == (KEY, f"google:{SECRET}#api_key")

    def test_a_regional_secret_is_asked_for_by_its_regional_name(
        self, secret_manager: SecretManagerEmulator, make_google: Make
    ) -> None:
        secret_manager.add(SECRET, "AIza-global")
        secret_manager.add(REGIONAL, "AIza-regional")
        provider = make_google(REGIONAL)
        assert provider.fetch().get_secret_value() == "AIza-regional"
        assert secret_manager.calls == [("AccessSecretVersion", f"{REGIONAL}/versions/latest")]

    def test_a_payload_without_a_checksum_is_served(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager
    ) -> None:
        secret_manager.add(SECRET, KEY)
        secret_manager.omit_checksum(SECRET)
        assert provider.fetch().get_secret_value() == KEY


class TestBadInput:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (f"{KEY}\n{KEY}", "white space inside"),
            (f"{KEY} {KEY}", "white space inside"),
            (f"Bearer {KEY}", "Bearer"),
            ("YOUR_API_KEY", "placeholder"),
            (" \n", "is empty"),
            (KEY.encode() + b"\xff\xfe\x00", "is binary"),
            (KEY.encode("utf-16") + b"A", "is binary"),
            (f"{KEY},{KEY}", "several keys"),
            (KEY + "x" * (65_536 - len(KEY)), "65536 characters"),
            (json.dumps({"api_key": KEY}), "JSON object"),
        ],
    )
    def test_a_secret_that_is_no_key(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, content: Any, said: str
    ) -> None:
        secret_manager.add(SECRET, content)
        assert said in str(failure(provider, InvalidSecret))

    @pytest.mark.parametrize(
        ("content", "said"),
        [(KEY, "JSON object"), (BROKEN_FIELD, "apikey, user"), (f'{{"api_key": ["{KEY}"]}}', "list")],
    )
    def test_a_field_that_is_not_there(
        self, secret_manager: SecretManagerEmulator, make_google: Make, content: str, said: str
    ) -> None:
        secret_manager.add(SECRET, content)
        provider = make_google(SECRET, field="api_key")
        assert said in str(failure(provider, InvalidSecret))

    def test_a_wrong_checksum(self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager) -> None:
        secret_manager.add(SECRET, KEY)
        secret_manager.corrupt_checksum(SECRET)
        assert "CRC32C" in str(failure(provider, FetchFailed))
        secret_manager.corrupt_checksum(SECRET, on=False)
        assert provider.fetch().get_secret_value() == KEY

    def test_no_such_secret(self, provider: GoogleSecretManager) -> None:
        assert "no such secret or version (version latest)" in str(failure(provider, FetchFailed))

    @pytest.mark.parametrize(("state", "pin"), [("disable", ""), ("destroy", ""), ("disable", "/versions/1")])
    def test_a_version_that_is_not_enabled(
        self, secret_manager: SecretManagerEmulator, make_google: Make, state: str, pin: str
    ) -> None:
        getattr(secret_manager, state)(SECRET, secret_manager.add(SECRET, KEY))
        provider = make_google(SECRET + pin)
        assert "disabled or destroyed" in str(failure(provider, FetchFailed))

    @pytest.mark.parametrize(
        ("code", "said"),
        [
            ("PERMISSION_DENIED", "secretmanager.secretAccessor"),
            ("UNAUTHENTICATED", "Log in again"),
            ("INVALID_ARGUMENT", "resource's name"),
            ("DATA_LOSS", "DataLoss"),
        ],
    )
    def test_a_refusal_is_not_tried_again(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, code: str, said: str
    ) -> None:
        secret_manager.add(SECRET, KEY)
        secret_manager.fail_always(code)
        assert said in str(failure(provider, FetchFailed))
        assert secret_manager.accesses == 1

    @pytest.mark.parametrize(
        "resource",
        [
            *("", "gemini", "projects/p", "projects/p/secrets/", "projects/p/secrets/a b", f"{SECRET}\n", f"{SECRET}/"),
            *(f"{SECRET}/versions/", f"{SECRET}/versions/1/2", "projects/p/locations/l/secrets/s/x"),
            *(None, 7, SECRET.encode()),
        ],
    )
    def test_a_name_of_another_form_is_refused_at_construction(self, resource: Any) -> None:
        with pytest.raises(ConfigurationError) as caught:
            GoogleSecretManager(resource)
        assert "projects/PROJECT/secrets/SECRET" in caught.value.remedy


class TestAfterARejection:
    def rotated(self, store: SecretManagerEmulator, provider: GoogleSecretManager, *later: str) -> ApiKey:
        """The key of version 1, served while it was the newest; the others were added since."""
        store.add(SECRET, "AIza-1")
        key = provider.fetch()
        for text in later:
            store.add(SECRET, text)
        store.lag_latest(SECRET, 1)
        return key

    def test_the_newest_is_found_by_number_while_latest_lags(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager
    ) -> None:
        first = self.rotated(secret_manager, provider, "AIza-2", "AIza-3")
        assert provider.fetch(first).get_secret_value() == "AIza-3"
        assert accessed(secret_manager) == ["latest", "2", "3", "4"]

    @pytest.mark.parametrize("state", ["disable", "destroy"])
    def test_versions_that_are_not_enabled_are_stepped_over(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, state: str
    ) -> None:
        first = self.rotated(secret_manager, provider, "AIza-2", "AIza-3", "AIza-4")
        for version in (2, 3):
            getattr(secret_manager, state)(SECRET, version)
        assert provider.fetch(first).get_secret_value() == "AIza-4"

    def test_a_newer_version_that_is_no_key_is_stepped_over(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager
    ) -> None:
        first = self.rotated(secret_manager, provider, "YOUR_API_KEY", "AIza-3", "two keys")
        assert provider.fetch(first).get_secret_value() == "AIza-3"

    @pytest.mark.parametrize(("newer", "said"), [("YOUR_API_KEY", "placeholder"), ("AIza-2", "DataLoss (version 2)")])
    def test_what_is_in_the_way_of_a_newer_one_is_told(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, newer: str, said: str
    ) -> None:
        """The refused key again would mean that there is nothing newer, and nobody would hear of the trouble."""
        first = self.rotated(secret_manager, provider, newer)
        if newer == "AIza-2":
            secret_manager.fail_next("DATA_LOSS")
        assert said in str(failure(provider, FetchFailed, rejected=first))

    def test_what_is_in_the_way_hides_no_key(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager
    ) -> None:
        first = self.rotated(secret_manager, provider, "AIza-2")
        secret_manager.lag_latest(SECRET, None)
        secret_manager.fail_next("PERMISSION_DENIED")
        assert provider.fetch(first).get_secret_value() == "AIza-2"
        assert accessed(secret_manager) == ["latest", "2", "latest"]

    def test_probing_is_bounded(self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager) -> None:
        first = self.rotated(secret_manager, provider, *("AIza-x" for _ in range(2 * MOST_PROBES)))
        for version in range(2, 2 * MOST_PROBES):
            secret_manager.disable(SECRET, version)
        assert provider.fetch(first) == first
        assert secret_manager.accesses == 1 + MOST_PROBES + 1

    def test_nothing_newer_gives_the_same_key(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager
    ) -> None:
        first = self.rotated(secret_manager, provider)
        assert provider.fetch(first) == first
        assert accessed(secret_manager) == ["latest", "2", "latest"]

    def test_another_providers_key_costs_no_probe(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager
    ) -> None:
        self.rotated(secret_manager, provider, "AIza-2")
        provider.fetch(ApiKey(KEY, provider="env"))
        provider.fetch(ApiKey(KEY, provider=provider.name))
        assert accessed(secret_manager) == ["latest", "latest", "latest"]

    def test_a_lagging_latest_never_undoes_a_rotation(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager
    ) -> None:
        first = self.rotated(secret_manager, provider, "AIza-2")
        second = provider.fetch(first)
        assert texts(second, provider.fetch(), provider.fetch(second)) == ["AIza-2"] * 3
        assert accessed(secret_manager)[-2:] == ["latest", "2"]

    @pytest.mark.parametrize("undo", ["disable", "destroy"])
    def test_a_rollback_is_accepted(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, undo: str
    ) -> None:
        """The newer version is gone and `latest` answers an older one: on purpose, then."""
        second = provider.fetch(self.rotated(secret_manager, provider, "AIza-2"))
        getattr(secret_manager, undo)(SECRET, 2)
        assert texts(second, provider.fetch(), provider.fetch()) == ["AIza-2", "AIza-1", "AIza-1"]
        assert accessed(secret_manager)[-3:] == ["latest", "2", "latest"]


class TestPrevious:
    def test_is_the_version_before(self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager) -> None:
        for text in ("AIza-1", "AIza-2"):
            secret_manager.add(SECRET, text)
        assert provider.fetch_previous(provider.fetch()).get_secret_value() == "AIza-1"

    @pytest.mark.parametrize("version", [None, "1", "newest"])
    def test_there_is_none_before_the_first(self, provider: GoogleSecretManager, version: str | None) -> None:
        for rejected in (
            None,
            ApiKey(KEY, provider="env", version="7"),
            ApiKey(KEY, provider=provider.name, version=version),
        ):
            with pytest.raises(FetchFailed, match="no earlier version"):
                provider.fetch_previous(rejected)

    def test_a_pinned_one_has_none(self, secret_manager: SecretManagerEmulator, make_google: Make) -> None:
        pinned = make_google(f"{SECRET}/versions/2")
        with pytest.raises(FetchFailed):
            pinned.fetch_previous(ApiKey(KEY, provider=pinned.name, version="2"))
        assert secret_manager.accesses == 0


class TestTrouble:
    @pytest.mark.parametrize("code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "INTERNAL"])
    def test_one_failure_is_tried_again(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, code: str
    ) -> None:
        secret_manager.add(SECRET, KEY)
        secret_manager.fail_next(code)
        assert provider.fetch().get_secret_value() == KEY
        assert secret_manager.accesses == 2

    @pytest.mark.parametrize("code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED"])
    def test_a_failure_that_lasts_ends_in_time(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, code: str
    ) -> None:
        secret_manager.add(SECRET, KEY)
        secret_manager.fail_always(code)
        assert within(1.0, lambda: failure(provider, FetchFailed)) < 1.0
        assert secret_manager.accesses > 1

    def test_a_store_that_hangs_ends_in_time(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager
    ) -> None:
        secret_manager.add(SECRET, KEY)
        with secret_manager.hang():
            assert within(0.6, lambda: failure(provider, FetchFailed)) < 0.9
        assert provider.fetch().get_secret_value() == KEY

    def test_a_store_that_is_gone_ends_in_time(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager
    ) -> None:
        secret_manager.close()
        assert within(0.6, lambda: failure(provider, FetchFailed)) < 0.9


class TestClient:
    def test_a_factory_is_called_once_and_after_close_again(self, secret_manager: SecretManagerEmulator) -> None:
        secret_manager.add(SECRET, KEY)
        made: list[Any] = []

        def factory() -> Any:
            made.append(secret_manager.client())
            return made[-1]

        provider = GoogleSecretManager(SECRET, client=factory)
        assert made == []
        texts(provider.fetch(), provider.fetch())
        assert len(made) == 1
        provider.close()
        provider.fetch()
        assert (len(made), secret_manager.connections) == (2, 2)

    def test_a_factory_that_fails_is_broken(self) -> None:
        def factory() -> Any:
            raise ValueError(KEY)

        with pytest.raises(FetchFailed, match="ValueError") as caught:
            GoogleSecretManager(SECRET, client=factory).fetch()
        assert KEY not in str(caught.value)

    @pytest.mark.parametrize(
        ("resource", "endpoint"),
        [(SECRET, "secretmanager.googleapis.com:443"), (REGIONAL, "secretmanager.europe-west1.rep.googleapis.com:443")],
    )
    def test_the_client_it_makes_goes_where_the_secret_is(
        self, resource: str, endpoint: str, service_account: Callable[[str], Path]
    ) -> None:
        service_account("http://127.0.0.1:1/token")
        client = GoogleSecretManager(resource)._make_client()
        assert client.transport.host == endpoint
        client.transport.close()


@pytest.mark.usefixtures("no_google")
class TestCloudCredentials:
    def test_none_at_all_is_absent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """In a process of its own: where the metadata server is, google-auth reads when it is imported."""
        monkeypatch.delenv("NO_GCE_CHECK")
        code = (
            "from genai_credentials import GoogleSecretManager\n"
            f"try: GoogleSecretManager({SECRET!r}).fetch()\n"
            "except Exception as error: print(type(error).__name__, error)"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert run.stdout.startswith(f"Unavailable google:{SECRET}: there are no Google credentials")
        assert "gcloud auth application-default login" in run.stdout

    def test_none_at_all_is_absent_though_nothing_was_looked_for(self) -> None:
        assert "service account" in failure(GoogleSecretManager(SECRET), Unavailable).remedy

    def test_a_missing_file_is_broken(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
        assert "GOOGLE_APPLICATION_CREDENTIALS" in failure(GoogleSecretManager(SECRET), FetchFailed).remedy

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", "{}", '{"type": "unheard-of"}', '{"type": "service_account"}', "\x00"]
    )
    @pytest.mark.parametrize("place", ["named", "gcloud"])
    def test_garbage_is_broken(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, place: str) -> None:
        path = tmp_path / "gcloud" / "application_default_credentials.json"
        path.parent.mkdir()
        path.write_text(text)
        if place == "named":
            monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
        assert "cannot be loaded" in str(failure(GoogleSecretManager(SECRET), FetchFailed))

    def test_a_token_server_that_is_down_is_broken(self, service_account: Callable[[str], Path]) -> None:
        service_account("http://127.0.0.1:1/token")
        provider = GoogleSecretManager(SECRET)
        assert within(1.0, lambda: failure(provider, FetchFailed)) < 1.5


@pytest.mark.parametrize(
    ("package", "options"),
    [("google.cloud.secretmanager_v1", {"transport": "grpc"}), ("google.api_core", {"transport": "grpc"})]
    + [("google.auth", {"transport": transport}) for transport in ("grpc", "rest", None)],
)
def test_a_missing_package_is_broken_and_names_the_extra(package: str, options: dict[str, str]) -> None:
    code = f"""
import sys
sys.modules[{package!r}] = None
from genai_credentials import GoogleSecretManager, MissingDependency
try:
    GoogleSecretManager("projects/p/secrets/s", **{options!r}).fetch()
except MissingDependency as error:
    print(error.remedy, end="")
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "pip install 'genai-credentials[google]'"
    assert issubclass(MissingDependency, FetchFailed)
