"""Which version of a secret is served: one that can be read, and for a notification one past a `latest` that lags."""

import itertools
import logging
from collections.abc import Callable

import pytest

from genai_credentials import ApiKey, FetchFailed, GoogleSecretManager, InvalidSecret
from genai_credentials.sources.google import MOST_PROBES
from genai_credentials.testing import SecretManagerEmulator

SECRET = "projects/acme/secrets/gemini"

Make = Callable[..., GoogleSecretManager]


@pytest.fixture
def provider(make_google: Make) -> GoogleSecretManager:
    return make_google(SECRET)


@pytest.fixture
def versions(secret_manager: SecretManagerEmulator) -> Callable[[int], None]:
    """Adds so many versions, with the text AIza-N each."""
    numbers = itertools.count(1)

    def add(count: int) -> None:
        for number in itertools.islice(numbers, count):
            secret_manager.add(SECRET, f"AIza-{number}")

    return add


def asked(store: SecretManagerEmulator) -> list[str]:
    return [name.removeprefix(f"{SECRET}/versions/") for _, name in store.calls]


def served(provider: GoogleSecretManager) -> str | None:
    return provider.fetch().version


def skipped(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


class TestSteppingDown:
    @pytest.mark.parametrize("state", ["disable", "destroy"])
    def test_the_newest_that_can_be_read_is_served(
        self,
        secret_manager: SecretManagerEmulator,
        provider: GoogleSecretManager,
        versions: Callable[[int], None],
        state: str,
    ) -> None:
        versions(3)
        assert served(provider) == "3"
        getattr(secret_manager, state)(SECRET, 3)
        getattr(secret_manager, state)(SECRET, 2)
        key = provider.fetch()
        assert (key.get_secret_value(), key.version) == ("AIza-1", "1")
        assert asked(secret_manager)[1:] == ["latest", "4", "2", "1"]
        assert {method for method, _ in secret_manager.calls} == {"AccessSecretVersion"}

    def test_one_added_while_latest_names_the_disabled_one_is_found(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, versions: Callable[[int], None]
    ) -> None:
        versions(3)
        secret_manager.disable(SECRET, 2)
        secret_manager.lag_latest(SECRET, 2)
        assert served(provider) == "3"
        assert asked(secret_manager) == ["latest", "3", "4"]

    def test_one_that_is_enabled_again_is_served_again(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, versions: Callable[[int], None]
    ) -> None:
        versions(2)
        secret_manager.disable(SECRET, 2)
        before = served(provider)
        secret_manager.enable(SECRET, 2)
        assert [before, served(provider)] == ["1", "2"]
        versions(1)
        assert served(provider) == "3"

    def test_it_is_warned_of_once_for_each_version(
        self,
        secret_manager: SecretManagerEmulator,
        provider: GoogleSecretManager,
        versions: Callable[[int], None],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        versions(3)
        for number in (3, 2):
            secret_manager.disable(SECRET, number)
            secret_manager.lag_latest(SECRET, number)
            for _ in range(3):
                served(provider)
        assert ["version 3" in line for line in skipped(caplog)] == [True, False]
        assert all(line.startswith(f"{provider.name}: ") and "version 1" in line for line in skipped(caplog)[1:])
        assert caplog.records[0].event == "version_skipped"

    def test_it_looks_at_eight_on_each_side(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, versions: Callable[[int], None]
    ) -> None:
        versions(MOST_PROBES + 2)
        for number in range(2, MOST_PROBES + 3):
            secret_manager.disable(SECRET, number)
        with pytest.raises(FetchFailed, match="disabled or destroyed"):
            provider.fetch()
        assert len(asked(secret_manager)) == 1 + 1 + MOST_PROBES
        secret_manager.enable(SECRET, 2)
        assert served(provider) == "2"

    def test_a_version_that_holds_no_key_is_passed_over(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager
    ) -> None:
        for text in ("AIza-1", "YOUR_API_KEY", "AIza-3"):
            secret_manager.add(SECRET, text)
        secret_manager.disable(SECRET, 3)
        assert served(provider) == "1"

    @pytest.mark.parametrize("pin", ["2", "live"])
    def test_a_pin_and_an_alias_do_not_step(
        self,
        secret_manager: SecretManagerEmulator,
        make_google: Make,
        versions: Callable[[int], None],
        pin: str,
    ) -> None:
        versions(3)
        secret_manager.alias(SECRET, "live", 2)
        secret_manager.disable(SECRET, 2)
        with pytest.raises(FetchFailed, match="disabled or destroyed"):
            make_google(f"{SECRET}/versions/{pin}").fetch()
        assert asked(secret_manager) == [pin]

    def test_a_store_that_denies_is_not_stepped_around(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, versions: Callable[[int], None]
    ) -> None:
        versions(2)
        secret_manager.fail_always("PERMISSION_DENIED")
        with pytest.raises(FetchFailed, match="may not read"):
            provider.fetch()
        assert asked(secret_manager) == ["latest"]

    def test_a_message_that_names_no_version_leads_nowhere(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, versions: Callable[[int], None]
    ) -> None:
        versions(2)
        secret_manager.fail_next("FAILED_PRECONDITION", message="The key of the encryption is disabled.")
        with pytest.raises(FetchFailed):
            provider.fetch()
        assert asked(secret_manager) == ["latest"]

    def test_the_names_may_carry_the_projects_number(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with SecretManagerEmulator(project_number="123456789012") as store:
            monkeypatch.setenv("SECRET_MANAGER_EMULATOR_HOST", store.target)
            for text in ("AIza-1", "AIza-2"):
                store.add(SECRET, text)
            store.disable(SECRET, 2)
            assert [served(GoogleSecretManager(SECRET, transport=wire)) for wire in ("grpc", "rest")] == ["1", "1"]

    def test_a_rejection_finds_the_one_below(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, versions: Callable[[int], None]
    ) -> None:
        versions(2)
        key = provider.fetch()
        secret_manager.disable(SECRET, 2)
        assert provider.fetch(key).version == "1"

    def test_a_rejection_goes_on_past_a_disabled_one(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, versions: Callable[[int], None]
    ) -> None:
        versions(1)
        key = provider.fetch()
        versions(2)
        secret_manager.disable(SECRET, 2)
        secret_manager.lag_latest(SECRET, 1)
        assert provider.fetch(key).version == "3"

    def test_between_a_lagging_latest_and_what_was_seen_the_highest_is_served(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, versions: Callable[[int], None]
    ) -> None:
        versions(3)
        assert served(provider) == "3"
        secret_manager.disable(SECRET, 3)
        secret_manager.lag_latest(SECRET, 1)
        assert served(provider) == "2"


class TestNewer:
    def test_it_is_found_by_number_while_latest_lags(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, versions: Callable[[int], None]
    ) -> None:
        versions(1)
        current = provider.fetch()
        versions(2)
        secret_manager.lag_latest(SECRET, 1)
        newer = provider.fetch_newer(current)
        assert newer.version == "3"
        assert asked(secret_manager) == ["latest", "2", "3", "4"]
        assert served(provider) == "3"

    def test_it_is_the_same_where_there_is_nothing_newer(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, versions: Callable[[int], None]
    ) -> None:
        versions(2)
        current = provider.fetch()
        assert provider.fetch_newer(current=current) == current
        assert asked(secret_manager) == ["latest", "3", "2"]

    def test_where_the_current_one_was_disabled_it_is_the_one_below(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, versions: Callable[[int], None]
    ) -> None:
        versions(2)
        current = provider.fetch()
        secret_manager.disable(SECRET, 2)
        assert provider.fetch_newer(current).version == "1"
        assert asked(secret_manager)[1:] == ["3", "2", "1"]

    def test_past_eight_numbers_latest_is_asked_too_and_the_higher_wins(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, versions: Callable[[int], None]
    ) -> None:
        versions(1)
        current = provider.fetch()
        versions(MOST_PROBES + 5)
        assert provider.fetch_newer(current).version == str(MOST_PROBES + 6)
        secret_manager.lag_latest(SECRET, 2)
        assert GoogleSecretManager(SECRET, client=secret_manager.client).fetch_newer(current).version == "9"

    def test_eight_that_cannot_be_read_leave_latest(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, versions: Callable[[int], None]
    ) -> None:
        versions(1)
        current = provider.fetch()
        versions(MOST_PROBES + 1)
        for number in range(2, MOST_PROBES + 2):
            secret_manager.disable(SECRET, number)
        assert provider.fetch_newer(current).version == str(MOST_PROBES + 2)

    def test_another_providers_key_makes_it_a_plain_fetch(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, versions: Callable[[int], None]
    ) -> None:
        versions(1)
        for current in (None, ApiKey("AIza-x", provider="env"), ApiKey("AIza-x", provider="env", version="7")):
            assert provider.fetch_newer(current).version == "1"
        assert asked(secret_manager) == ["latest"] * 3

    def test_a_pinned_one_reads_its_pin(
        self, secret_manager: SecretManagerEmulator, make_google: Make, versions: Callable[[int], None]
    ) -> None:
        versions(3)
        secret_manager.alias(SECRET, "live", 1)
        pinned = make_google(f"{SECRET}/versions/live")
        first = pinned.fetch()
        secret_manager.alias(SECRET, "live", 2)
        assert pinned.fetch_newer(first).version == "2"

    @pytest.mark.parametrize(("newer", "kind"), [("YOUR_API_KEY", InvalidSecret), ("AIza-2", FetchFailed)])
    def test_what_is_in_the_way_is_told(
        self,
        secret_manager: SecretManagerEmulator,
        provider: GoogleSecretManager,
        newer: str,
        kind: type[FetchFailed],
    ) -> None:
        """The same key would mean that there is nothing newer, and the notification would be over."""
        secret_manager.add(SECRET, "AIza-1")
        current = provider.fetch()
        secret_manager.add(SECRET, newer)
        if kind is FetchFailed:
            secret_manager.fail_next("PERMISSION_DENIED")
        with pytest.raises(kind):
            provider.fetch_newer(current)

    def test_a_secret_that_was_made_anew_is_read_anew(
        self, secret_manager: SecretManagerEmulator, provider: GoogleSecretManager, versions: Callable[[int], None]
    ) -> None:
        versions(3)
        current = provider.fetch()
        secret_manager.delete(SECRET)
        with pytest.raises(FetchFailed, match="no such secret"):
            provider.fetch_newer(current)
        versions(1)
        assert provider.fetch_newer(current).version == "1"
