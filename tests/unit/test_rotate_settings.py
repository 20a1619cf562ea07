"""What a rotation that a machine runs reads from its environment."""

import pytest

from genai_credentials import ConfigurationError
from genai_credentials.rotate.settings import PREFIX, duration, settings
from genai_credentials.testing.conformance import everything_in

KEY = "AIzaSy-in-the-wrong-place-0000000000000"
NAMES = ("URI", "PROJECT", "SERVICE_ACCOUNT", "PROVE_FOR", "PROVE_TIMEOUT")


def test_the_settings_are_read_from_the_environment() -> None:
    values = {
        "URI": "file:/run/key",
        "PROJECT": "acme",
        "SERVICE_ACCOUNT": "app@acme.iam.gserviceaccount.com",
        "RETIRE_AFTER": "2d",
        "PROVE_FOR": "5",
        "PROVE_TIMEOUT": "4m",
    }
    found = settings({f"{PREFIX}{name}": value for name, value in values.items()})
    assert (found.store.name, found.issuer.project) == ("file:/run/key", "acme")
    assert found.issuer.service_account == values["SERVICE_ACCOUNT"]
    assert (found.timing.retire_after, found.timing.prove_for, found.timing.prove_timeout) == (172_800, 5, 240)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"URI": ""}, "GENAI_CREDENTIALS_ROTATE_URI"),
        ({"PROJECT": " "}, "GENAI_CREDENTIALS_ROTATE_PROJECT"),
        ({"URI": "env:"}, "can only be read"),
        ({"URI": "google:projects/acme/secrets/s/versions/3"}, "pinned"),
        ({"RETIRE_AFTER": "soon"}, "GENAI_CREDENTIALS_ROTATE_RETIRE_AFTER"),
        ({"PROVE_TIMEOUT": "1"}, "prove_timeout"),
        ({"SERVICE_ACCOUNT": "nobody"}, "service_account"),
    ],
)
def test_a_setting_that_is_wrong_is_named(change: dict[str, str], word: str) -> None:
    values = {"URI": "file:/run/key", "PROJECT": "acme", **change}
    with pytest.raises(ConfigurationError, match=word):
        settings({f"{PREFIX}{name}": value for name, value in values.items()})


@pytest.mark.parametrize(
    ("change", "variables"),
    [
        ({"URI": "gogle:projects/acme/secrets/s"}, ["URI"]),
        ({"URI": KEY}, ["URI"]),
        ({"URI": "env:"}, ["URI"]),
        ({"URI": "aws:prod/gemini?stage=AWSPREVIOUS"}, ["URI"]),
        ({"PROJECT": "projects/acme"}, ["PROJECT"]),
        ({"PROJECT": KEY}, ["PROJECT"]),
        ({"SERVICE_ACCOUNT": "nobody"}, ["SERVICE_ACCOUNT"]),
        ({"PROVE_FOR": "15m"}, ["PROVE_FOR", "PROVE_TIMEOUT"]),
        ({"PROVE_TIMEOUT": "1s"}, ["PROVE_FOR", "PROVE_TIMEOUT"]),
    ],
)
def test_an_error_names_the_variable_and_holds_no_value_that_may_be_a_key(
    change: dict[str, str], variables: list[str]
) -> None:
    values = {"URI": "file:/run/key", "PROJECT": "acme", **change}
    with pytest.raises(ConfigurationError) as caught:
        settings({f"{PREFIX}{name}": value for name, value in values.items()})
    message = str(caught.value)
    assert [name for name in NAMES if f"{PREFIX}{name}:" in message or f"{PREFIX}{name} and" in message] == variables
    assert KEY not in everything_in(caught.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("90", 90), ("1.5", 1.5), ("90s", 90), ("15m", 900), ("12h", 43_200), ("90d", 7_776_000)],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text, "x") == seconds


@pytest.mark.parametrize("text", ["", "-1", "1w", "d", "1d2h", "inf", "nan", "1e3"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ConfigurationError, match="x="):
        duration(text, "x")
