"""Tests of correct uses that no rule of the design names. A user from outside found them."""

import copy
import json
import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import google_crc32c
import pytest

from genai_credentials import (
    ApiKey,
    ConfigurationError,
    CredentialProvider,
    CredentialsError,
    FetchFailed,
    File,
    GoogleSecretManager,
    Provider,
    ProviderChain,
)


class Named(Provider):
    """A subclass of the protocol that sets its name in its constructor."""

    def __init__(self, name):
        self.name = name

    def fetch(self, rejected=None):
        return ApiKey("AIzaExample", provider=self.name, version=7)


def test_a_provider_may_inherit_from_the_protocol_and_number_its_versions():
    key = CredentialProvider(Named("mine")).get()
    assert (key.provider, key.version) == ("mine", "7")


def test_a_time_without_a_zone_is_made_aware():
    naive = datetime(2026, 1, 1, 12)
    key = ApiKey("AIzaExample", provider="mine", fetched_at=naive)
    assert key.fetched_at == naive.astimezone(UTC)
    assert key.fetched_at.utcoffset() == timedelta(0)


def test_no_serialiser_gets_the_text_by_asking_for_the_state():
    with pytest.raises(TypeError, match="not pickled"):
        ApiKey("AIzaExample", provider="mine").__getstate__()


def test_a_status_can_be_copied_pickled_and_written_and_not_changed():
    credentials = CredentialProvider(lambda: "AIzaExample")
    credentials.get()
    status = credentials.status()
    assert copy.deepcopy(status) == status == pickle.loads(pickle.dumps(status))
    assert json.loads(json.dumps(status.counters))["fetches"] == 1
    with pytest.raises(TypeError, match="frozen"):
        status.counters["fetches"] = 0


def at_once(store, calls):
    """Return the results of calls that are all inside the store's fetch at the same time."""
    store.gate.clear()
    with ThreadPoolExecutor(len(calls)) as threads:
        asking = [threads.submit(call) for call in calls]
        for _ in asking:
            assert store.entered.acquire(timeout=10)
        store.gate.set()
        return [asked.result(10) for asked in asking]


def test_threads_that_use_one_bare_chain_at_once_all_get_its_key(store):
    chain = ProviderChain(store)
    assert {key.get_secret_value() for key in at_once(store, [chain.fetch] * 3)} == {"key-1"}


def test_two_credential_providers_of_one_chain_may_fetch_at_once(store):
    chain = ProviderChain(store)
    assert at_once(store, [CredentialProvider(chain) for _ in range(2)]) == ["key-1"] * 2


def test_a_wrong_checksum_of_zero_is_wrong_too(secret_manager):
    name, crc = "projects/acme/secrets/gemini", google_crc32c.value(b"AIzaExample")
    secret_manager.add(name, "AIzaExample")
    secret_manager.corrupt_checksum(name, crc)
    with pytest.raises(FetchFailed, match="CRC32C"):
        GoogleSecretManager(name, client=secret_manager.client()).fetch()


def test_a_fetch_may_take_for_ever_as_far_as_its_user_is_concerned():
    assert CredentialProvider(lambda: "AIzaExample", fetch_timeout=math.inf)() == "AIzaExample"


def test_a_home_directory_in_a_path_is_found(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    Path(tmp_path, "gemini").write_text("AIzaExample")
    assert File("~/gemini").fetch().get_secret_value() == "AIzaExample"


@pytest.mark.parametrize("text", ["-1", "nan", "soon"])
def test_a_duration_in_the_environment_that_makes_no_sense_names_its_variable(text):
    with pytest.raises(ConfigurationError, match="GENAI_CREDENTIALS_TTL"):
        CredentialProvider.from_environment({"GENAI_CREDENTIALS_TTL": text})


def test_verify_says_what_is_wrong_where_nobody_answers():
    with pytest.raises(CredentialsError, match="no answer") as caught:
        CredentialProvider(lambda: "AIzaExample").client(
            verify=True, http_options={"base_url": "http://127.0.0.1:1", "timeout": 2000}
        )
    assert "base_url" in caught.value.remedy


def test_verify_does_not_blame_the_key_for_what_is_not_about_it(api):
    api.accept("AIzaExample")
    api.answer_next(404, {"error": {"code": 404, "message": "no such page", "status": "NOT_FOUND"}}, times=9)
    with pytest.raises(CredentialsError, match="did not serve the request: 404 NOT_FOUND"):
        CredentialProvider(lambda: "AIzaExample").client(verify=True, http_options={"base_url": api.base_url})
