"""Tests of the state machine with random sequences of rotations, revocations, faults, gets and rejections."""

import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from genai_credentials import ApiKey, CredentialProvider, CredentialsError, FetchFailed, NoCredentials
from genai_credentials.testing import FakeClock

INTERVAL, TTL, MAX_STALE = 5.0, 60.0, 600.0
PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "state-machine.md"


class Link:
    """A provider of the model: its key, whether it can be reached, and how often it was asked."""

    def __init__(self, number, clock):
        self.name, self.clock = f"link-{number}", clock
        self.version, self.up = 1, True
        self.fetches, self.rejection_fetches, self.at_once = 0, [], 0

    @property
    def current(self):
        return f"{self.name}-key-{self.version}"

    def fetch(self, rejected=None):
        self.at_once += 1
        assert self.at_once == 1
        self.fetches += 1
        if rejected is not None:
            self.rejection_fetches.append((self.clock.now, rejected))
        self.at_once -= 1
        if not self.up:
            raise FetchFailed(f"{self.name}: down.")
        return ApiKey(self.current, provider=self.name, version=str(self.version))


class Rotations(RuleBasedStateMachine):
    @initialize(links=st.integers(1, 3), seed=st.integers(0, 1000))
    def start(self, links, seed):
        self.clock = FakeClock()
        self.links = [Link(number, self.clock) for number in range(links)]
        self.credentials = CredentialProvider(
            *self.links,
            ttl=TTL,
            max_stale=MAX_STALE,
            min_refresh_interval=INTERVAL,
            clock=self.clock,
            random=Random(seed),
        )
        self.live = {link.current for link in self.links}
        self.fruitless_at = None
        self.states = set()

    def settle(self):
        if flight := self.credentials.engine.flight:
            flight.landed.wait()

    @property
    def rotation(self):
        return self.credentials.engine.keystate

    @rule(seconds=st.one_of(st.floats(0.001, 10), st.floats(10, 200), st.just(INTERVAL), st.just(MAX_STALE + TTL * 2)))
    def pass_time(self, seconds):
        self.clock.advance(seconds)

    @rule(data=st.data(), live=st.booleans())
    def publish(self, data, live):
        link = data.draw(st.sampled_from(self.links))
        link.version += 1
        if live:
            self.live.add(link.current)

    @rule(data=st.data())
    def come_alive(self, data):
        self.live.add(data.draw(st.sampled_from(self.links)).current)

    @rule(data=st.data())
    @precondition(lambda self: self.live)
    def revoke(self, data):
        self.live.discard(data.draw(st.sampled_from(sorted(self.live))))

    @rule(data=st.data(), up=st.booleans())
    def fault(self, data, up):
        data.draw(st.sampled_from(self.links)).up = up

    @rule()
    def get(self):
        had, fetches = self.rotation.servable(self.clock.now), self.rotation.counters["fetches"]
        try:
            key = self.credentials.get()
        except NoCredentials:
            assert not had, "a key that could be served was dropped for a failure"
        else:
            # A refresh that this get began may have landed since, and know better.
            if self.rotation.counters["fetches"] == fetches:
                self.check_served(key)
        self.settle()

    def check_served(self, key):
        if self.rotation.known.quarantined(key):
            known = [found.key for found in self.rotation.known.newest_first()]
            better = [other for other in known if not self.rotation.known.quarantined(other)]
            # If replicas seem to disagree about a key when they refuse it, another key is only lent to that request.
            # The key serves until it is refused again.
            refused = self.rotation.known.get(key)
            disputed = refused.refused_at - max(refused.rotated_in_at, refused.back_at) <= 60
            assert not better or disputed, "a better key is known"

    @rule()
    def request(self):
        """Send a request like the client: at most three times, each time with another key."""
        try:
            key = self.credentials.get()
        except NoCredentials:
            return
        self.settle()
        tried = []
        while key is not None and len(tried) < 3:
            assert key.get_secret_value() not in tried
            tried.append(key.get_secret_value())
            if tried[-1] in self.live:
                self.credentials.accept(key)
                return
            fingerprints = {ApiKey(text, provider="x").fingerprint for text in tried}
            key = self.reject(key, fingerprints)
        if len(tried) < 3:
            self.check_nothing_was_left_to_try(tried)

    def reject(self, key, tried):
        before = self.credentials.status().counters["fetches"]
        anew = not self.rotation.known.quarantined(key)
        dead = {found.key for found in self.rotation.known.newest_first() if self.rotation.known.quarantined(found.key)}
        steps = self.credentials.engine.reject_steps(key, tried)
        try:
            while True:
                next(steps).landing.wait()
        except StopIteration as end:
            other = end.value
        after = self.credentials.status().counters["fetches"]
        assert after - before <= 1
        if after > before:
            # Added, not subtracted: the difference of two times is rounded, and may miss by a hair.
            assert anew or self.fruitless_at is None or self.clock.now >= self.fruitless_at + INTERVAL
            if other is None or other in dead:
                self.fruitless_at = self.clock.now
        return other

    def check_nothing_was_left_to_try(self, tried):
        served = {found.key.get_secret_value() for found in self.rotation.known.newest_first()}
        assert not (served & self.live) - set(tried), "a known key would have served"

    @rule()
    def refresh(self):
        try:
            self.credentials.refresh()
        except CredentialsError:
            return

    @invariant()
    def counters_add_up(self):
        if not hasattr(self, "credentials"):
            return
        self.settle()
        status = self.credentials.status()
        self.states.add(status.state)
        assert status.counters["fetches"] >= max(link.fetches for link in self.links)
        assert sum(link.calls for link in status.links) == sum(link.fetches for link in self.links)
        assert status.state in {"EMPTY", "FRESH", "STALE", "FELL_BACK", "REFUSED"}


