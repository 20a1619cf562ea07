"""Tests of a key in the place of a name, a path, a URL or a number: it is refused, and no error quotes it."""

import pytest

from genai_credentials import CredentialsError
from genai_credentials.uris import parse
from misplaced import KEY, PLACES, WRAPPINGS


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("place", PLACES)
def test_a_key_in_the_wrong_place_is_refused_and_not_repeated(place: str, wrapping: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        PLACES[place](wrapping.format(KEY))
    assert KEY[4:] not in f"{caught.value} {caught.value!r} {caught.value.args} {caught.value.remedy}"


@pytest.mark.parametrize("place", ["ttl", "base_url", "a header", "a header's scheme"])
def test_a_short_key_in_the_wrong_place_is_not_repeated(place: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        PLACES[place]("sk-gateway1234")
    assert "gateway1234" not in f"{caught.value} {caught.value!r} {caught.value.remedy}"


def test_the_place_that_an_error_points_at_stays_where_it_was() -> None:
    with pytest.raises(CredentialsError) as caught:
        parse(f"aws:{KEY}?x=1")
    _, uri, caret = caught.value.message.splitlines()
    assert uri == f"  aws:{'*' * len(KEY)}?x=1"
    assert uri[caret.index("^")] == "x"


@pytest.mark.parametrize("name", ["sk-gemini-production", "prod/sk-gemini-api-key", "AIza-key", "auth_tokens/gemini"])
def test_a_name_that_resembles_one_is_repeated(name: str) -> None:
    assert name in str(CredentialsError(f"{name} is missing.", remedy=f"Store {name}."))
