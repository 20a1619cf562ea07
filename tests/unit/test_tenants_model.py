"""Random interleavings of clients, use, nesting, eviction, rotation, refusal, idleness, unknown tenants and closing."""

import contextlib
from random import Random

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, precondition, rule

from genai_credentials import CredentialProvider, CredentialsError, FetchFailed, NoCredentials, NoTenant, Tenants
from genai_credentials import UnknownTenant as Unknown
from genai_credentials.client.exchange import advance
from genai_credentials.rejection import ACCEPTED, classify
from genai_credentials.tenants.names import placeholder_of
from genai_credentials.testing import FakeClock

NAMES = ("acme", "Acme", "acme ", "\u0430cme", "globex", "a\nb")
PLACES, IDLE, UNKNOWN_FOR, URL = 2, 100.0, 60.0, "http://127.0.0.1:1/"
REFUSED = classify(401, b"")


class Many(RuleBasedStateMachine):
    """Requests are begun, judged and ended by hand, so that anything may happen between."""

    exchanges = Bundle("exchanges")

    @initialize()
    def start(self):
        self.clock = FakeClock()
        self.numbers = dict.fromkeys(NAMES, 1)
        self.live = {self.key(name) for name in NAMES}
        self.down, self.gone, self.closed_by_hand, self.using = set(), set(), set(), []
        self.tenants = Tenants(
            self.factory, max_size=PLACES, idle=IDLE, unknown_for=UNKNOWN_FOR, max_fetches=4, clock=self.clock
        )
        self.engines = self.tenants._engines()
        self.auth = self.tenants.httpx_auth()
        self.stack = contextlib.ExitStack()
        self.closed = False

    def key(self, name):
        return f"key-{NAMES.index(name)}-{self.numbers[name]}"

    def factory(self, name):
        if name in self.gone:
            return None
        return CredentialProvider(
            Store(self, name), min_refresh_interval=0.0, clock=self.clock, random=Random(0), patience=0.0
        )

    # What happens

    @rule(name=st.sampled_from(NAMES))
    def rotate(self, name):
        self.live.discard(self.key(name))
        self.numbers[name] += 1
        self.live.add(self.key(name))

    @rule(name=st.sampled_from(NAMES), which=st.sampled_from(["down", "gone"]))
    def toggle(self, name, which):
        getattr(self, which).symmetric_difference_update({name})

    @rule(seconds=st.sampled_from([1.0, UNKNOWN_FOR, IDLE, 400.0]))
    def pass_time(self, seconds):
        self.clock.advance(seconds)
        self.tenants._registry.sweep()

    @rule(name=st.sampled_from(NAMES))
    def use(self, name):
        self.stack.enter_context(self.tenants.use(name))
        self.using.append(name)

    @rule()
    def leave_all(self):
        self.stack.close()
        self.using.clear()

    @rule()
    def send_with_the_tenant_in_use(self):
        request = httpx.Request("GET", URL)
        try:
            flow = self.auth.sync_auth_flow(request)
            signed = next(flow)
        except NoTenant:
            assert not self.using
        except CredentialsError as error:
            self.excused(self.using[-1], error)
        else:
            self.belongs(signed.headers["x-goog-api-key"], self.using[-1])
            flow.close()

    # A request, in steps

    @rule(target=exchanges, name=st.sampled_from(NAMES))
    def begin(self, name):
        placeholder = placeholder_of(name)
        assert placeholder in self.engines.placeholders
        assert self.engines.whose(placeholder) == self.engines.whose(placeholder.encode()) == name
        steps = self.engines.exchange(name)
        try:
            key = advance(steps)
        except CredentialsError as error:
            self.excused(name, error)
            return (name, None, None)
        self.belongs(key.get_secret_value(), name)
        return (name, steps, key)

    @rule(exchange=consumes(exchanges))
    def judge(self, exchange):
        name, steps, key = exchange
        sends, served = 0, key is None
        while key is not None:
            sends += 1
            assert sends <= 9
            self.belongs(key.get_secret_value(), name)
            served = key.get_secret_value() in self.live
            key = advance(steps, ACCEPTED if served else REFUSED)
            assert not (served and key)
        if not self.closed and name not in self.down | self.closed_by_hand:
            assert served, f"{name} lost a request that its store could have served"

    @rule(exchange=consumes(exchanges))
    def abandon(self, exchange):
        if exchange[1] is not None:
            exchange[1].close()

    # One provider

    @rule(name=st.sampled_from(NAMES), close=st.booleans())
    def look_at(self, name, close):
        try:
            provider = self.tenants[name]
        except CredentialsError as error:
            self.excused(name, error)
            return
        with contextlib.suppress(NoCredentials):
            self.belongs(provider(), name)
        if close:
            provider.close()
            self.closed_by_hand.add(name)

    @precondition(lambda self: not self.closed)
    @rule(really=st.integers(0, 9))
    def close(self, really):
        if really == 0:
            self.tenants.close()
            self.closed = True

    # What must always hold

    def belongs(self, text, name):
        assert text.rpartition("-")[0] == f"key-{NAMES.index(name)}"

    def excused(self, name, error):
        """An error needs a reason: the store is or was down, the tenant unknown, or all is closed."""
        if self.closed:
            return
        if isinstance(error, Unknown):
            assert name in self.ever_gone
        else:
            assert name in self.ever_down | self.ever_gone, error
        assert "\n" not in error.message.partition(":")[0]

    @property
    def ever_gone(self):
        return self._ever("gone")

    @property
    def ever_down(self):
        return self._ever("down")

    def _ever(self, which):
        ever = self.__dict__.setdefault(f"_{which}", set())
        ever |= getattr(self, which)
        return ever

    @invariant()
    def remember(self):
        if hasattr(self, "tenants"):
            assert self.ever_gone >= self.gone
            assert self.ever_down >= self.down

    @invariant()
    def the_places_are_kept_to(self):
        if hasattr(self, "tenants"):
            status = self.tenants.status()
            assert status.kept <= PLACES
            assert not self.closed or status.kept == 0
            assert all(name.isascii() and name.isprintable() for name in status.busiest)

    def teardown(self):
        if hasattr(self, "tenants"):
            self.stack.close()
            self.tenants.close()


class Store:
    def __init__(self, model, tenant):
        self.model, self.tenant, self.name = model, tenant, "store"

    def fetch(self, rejected=None):
        if self.tenant in self.model.down:
            raise FetchFailed("store: down")
        return self.model.key(self.tenant)


Many.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestMany = Many.TestCase
