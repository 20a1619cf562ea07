"""Many keys in one process: who gets which key, who is unknown, and how long a provider lives."""

import asyncio
import contextvars
import copy
import gc
import logging
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from google.genai import errors
from sdk_paths import MODEL

from genai_credentials import (
    ConfigurationError,
    CredentialProvider,
    CredentialsError,
    Env,
    Event,
    FetchFailed,
    GoogleSecretManager,
    NoCredentials,
    NoTenant,
    Tenants,
    Unavailable,
    UnknownTenant,
)
from genai_credentials.testing import FakeClock, FakeGemini, SecretManagerEmulator

pytestmark = pytest.mark.usefixtures("no_certificates", "nothing_left_open")


class Stores:
    """A store per tenant, whose key is `key-TENANT-NUMBER`; a rotation revokes the one before at once."""

    def __init__(self, api):
        self.api, self.numbers, self.made, self.fetched, self.closed = api, {}, [], [], []
        self.trouble = {}
        self.events = []

    def add(self, *tenants):
        for tenant in tenants:
            self.numbers[tenant] = 0
            self.rotate(tenant)

    def rotate(self, tenant):
        self.numbers[tenant] += 1
        self.api.accept(self.key(tenant))
        self.api.revoke(f"key-{tenant}-{self.numbers[tenant] - 1}")

    def key(self, tenant):
        return f"key-{tenant}-{self.numbers[tenant]}"

    def __call__(self, tenant):
        self.made.append(tenant)
        if tenant not in self.numbers:
            raise LookupError(tenant)
        return CredentialProvider(Store(self, tenant), on_event=self.events.append, min_refresh_interval=0.1)


class Store:
    def __init__(self, stores, tenant):
        self.stores, self.tenant, self.name = stores, tenant, f"store of {tenant!a}"

    def fetch(self, rejected=None):
        self.stores.fetched.append(self.tenant)
        if trouble := self.stores.trouble.get(self.tenant):
            trouble()
        return self.stores.key(self.tenant)

    def close(self):
        self.stores.closed.append(self.tenant)


@pytest.fixture
def stores(api):
    stores = Stores(api)
    stores.add("acme", "globex", "initech")
    return stores


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def tenants(stores, clock):
    with Tenants(stores, max_size=2, idle=100.0, unknown_for=60.0, clock=clock) as tenants:
        yield tenants


@pytest.fixture
def clients(tenants, api):
    with tenants.clients(http_options={"base_url": api.base_url}) as clients:
        yield clients


def ask(client):
    return client.models.generate_content(model=MODEL, contents="hi").text


def sent(api):
    return [request.key for request in api.requests]


def eventually(condition):
    give_up = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.005)


# Whose key it is


def test_each_tenants_client_sends_that_tenants_key(clients, api):
    for tenant in ("acme", "globex", "acme"):
        assert ask(clients[tenant]) == "pong: hi"
    assert sent(api) == ["key-acme-1", "key-globex-1", "key-acme-1"]


def test_a_client_is_a_stock_one_over_shared_connections(clients, api):
    from google import genai

    made = [clients[tenant] for tenant in ("acme", "globex", "initech")]
    assert all(isinstance(client, genai.Client) for client in made)
    assert len({type(client.aio) for client in made}) == 1
    for client in made:
        ask(client)
        client.close()
    assert ask(clients["acme"]) == "pong: hi"
    assert api.connections == 1


def test_a_refused_request_is_replayed_with_the_same_tenants_next_key(clients, stores, api):
    client = clients["acme"]
    ask(client)
    stores.rotate("acme")
    assert ask(client) == "pong: hi"
    assert sent(api) == ["key-acme-1", "key-acme-1", "key-acme-2"]


def test_a_tenant_whose_key_is_refused_for_good_gets_the_apis_error_and_nobody_elses_key(clients, stores, api):
    ask(clients["globex"])
    api.revoke("key-acme-1")
    with pytest.raises(Exception, match="API key not valid"):
        ask(clients["acme"])
    assert set(sent(api)) == {"key-globex-1", "key-acme-1"}


