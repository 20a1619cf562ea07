"""The stock client around the Auth: what a rotation looks like from the outside, and what is left alone."""

import asyncio
import gc
import logging

import pytest
from google import genai
from google.genai import errors

from genai_credentials import ConfigurationError, CredentialProvider, CredentialsError
from genai_credentials.testing import REFUSALS

MODEL = "gemini-2.5-flash"


def ask(client):
    return client.models.generate_content(model=MODEL, contents="hi").text


def ask_in_a_stream(client):
    return "".join(chunk.text for chunk in client.models.generate_content_stream(model=MODEL, contents="hi"))


def ask_asynchronously(client):
    async def main():
        async with client.aio as aio:
            return (await aio.models.generate_content(model=MODEL, contents="hi")).text

    return asyncio.run(main())


def ask_in_an_asynchronous_stream(client):
    async def main():
        async with client.aio as aio:
            stream = await aio.models.generate_content_stream(model=MODEL, contents="hi")
            return "".join([chunk.text async for chunk in stream])

    return asyncio.run(main())


def forgotten(credentials, api):
    """The models of a client that nothing refers to; a collection comes in between, as it may at any time."""
    models = credentials.client(http_options={"base_url": api.base_url}).models
    gc.collect()
    return models


def test_a_client_that_nothing_refers_to_serves_what_was_taken_from_it(credentials, keys, api):
    models = forgotten(credentials, api)
    assert models.generate_content(model=MODEL, contents="one").text == "pong: one"
    keys.rotate()
    assert models.generate_content(model=MODEL, contents="two").text == "pong: two"
    del models
    gc.collect()


def test_so_does_its_asynchronous_side(credentials, api):
    async def main():
        models = credentials.client(http_options={"base_url": api.base_url}).aio.models
        gc.collect()
        await asyncio.sleep(0)
        answers = [(await models.generate_content(model=MODEL, contents="hi")).text for _ in range(2)]
        # Nobody else could: this is the SDK's own way to close what is asynchronous.
        await models._api_client.aclose()
        return answers

    assert asyncio.run(main()) == ["pong: hi"] * 2


WAYS = [ask, ask_in_a_stream, ask_asynchronously, ask_in_an_asynchronous_stream]


def test_the_client_is_a_stock_one_and_building_it_fetches_nothing(client, keys):
    assert isinstance(client, genai.Client)
    assert keys.fetches == 0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("refusal", ["rix_api_error", "API_KEY_INVALID", "leaked", "empty_401", "html_401"])
def test_a_rotation_loses_no_request_and_costs_one_fetch(client, keys, api, way, refusal):
    api.refuse_with(refusal)
    ask(client)
    keys.rotate()
    assert way(client) == "pong: hi"
    assert keys.fetches == 2
    assert [request.status for request in api.requests] == [200, REFUSALS[refusal].status, 200]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("answer", ["bad_request", "failed_precondition_region", "permission_denied", "not_found"])
def test_what_is_not_about_the_key_is_left_alone(client, keys, api, way, answer):
    ask(client)
    refusal = REFUSALS[answer]
    api.answer_next(refusal.status, refusal.body)
    with pytest.raises(errors.ClientError) as caught:
        way(client)
    assert caught.value.code == refusal.status
    assert keys.fetches == 1
    assert len(api.requests) == 2


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("refusal", ["rix_api_error", "API_KEY_INVALID"])
def test_with_nothing_better_the_sdks_own_error_stands(client, keys, api, way, refusal):
    ask(client)
    api.refuse_with(refusal)
    api.revoke(keys.current)
    with (
        genai.Client(api_key="wrong", http_options={"base_url": api.base_url}) as stock,
        pytest.raises(errors.ClientError) as expected,
    ):
        way(stock)
    with pytest.raises(errors.ClientError) as caught:
        way(client)
    assert type(caught.value) is type(expected.value)
    assert str(caught.value) == str(expected.value)
    assert caught.value.details == expected.value.details
    assert keys.fetches == 2


