"""Tests of copies and pickles: each object is itself, is made anew, or raises an error that says what to do."""

import asyncio
import concurrent.futures
import copy
import dataclasses
import gc
import multiprocessing
import operator
import pickle
from types import SimpleNamespace

import pydantic
import pytest
from google import genai

from genai_credentials import (
    ApiKey,
    AWSAgent,
    AWSSecretsManager,
    CredentialProvider,
    CredentialsError,
    Dotenv,
    Env,
    File,
    GoogleSecretManager,
    NoCredentials,
    ProviderChain,
    Tenants,
    errors,
)
from genai_credentials.testing import FakeGemini

KEY = "AIzaSyA-0123456789abcdefghijklmnopqrstu"
SECRET = "projects/p/secrets/s"
SOURCES = {
    "Env": Env,
    "Env of two": lambda: Env("ONE_KEY", "TWO_KEY"),
    "Env of the SDK's own, named": lambda: Env("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    "Dotenv": lambda: Dotenv(".env.local", "ONE_KEY"),
    "File": lambda: File("/run/key.json", "/google/api_key"),
    "Google": lambda: GoogleSecretManager(SECRET, "api_key"),
    "Google, pinned, over REST": lambda: GoogleSecretManager(f"{SECRET}/versions/7", transport="rest"),
    "AWS": lambda: AWSSecretsManager("prod/gemini", region="eu-west-1"),
    "AWS, pinned": lambda: AWSSecretsManager("prod/gemini", "k", stage="LAST", version_id="0123456789abcdef" * 2),
    "the agent": lambda: AWSAgent("prod/gemini", port=2774),
}
each_source = pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
each_protocol = pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])


def credentials():
    made = CredentialProvider(lambda: KEY)
    made.get()
    return made


# Configuration: it goes along


@each_source
@each_protocol
def test_a_source_is_pickled_as_its_arguments(make, protocol):
    before = make()
    after = pickle.loads(pickle.dumps(before, protocol))
    assert type(after) is type(before)
    assert after is not before
    assert (after.name, after.uri) == (before.name, before.uri)


@each_source
def test_a_copy_of_a_source_is_itself(make):
    source = make()
    assert copy.copy(source) is source
    assert copy.deepcopy([source])[0] is source


def test_a_source_that_has_served_is_pickled_without_its_key(tmp_path):
    path = tmp_path / "key"
    path.write_text(KEY)
    source = File(path)
    assert source.fetch().get_secret_value() == KEY
    pickled = pickle.dumps(source)
    assert KEY.encode() not in pickled
    assert pickle.loads(pickled).fetch().get_secret_value() == KEY


def test_a_chain_is_pickled_as_its_providers():
    chain = pickle.loads(pickle.dumps(ProviderChain(Env("ONE_KEY"), ProviderChain(File("/run/key")))))
    assert [link.name for link in chain.links] == ["env:ONE_KEY", "file:/run/key"]
    assert copy.deepcopy(chain) is chain


@pytest.mark.parametrize(
    ("provider", "why"),
    [
        (Env(environ={"GEMINI_API_KEY": KEY}), "may hold the key"),
        (GoogleSecretManager(SECRET, client=lambda: None), "its client belongs to this process"),
        (
            AWSSecretsManager("prod/gemini", client=SimpleNamespace(get_secret_value=print)),
            "its client belongs to this process",
        ),
        (ProviderChain(Env(), lambda: KEY), "may hold the key"),
    ],
    ids=["an environment", "a factory of a client", "a client", "a function in a chain"],
)
def test_a_source_that_holds_something_of_this_process_says_what_to_do(provider, why):
    with pytest.raises(TypeError, match=f"is not pickled: .*{why}.*in the other process") as caught:
        pickle.dumps(provider)
    assert KEY not in str(caught.value)
    assert copy.deepcopy(provider) is provider


# What is at work: it stays, and the error says how to have it over there


LIVING = {
    "a key": (lambda it: it.get(), "URI of its provider"),
    "a provider": (lambda it: it, "CredentialProvider.from_environment()"),
    "a provider of sources": (lambda _: CredentialProvider(Env(), File("/k")), "from_uris('env:', 'file:/k')"),
    "a method": (lambda it: it.get, "CredentialProvider.from_environment()"),
    "a client": (lambda it: it.client(), ".client()"),
    "a client's asynchronous side": (lambda it: it.client().aio, ".client()"),
    "a part of a client": (lambda it: it.client().models, ".client()"),
    "a part of its asynchronous side": (lambda it: it.client().aio.models, ".client()"),
    "live": (lambda it: it.client().aio.live, ".client()"),
    "a chat": (lambda it: it.client().chats.create(model="m"), ".client()"),
    "options": (lambda it: it.http_options(), ".client()"),
    "a client of a framework's": (lambda it: stock(it.http_options()), ".client()"),
    "an Auth": (lambda it: it.httpx_auth(), ".client()"),
    "options with another Auth": (lambda it: it.http_options(client_args={"auth": ("a", "b")}), ".client()"),
    "tenants": (lambda it: Tenants(lambda name: it), "in the other process"),
    "their clients": (lambda it: Tenants(lambda name: it).clients(), "in the other process"),
    "a tenant's client": (lambda it: Tenants(lambda name: it).clients()["acme"], ".client()"),
}
"""What belongs to this process, made of a provider, and what its error names as the way to have it in another one."""

MADE_ANEW = ["a part of a client", "a part of its asynchronous side", "a chat"]
"""A copy of these is another one with the same client."""

OPTIONS = ["options", "options with another Auth"]
OTHERS = ["a method", "a client of a framework's"]
"""Python's own to copy, and the SDK's."""


def stock(options):
    return genai.Client(api_key="unused", vertexai=False, http_options=options)


