"""`Rotate` and `GoogleApiKeys`: a wrong argument is refused when the object is made, and the error says what to do."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from genai_credentials import ConfigurationError, File
from genai_credentials.rotate import GoogleApiKeys, Rotate
from genai_credentials.rotate.timing import Timing


async def later(text: str) -> None:
    """An asynchronous listener."""


@pytest.mark.parametrize("issuer", [None, "acme", 5, object(), GoogleApiKeys])
def test_an_issuer_that_is_none_is_refused(issuer: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Rotate(File("key"), issuer)
    assert "GoogleApiKeys" in caught.value.remedy


@pytest.mark.parametrize("also", [5, None, "file:key", b"key", File("other"), (File,), [None]])
def test_further_places_that_are_none_are_refused(also: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Rotate(File("key"), GoogleApiKeys("acme"), also=also)
    assert caught.value.remedy


@pytest.mark.parametrize("also", [[], (), {File("other")}, iter([File("other")])])
def test_any_collection_of_further_places_will_do(also: Any) -> None:
    Rotate(File("key"), GoogleApiKeys("acme"), also=also)


@pytest.mark.parametrize("listener", [5, "print", later])
def test_a_listener_that_cannot_be_called_is_refused(listener: Any) -> None:
    with pytest.raises(ConfigurationError, match="on_progress"):
        Rotate(File("key"), GoogleApiKeys("acme"), on_progress=listener)


@pytest.mark.parametrize("url", [5, Path("gateway"), b"https://gateway.example", True])
def test_a_url_that_is_no_text_is_refused(url: Any) -> None:
    with pytest.raises(ConfigurationError, match="base_url"):
        Rotate(File("key"), GoogleApiKeys("acme"), base_url=url)
    with pytest.raises(ConfigurationError, match="base_url"):
        GoogleApiKeys("acme", base_url=url)


@pytest.mark.parametrize("account", [5, "", "rotator", b"a@b.example"])
def test_a_service_account_that_is_no_address_is_refused(account: Any) -> None:
    with pytest.raises(ConfigurationError, match="service_account"):
        GoogleApiKeys("acme", service_account=account)


@pytest.mark.parametrize("credentials", ["token", 5, {}, Path("sa.json")])
def test_credentials_of_another_kind_are_refused(credentials: Any) -> None:
    with pytest.raises(ConfigurationError, match="credentials is"):
        GoogleApiKeys("acme", credentials=credentials)


@pytest.mark.parametrize("seconds", [1e14, 1e300])
def test_a_time_longer_than_a_calendar_is_no_end_of_the_run(seconds: float) -> None:
    old = datetime.now(UTC) - timedelta(days=9_000)
    timing = Timing(retire_after=seconds, min_age=seconds)
    assert not timing.is_due(old)
    assert timing.is_young(old)