def test_a_client_outlives_the_eviction_of_its_provider(clients, stores, api):
    client = clients["acme"]
    ask(client)
    for tenant in ("globex", "initech"):
        ask(clients[tenant])
    eventually(lambda: stores.closed == ["acme"])
    assert ask(client) == "pong: hi"
    assert sent(api)[-1] == "key-acme-1"
    assert stores.made == ["acme", "globex", "initech", "acme"]


# Made under one tenant, sent later


def test_a_stream_that_is_read_late_carries_its_makers_key(clients, api):
    streams = {
        tenant: clients[tenant].models.generate_content_stream(model=MODEL, contents="hi")
        for tenant in ("acme", "globex", "initech")
    }
    order = ["initech", "acme", "globex"]
    for tenant in order:
        assert len(list(streams[tenant])) == 3
    assert sent(api) == [f"key-{tenant}-1" for tenant in order]


def test_generators_that_take_turns_and_one_that_is_abandoned_carry_their_makers_keys(clients, api):
    def turns(tenant):
        for _ in range(3):
            yield ask(clients[tenant])

    acme, globex = turns("acme"), turns("globex")
    for _ in range(3):
        next(acme)
        next(globex)
    abandoned = turns("initech")
    next(abandoned)
    del abandoned
    ask(clients["acme"])
    assert sent(api) == ["key-acme-1", "key-globex-1"] * 3 + ["key-initech-1", "key-acme-1"]


def test_a_coroutine_that_is_awaited_late_carries_its_makers_key(clients, tenants, api):
    async def main():
        async with clients:
            made = {
                tenant: clients[tenant].aio.models.generate_content(model=MODEL, contents="hi")
                for tenant in ("acme", "globex", "initech")
            }
            with tenants.use("acme"):
                for tenant in ("initech", "globex", "acme"):
                    await made[tenant]

    asyncio.run(main())
    assert sent(api) == ["key-initech-1", "key-globex-1", "key-acme-1"]


# No tenant, unknown ones, and names that are none

KEY = "AIza" + "x" * 35
BAD = [
    ("", "A tenant's name has 1 to 512 characters; this one has 0."),
    ("x" * 513, "this one has 513."),
    ("x" * 10_000_000, "this one has 10000000."),
    (None, "A tenant's name must be a text, not NoneType."),
    (1, "A tenant's name must be a text, not int."),
    (True, "A tenant's name must be a text, not bool."),
    (b"acme", "A tenant's name must be a text, not bytes."),
    (["acme"], "A tenant's name must be a text, not list."),
    (KEY, "This looks like an API key, not like a tenant's name."),
    (f"acme {KEY}", "This looks like an API key, not like a tenant's name."),
]


@pytest.mark.parametrize(("name", "message"), BAD, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("ask_for", ["clients", "tenants", "use"])
def test_what_is_no_name_is_refused_at_once(ask_for, name, message, clients, tenants, stores):
    with pytest.raises(ConfigurationError) as caught:
        {"clients": clients.__getitem__, "tenants": tenants.__getitem__, "use": tenants.use}[ask_for](name)
    assert message in str(caught.value)
    assert caught.value.remedy
    assert KEY not in str(caught.value)
    assert len(str(caught.value)) < 300
    assert stores.made == []


HOSTILE = {
    "a\r\nINFO forged line": "a\\r\\nINFO forged line",
    "\x1b[2J\x1b]0;owned\x07": "\\x1b[2J\\x1b]0;owned\\x07",
    "\u0430cme": "\\u0430cme",
    "acme\u200b": "acme\\u200b",
    "\u202eemca": "\\u202eemca",
    "a\x00b": "a\\x00b",
    "\ud800": "\\ud800",
    "%(tenant)s {0} $(id)": "%(tenant)s {0} $(id)",
    "a\\nb": "a\\\\nb",
    "../../acme": "../../acme",
    "n" * 512: "n" * 512,
}


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name)[:20])
def test_a_hostile_name_is_escaped_and_never_another_tenant(name, clients, tenants, stores, api):
    with pytest.raises(UnknownTenant) as caught:
        ask(clients[name])
    assert f"There is no tenant {HOSTILE[name]}: the factory raised LookupError" in str(caught.value)
    assert str(caught.value).isprintable()
    assert str(caught.value).isascii()
    assert isinstance(caught.value, LookupError)
    assert caught.value.remedy
    assert stores.made == [name]
    assert sent(api) == []
    stores.add(name)
    with pytest.raises(UnknownTenant):
        tenants[name]