@pytest.mark.parametrize("kind", LIVING)
@each_protocol
def test_what_is_at_work_is_not_pickled_and_says_what_to_do(kind, protocol):
    make, what_to_do = LIVING[kind]
    with pytest.raises(TypeError, match="not pickled") as caught:
        pickle.dumps(make(credentials()), protocol)
    assert what_to_do in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("kind", [kind for kind in LIVING if kind not in MADE_ANEW + OPTIONS + OTHERS])
def test_a_copy_of_what_is_at_work_is_itself(kind):
    thing = LIVING[kind][0](credentials())
    assert copy.copy(thing) is thing
    assert copy.deepcopy({"it": [thing]})["it"][0] is thing


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("kind", MADE_ANEW)
def test_a_copy_of_a_part_has_the_same_client(kind, make):
    part = LIVING[kind][0](credentials())
    models = getattr(part, "_modules", part)
    copied = make(part)
    assert type(copied) is type(part)
    assert getattr(copied, "_modules", copied)._api_client is models._api_client


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda it: it.model_copy(deep=True)])
@pytest.mark.parametrize("kind", OPTIONS)
def test_a_copy_of_options_has_the_same_auth(kind, make):
    options = LIVING[kind][0](credentials())
    copied = make(options)
    assert copied is not options
    assert copied.client_args["auth"] is options.client_args["auth"]


def test_the_end_of_a_copy_leaves_the_client_its_connections():
    with FakeGemini(KEY) as api, credentials().client(http_options={"base_url": api.base_url}) as client:
        for make in (copy.copy, copy.deepcopy):
            copied = make(client)
            assert copied.models.generate_content(model="m", contents="hi").text == "pong: hi"
            del copied
            gc.collect()
        assert client.models.generate_content(model="m", contents="hi").text == "pong: hi"
        assert api.connections == 1


# What frameworks do


class Settings(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    credentials: CredentialProvider
    client: genai.Client
    _private: object = None


@dataclasses.dataclass
class Holder:
    credentials: CredentialProvider
    client: genai.Client
    key: ApiKey


def test_a_pydantic_model_is_copied_deeply_and_not_pickled():
    provider = credentials()
    model = Settings(credentials=provider, client=provider.client())
    model._private = provider.httpx_auth()
    copied = model.model_copy(deep=True)
    assert copied is not model
    assert (copied.credentials, copied.client, copied._private) == (provider, model.client, model._private)
    with pytest.raises(TypeError, match="CredentialProvider is not pickled"):
        pickle.dumps(model)


def test_a_dataclass_is_made_a_dictionary():
    provider = credentials()
    holder = Holder(provider, provider.client(), provider.get())
    assert dataclasses.asdict(holder) == {"credentials": provider, "client": holder.client, "key": provider.get()}
    assert dataclasses.replace(holder, client=None).credentials is provider


def ask(provider):
    return provider()


def test_a_pool_of_processes_hands_the_error_to_whoever_submitted():
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        submitted = pool.submit(ask, credentials())
        with pytest.raises(TypeError, match="Create one in the other process"):
            submitted.result(60)


def test_a_process_that_is_spawned_with_a_client_fails_where_it_is_started():
    process = multiprocessing.get_context("spawn").Process(target=ask, args=(credentials().client(),))
    with pytest.raises(TypeError, match="not pickled"):
        process.start()


def test_cloudpickle_as_joblib_dask_and_ray_use_it_meets_the_same_rules():
    cloudpickle = pytest.importorskip("cloudpickle")
    provider, source = credentials(), File("/run/key")
    for captured in (provider, provider.client(), provider.get()):
        with pytest.raises(TypeError, match="not pickled"):
            cloudpickle.dumps(lambda captured=captured: captured)
    assert pickle.loads(cloudpickle.dumps(lambda: source))().uri == "file:/run/key"


def test_a_thread_and_a_task_take_the_provider_itself():
    provider = credentials()

    async def main():
        return await asyncio.to_thread(copy.deepcopy, provider)

    assert asyncio.run(main()) is provider


# Errors: they cross, with all that they say


def kinds_of(kind):
    yield kind
    for below in kind.__subclasses__():
        yield from kinds_of(below)


@pytest.mark.parametrize("kind", sorted(set(kinds_of(CredentialsError)), key=lambda kind: kind.__qualname__))
@pytest.mark.parametrize("again", [lambda it: pickle.loads(pickle.dumps(it)), copy.copy, copy.deepcopy])
def test_each_kind_of_error_survives(kind, again):
    if kind.__init__ is not CredentialsError.__init__:
        pytest.skip("it has arguments of its own: see the test of that kind")
    before = kind("It failed.", remedy="Mend it.")
    before.add_note("Seen in a worker.")
    after = again(before)
    assert type(after) is kind
    assert (str(after), after.message, after.remedy) == (str(before), "It failed.", "Mend it.")
    assert after.__notes__ == ["Seen in a worker."]


def test_errors_with_more_to_say_keep_it():
    attempt = errors.Attempt("env", "absent", errors.Unavailable("Unset.", remedy="Set it."))
    conflict = errors.PutConflict("Somebody else wrote.", stored="7")
    for again in (lambda it: pickle.loads(pickle.dumps(it)), copy.copy, copy.deepcopy):
        assert str(again(NoCredentials(attempts=[attempt])).attempts[0]) == str(attempt)
        assert again(conflict).stored == "7"


def test_an_error_of_a_worker_arrives_whole():
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        error = pool.submit(operator.call, ProviderChain(Env("NOT_SET_ANYWHERE")).fetch).exception(60)
    assert isinstance(error, NoCredentials)
    assert [attempt.provider for attempt in error.attempts] == ["env:NOT_SET_ANYWHERE"]
    assert error.remedy