def test_a_request_is_sent_at_most_three_times_each_with_another_key(api):
    api.accept("good")
    with CredentialProvider(lambda: "env", lambda: "file", lambda: "good", lambda: "fourth", patience=0) as credentials:
        client = credentials.client(http_options={"base_url": api.base_url})
        assert ask(client) == "pong: hi"
        assert [request.key for request in api.requests] == ["env", "file", "good"]
        api.revoke("good")
        with pytest.raises(errors.ClientError):
            ask(client)
        assert len(api.requests) == 3 + 3


@pytest.mark.parametrize("name", ["x-goog-api-key", "X-Goog-Api-Key"])
def test_a_key_of_the_users_own_for_one_request_is_left_alone(client, api, keys, name):
    api.accept("mine")
    config = {"http_options": {"headers": {name: "mine"}}}
    client.models.generate_content(model=MODEL, contents="hi", config=config)

    async def main():
        async with client.aio as aio:
            await aio.models.generate_content(model=MODEL, contents="hi", config=config)

    asyncio.run(main())
    assert [request.key for request in api.requests] == ["mine", "mine"]
    assert keys.fetches == 0


def test_what_another_key_would_not_mend_is_diagnosed_once(client, api, caplog):
    for _ in range(5):
        api.answer_next(403, REFUSALS["SERVICE_DISABLED"].body)
        with pytest.raises(errors.ClientError):
            ask(client)
    said = [record for record in caplog.records if record.name == "genai_credentials"]
    assert len(said) == 1
    assert said[0].levelno == logging.WARNING
    assert "Enable the Generative Language API" in said[0].getMessage()


def test_verify_lists_a_model_or_says_what_is_wrong(credentials, api, keys):
    credentials.client(verify=True, http_options={"base_url": api.base_url}).close()
    api.revoke(keys.current)
    # Which leaves nothing open: an unclosed socket is a warning, and that an error.
    with pytest.raises(CredentialsError, match="API_KEY_INVALID") as caught:
        credentials.client(verify=True, http_options={"base_url": api.base_url})
    assert caught.value.remedy
    del caught
    gc.collect()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"api_key": "x"}, "api_key"),
        ({"credentials": object()}, "credentials"),
        ({"project": "p", "enterprise": True}, "project"),
        ({"location": "l"}, "location"),
        ({"enterprise": True, "vertexai": False}, "contradict"),
        ({"http_options": {"headers": {"X-Goog-Api-Key": "x"}}}, "X-Goog-Api-Key"),
        ({"http_options": {"base_url": "http://gateway.example"}}, "plain http"),
        ({"http_options": {"base_url": "gateway.example"}}, "not an http"),
        ({"http_options": {"nonsense": 1}}, "nonsense"),
        ({"http_options": 7}, "int"),
    ],
)
def test_what_cannot_work_is_refused_at_construction(credentials, options, words):
    with pytest.raises(ConfigurationError, match=words):
        credentials.client(**options)


def test_plain_http_can_be_accepted(credentials):
    credentials.client(allow_plain_http=True, http_options={"base_url": "http://gateway.example"}).close()


def test_the_environment_does_not_turn_it_into_another_client(credentials, monkeypatch):
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    monkeypatch.setenv("GOOGLE_API_KEY", "from-the-environment")
    with credentials.client() as client:
        assert not client.vertexai
        assert "from-the-environment" not in str(vars(client._api_client))


def test_enterprise_express_mode_rotates_too(credentials, api, keys):
    with credentials.client(enterprise=True, http_options={"base_url": api.base_url}) as client:
        ask(client)
        keys.rotate()
        assert ask(client) == "pong: hi"


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
def test_a_users_own_auth_keeps_the_back_end_that_the_sdk_would_choose_by_it(credentials, api, name):
    module = pytest.importorskip(name)
    if name == "httpx2" and int(genai.__version__.split(".")[0]) < 3:
        pytest.skip("this SDK runs on httpx")
    args = {"auth": module.BasicAuth("user", "password")}
    with credentials.client(http_options={"base_url": api.base_url, "client_args": args}) as client:
        assert isinstance(client._api_client._httpx_client, module.Client)