TestRotations = Rotations.TestCase
TestRotations.settings = settings(
    max_examples=120, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


class World:
    """One link and a clock, for tests of single transitions."""

    def __init__(self):
        self.clock = FakeClock()
        self.link = Link(0, self.clock)
        self.credentials = CredentialProvider(self.link, ttl=TTL, max_stale=MAX_STALE, clock=self.clock)

    @property
    def state(self):
        return self.credentials.status().state

    def get(self):
        self.credentials.get()
        if flight := self.credentials.engine.flight:
            flight.landed.wait()

    def reject(self):
        self.credentials.reject(self.credentials.get())

    def pass_(self, seconds):
        self.clock.advance(seconds)

    def publish(self):
        self.link.version += 1

    def fresh(self):
        self.get()

    def stale(self):
        self.get()
        self.pass_(TTL * 1.2)

    def fell_back(self):
        self.stale()
        self.publish()
        self.get()
        self.reject()

    def refused(self):
        self.get()
        self.reject()


def too_old(world):
    world.link.up = False
    world.pass_(MAX_STALE + TTL)


def trial_refused(world):
    world.pass_(31)
    world.reject()


def trial_succeeds(world):
    world.pass_(31)
    world.get()


def another_is_fetched(world):
    world.publish()
    world.pass_(6)
    world.reject()


def rotated(world):
    world.publish()
    world.reject()


TRANSITIONS = {
    ("EMPTY", "FRESH"): (None, World.get),
    ("FRESH", "STALE"): (World.fresh, lambda world: world.pass_(TTL * 1.2)),
    ("STALE", "FRESH"): (World.stale, World.get),
    ("STALE", "EMPTY"): (World.stale, too_old),
    ("FRESH", "FRESH"): (World.fresh, rotated),
    ("FRESH", "REFUSED"): (World.fresh, World.reject),
    ("FRESH", "FELL_BACK"): (lambda world: (World.stale(world), world.publish(), world.get()), World.reject),
    ("FELL_BACK", "FRESH"): (World.fell_back, trial_succeeds),
    ("FELL_BACK", "FELL_BACK"): (World.fell_back, trial_refused),
    ("REFUSED", "FRESH"): (World.refused, another_is_fetched),
}


@pytest.mark.parametrize(("before", "after"), TRANSITIONS, ids=" -> ".join)
def test_each_transition_of_the_diagram_happens(before, after):
    prepare, step = TRANSITIONS[before, after]
    world = World()
    if prepare:
        prepare(world)
    assert world.state == before
    step(world)
    assert world.state == after


def test_the_diagram_shows_these_transitions_and_no_others():
    shown = re.findall(r"^    (\w+) --> (\w+):", PAGE.read_text(), re.MULTILINE)
    assert sorted(shown) == sorted(TRANSITIONS)