@pytest.mark.parametrize("name", [name for name in HOSTILE if name.isascii() and name.isprintable()])
def test_a_strange_name_serves_like_any_other(name, clients, tenants, stores, api):
    stores.add(name) if " " not in name else stores.numbers.update({name: 1})
    stores.key = lambda tenant: "key-strange"
    api.accept("key-strange")
    assert ask(clients[name]) == "pong: hi"
    assert tenants.status().busiest == {HOSTILE[name]: 1}


UNKNOWN = {
    "None": lambda tenant: None,
    "a KeyError": lambda tenant: {}[tenant],
    "Unavailable": lambda tenant: (_ for _ in ()).throw(Unavailable("not here")),
    "absent links": lambda tenant: CredentialProvider(Env("NOT_SET_HERE"), Env("NOR_THIS")),
}


@pytest.mark.parametrize("how", UNKNOWN)
def test_an_unknown_tenant_is_refused_before_anything_is_sent_and_remembered(how, api, clock):
    made = []

    def factory(tenant):
        made.append(tenant)
        return UNKNOWN[how](tenant)

    with Tenants(factory, clock=clock) as tenants, tenants.clients(http_options={"base_url": api.base_url}) as clients:
        for _ in range(3):
            with pytest.raises(UnknownTenant, match="There is no tenant ghost"):
                ask(clients["ghost"])
            with pytest.raises(UnknownTenant):
                tenants["ghost"]
        assert made == ["ghost"]
        assert (tenants.status().unknown, tenants.status().kept) == (1, 0)
        clock.advance(61)
        with pytest.raises(UnknownTenant):
            tenants["ghost"]
        assert made == ["ghost"] * 2
    assert sent(api) == []


def test_no_such_secret_means_no_such_tenant():
    pytest.importorskip("grpc")
    with SecretManagerEmulator() as emulator:
        emulator.add("projects/p/secrets/gemini-acme", "key-acme")
        store = emulator.client()

        def factory(tenant):
            return CredentialProvider(GoogleSecretManager(f"projects/p/secrets/gemini-{tenant}", client=store))

        with Tenants(factory) as tenants:
            assert tenants["acme"]() == "key-acme"
            with pytest.raises(UnknownTenant, match="no such secret"):
                tenants["ghost"]


def test_a_store_that_fails_makes_no_tenant_unknown(clients, tenants, stores, api):
    def down():
        raise FetchFailed("down")

    stores.trouble["acme"] = down
    for _ in range(3):
        with pytest.raises(NoCredentials, match="Tenant acme: No provider of the chain has an API key"):
            ask(clients["acme"])
    assert stores.fetched == ["acme"], "the engine's backoff is kept"
    assert tenants["acme"].status().links[0].outcome == "broken"
    assert tenants.status().unknown == 0
    assert sent(api) == []


def test_invented_names_take_no_place_among_the_real_ones(clients, tenants, stores):
    for tenant in ("acme", "globex"):
        ask(clients[tenant])
    for number in range(20):
        stores.numbers[f"invented-{number}"] = 1
        stores.trouble[f"invented-{number}"] = lambda: (_ for _ in ()).throw(FetchFailed("denied"))
        with pytest.raises(NoCredentials):
            ask(clients[f"invented-{number}"])
    assert tenants.status().kept == 2
    assert not {"acme", "globex"} & set(stores.closed)


def test_a_factory_that_fails_is_named_with_its_place_and_without_its_text(api):
    secrets = {"acme": KEY}

    def factory(tenant):
        raise RuntimeError(f"{secrets['acme']} for {tenant}")

    with Tenants(factory) as tenants, pytest.raises(CredentialsError) as caught:
        tenants["a\nb"]
    error = caught.value
    assert "tenant a\\nb: the factory raised RuntimeError (test_tenants.py:" in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None
    assert KEY not in str(error)


SHARED = CredentialProvider(lambda: "key-shared")


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (lambda tenant: "AIzaKey", "returned str for acme"),
        (lambda tenant: Env(), "returned Env for acme"),
        (lambda tenant: SHARED, "closed, or another tenant's"),
    ],
)
def test_a_factory_that_returns_no_new_provider_is_told_so(factory, message):
    with Tenants(factory) as tenants:
        if "another" in message:
            assert tenants["first"]() == "key-shared"
        with pytest.raises(ConfigurationError, match=message):
            tenants["acme"]


async def _coroutine(tenant): ...


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"factory": None}, "plain function"),
        ({"factory": _coroutine}, "plain function"),
        ({"factory": CredentialProvider(lambda: "key-acme-1")}, "plain function"),
        ({"max_size": 0}, "max_size=0"),
        ({"max_size": 1.5}, "max_size=1.5"),
        ({"max_size": True}, "max_size=True"),
        ({"max_fetches": 0}, "max_fetches=0"),
        ({"idle": -1}, "idle=-1"),
        ({"idle": float("nan")}, "idle=nan"),
        ({"unknown_for": "1"}, "unknown_for is str"),
        ({"max_fetches": "1"}, "max_fetches is str"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        Tenants(**{"factory": lambda tenant: None, **arguments})


@pytest.mark.parametrize("key", [KEY, "AIzaShort123", "a text without a key's shape"])
@pytest.mark.parametrize("argument", ["max_size", "idle", "unknown_for", "max_fetches"])
def test_a_key_in_the_place_of_a_number_is_not_repeated(argument, key):
    with pytest.raises(ConfigurationError, match=f"{argument} is str") as caught:
        Tenants(lambda tenant: None, **{argument: key})
    assert key not in f"{caught.value!r} {caught.value} {caught.value.remedy}"


@pytest.mark.parametrize("name", ["AIzaShort123", "sk-0123456789", f"acme/{KEY}"])
def test_a_key_in_the_place_of_a_tenants_name_is_neither_repeated_nor_logged(name, tenants, clients, caplog):
    for ask_for in (tenants.__getitem__, tenants.use, clients.__getitem__):
        with pytest.raises(ConfigurationError, match="looks like an API key") as caught:
            ask_for(name)
        assert name not in f"{caught.value!r} {caught.value} {caught.value.remedy}"
    assert name not in caplog.text


def test_the_factory_runs_off_the_loop_and_once_for_all_who_ask(api, stores):
    threads, release = [], threading.Event()

    def factory(tenant):
        threads.append(threading.current_thread())
        assert release.wait(10)
        return stores(tenant)

    async def main(clients):
        async with clients:
            asked = [clients["acme"].aio.models.generate_content(model=MODEL, contents="hi") for _ in range(50)]
            waiting = asyncio.gather(*asked)
            await asyncio.sleep(0.05)
            release.set()
            await waiting

    with Tenants(factory) as tenants, tenants.clients(http_options={"base_url": api.base_url}) as clients:
        asyncio.run(main(clients))
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()
    assert sent(api) == ["key-acme-1"] * 50
    assert stores.fetched == ["acme"]


def test_a_factory_that_asks_for_a_tenant_is_told_so():
    refused = pytest.raises(CredentialsError, match="The factory of tenants asked for a tenant")
    with Tenants(lambda tenant: tenants["other"]) as tenants, refused:
        tenants["acme"]


# The life of a provider


def test_a_provider_that_serves_a_request_is_closed_after_it(api, stores):
    arrived, release = threading.Event(), threading.Event()

    def hold(request):
        if request.key == "key-acme-1":
            arrived.set()
            assert release.wait(10)

    api.on_request = hold
    with Tenants(stores, max_size=1) as tenants, tenants.clients(http_options={"base_url": api.base_url}) as clients:
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(ask, clients["acme"])
            assert arrived.wait(10)
            ask(clients["globex"])
            time.sleep(0.05)
            assert stores.closed == []
            release.set()
            assert slow.result() == "pong: hi"
        eventually(lambda: stores.closed == ["acme"])


def test_close_lets_a_running_request_finish_and_refuses_the_next(api, stores):
    arrived, release = threading.Event(), threading.Event()

    def hold(request):
        arrived.set()
        assert release.wait(10)

    api.on_request = hold
    tenants = Tenants(stores)
    with tenants.clients(http_options={"base_url": api.base_url}) as clients, ThreadPoolExecutor(1) as pool:
        slow = pool.submit(ask, clients["acme"])
        assert arrived.wait(10)
        tenants.close()
        tenants.close()
        assert stores.closed == []
        with pytest.raises(CredentialsError, match="This Tenants is closed"):
            ask(clients["acme"])
        release.set()
        assert slow.result() == "pong: hi"
        eventually(lambda: stores.closed == ["acme"])
        with pytest.raises(CredentialsError, match="This Tenants is closed"):
            tenants["acme"]


def test_a_provider_that_nobody_uses_is_closed(api, stores):
    with Tenants(stores, idle=0.1) as tenants, tenants.clients(http_options={"base_url": api.base_url}) as clients:
        ask(clients["acme"])
        eventually(lambda: stores.closed == ["acme"])
        assert tenants.status().kept == 0
        assert ask(clients["acme"]) == "pong: hi"
        assert stores.made == ["acme", "acme"]


def test_a_provider_that_its_user_closed_is_made_again(clients, tenants, stores):
    with tenants["acme"] as credentials:
        assert credentials() == "key-acme-1"
    assert ask(clients["acme"]) == "pong: hi"
    assert tenants["acme"] is not credentials
    assert tenants["acme"] is tenants["acme"]


def test_tenants_and_clients_are_not_pickled_and_not_copied(tenants, clients):
    for thing in (tenants, clients):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(thing)
        assert copy.copy(thing) is thing
        assert copy.deepcopy(thing) is thing


def test_status_counts_and_names_the_busiest_without_a_key(clients, tenants):
    for _ in range(3):
        ask(clients["acme"])
    ask(clients["globex"])
    with pytest.raises(UnknownTenant):
        tenants["ghost"]
    status = tenants.status()
    assert (status.kept, status.unknown, status.opening, status.fetches) == (2, 1, 0, 0)
    assert dict(status.busiest) == {"acme": 3, "globex": 1}
    assert "key-" not in repr(status)
    with pytest.raises(AttributeError):
        status.kept = 1
    with pytest.raises(TypeError):
        status.busiest["acme"] = 0


# Events and logs


def test_events_and_log_records_name_the_tenant(clients, stores, caplog):
    caplog.set_level(logging.DEBUG, "genai_credentials")
    for tenant in ("acme", "globex"):
        ask(clients[tenant])
        stores.rotate(tenant)
        ask(clients[tenant])
    eventually(lambda: sum(event.name == "replayed" for event in stores.events) == 2)
    ours = [record for record in caplog.records if record.name == "genai_credentials"]
    assert {event.tenant for event in stores.events} == {"acme", "globex"} == {record.tenant for record in ours}
    for record in ours:
        assert record.tenant in record.getMessage() or record.fingerprint


def test_a_links_warning_names_the_tenant_and_forges_no_line(clients, stores, caplog):
    name = "acme\nWARNING forged"
    stores.numbers[name] = 1
    stores.trouble[name] = lambda: (_ for _ in ()).throw(FetchFailed("down"))
    with pytest.raises(NoCredentials):
        ask(clients[name])
    eventually(lambda: any(record.levelname == "WARNING" for record in caplog.records))
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert warning.tenant == "acme\\nWARNING forged"
    assert "\n" not in warning.getMessage()


def test_without_tenants_an_event_and_a_record_name_none(caplog):
    caplog.set_level(logging.DEBUG, "genai_credentials")
    events = []
    with CredentialProvider(lambda: "key", on_event=events.append) as credentials:
        credentials.get()
        eventually(lambda: events)
    assert events[0].tenant is None
    assert caplog.records[0].tenant is None
    assert Event("fetched").tenant is None


# use: for frameworks that own their client


def auth_client(tenants):
    return httpx.Client(auth=tenants.httpx_auth())


def get(http, api):
    return http.get(f"{api.base_url}/v1beta/models").status_code


def test_the_auth_and_the_options_follow_the_tenant_in_use(tenants, api):
    from google import genai

    options = tenants.http_options(base_url=api.base_url)
    client = genai.Client(vertexai=False, api_key="unused", http_options=options)
    with auth_client(tenants) as http, client, tenants.use("acme"):
        assert get(http, api) == 200
        with tenants.use("globex"):
            ask(client)
        ask(client)
    assert sent(api) == ["key-acme-1", "key-globex-1", "key-acme-1"]


def test_without_a_tenant_nothing_is_sent_and_the_error_says_what_to_do(tenants, api):
    with auth_client(tenants) as http:
        with pytest.raises(NoTenant) as caught:
            get(http, api)
        with tenants.use("acme"):
            get(http, api)
        with pytest.raises(NoTenant):
            get(http, api)
    assert "clients()[name]" in caught.value.remedy
    assert "copy_context" in caught.value.remedy
    assert sent(api) == ["key-acme-1"]


def test_a_thread_and_an_executor_take_no_tenant_along_unless_they_are_given_the_context(tenants, api):
    with auth_client(tenants) as http, ThreadPoolExecutor(1) as pool, tenants.use("acme"):
        with pytest.raises(NoTenant):
            pool.submit(get, http, api).result()
        assert pool.submit(contextvars.copy_context().run, get, http, api).result() == 200
    assert sent(api) == ["key-acme-1"]


def test_tasks_keep_their_own_tenants(tenants, api):
    async def one(http, tenant):
        with tenants.use(tenant):
            await asyncio.sleep(0.01)
            await http.get(f"{api.base_url}/v1beta/models", headers={"x-of": tenant})

    async def main():
        async with httpx.AsyncClient(auth=tenants.httpx_auth()) as http:
            await asyncio.gather(*(one(http, tenant) for tenant in ("acme", "globex", "initech") * 10))

    asyncio.run(main())
    assert all(request.key == f"key-{request.header('x-of')}-1" for request in api.requests)
    assert len(api.requests) == 30


def test_use_in_a_generators_frame_is_refused(tenants):
    def generator():
        with tenants.use("acme"):
            yield

    async def asynchronous():
        with tenants.use("acme"):
            yield

    with pytest.raises(ConfigurationError, match="is entered in a generator") as caught:
        next(generator())
    assert "ExitStack" in caught.value.remedy
    with pytest.raises(ConfigurationError, match="is entered in a generator"):
        asyncio.run(anext(asynchronous()))


def test_a_helper_under_contextmanager_uses_an_exit_stack(tenants, api):
    @contextmanager
    def signed_in(tenant):
        with ExitStack() as stack:
            stack.enter_context(tenants.use(tenant))
            yield

    with auth_client(tenants) as http:
        with signed_in("acme"):
            get(http, api)
        with pytest.raises(NoTenant):
            get(http, api)
    assert sent(api) == ["key-acme-1"]


def test_the_tenants_of_two_objects_do_not_mix(tenants, api):
    others = Tenants(lambda tenant: CredentialProvider(lambda: "key-acme-1"))
    with others, auth_client(others) as http, tenants.use("acme"), pytest.raises(NoTenant):
        get(http, api)


def test_clients_are_collected_without_their_users_help(tenants, api):
    import weakref

    clients = tenants.clients(http_options={"base_url": api.base_url})
    thin = clients["acme"]
    ask(thin)
    gone = weakref.ref(thin)
    del thin
    gc.collect()
    assert gone() is None
    assert ask(clients["acme"]) == "pong: hi"


@pytest.mark.parametrize("options", [{"verify": True}])
def test_each_client_can_be_verified(options, tenants, stores, api):
    with tenants.clients(http_options={"base_url": api.base_url}, **options) as clients:
        clients["acme"]
        api.revoke("key-globex-1")
        with pytest.raises(CredentialsError, match="The API refused the key"):
            clients["globex"]
        with pytest.raises(UnknownTenant):
            clients["ghost"]
    assert {"key-acme-1", "key-globex-1"} == set(sent(api))


def test_options_with_a_key_of_their_own_are_refused(tenants):
    for options in ({"api_key": "x"}, {"http_options": {"headers": {"X-Goog-Api-Key": "x"}}}):
        with pytest.raises(ConfigurationError):
            tenants.clients(**options)


def test_another_server_never_gets_a_tenants_key(clients, api):
    with FakeGemini() as elsewhere:
        config = {"http_options": {"base_url": elsewhere.base_url}}
        with pytest.raises(errors.APIError):
            clients["acme"].models.get(model="x", config=config)
        assert [request.key for request in elsewhere.requests] == [None]
