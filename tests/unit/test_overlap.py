"""Tests of overlapping rotations: the new key is not live yet, or the old key dies late or flaps."""

import pytest

from genai_credentials import ApiKey, CredentialProvider
from genai_credentials.testing import FakeClock


class World:
    """A store that publishes keys, an API that accepts some of them, and requests like those of the client."""

    name = "store"

    def __init__(self, **options):
        self.clock = FakeClock()
        self.published, self.live = "old", {"old"}
        self.fetches = 0
        self.credentials = CredentialProvider(self, clock=self.clock, **options)
        self.lost, self.sends = [], []

    def fetch(self, rejected=None):
        self.fetches += 1
        return ApiKey(self.published, provider=self.name)

    def request(self):
        """Send a request at most three times. It counts as lost if a key that would have worked was not tried."""
        key, tried = self.credentials.get(), []
        self.settle()
        while key is not None and len(tried) < 3:
            tried.append(key.get_secret_value())
            if tried[-1] in self.live:
                break
            key = self.credentials.reject(key)
        self.sends.append(tried)
        if tried[-1] not in self.live and self.live & {"old", self.published}:
            self.lost.append(self.clock.now)
        return tried[-1]

    def settle(self):
        if flight := self.credentials.engine.flight:
            flight.landed.wait()

    def pass_(self, seconds):
        self.clock.advance(seconds)

    @property
    def counters(self):
        return self.credentials.status().counters


def publish_and_refresh(world):
    world.request()
    world.published = "new"
    world.pass_(331)
    world.request()
    return world


def test_a_fresh_key_that_is_not_live_yet_gives_way_to_the_old_one_and_is_tried_again_on_schedule():
    world = publish_and_refresh(World(ttl=300))
    assert world.request() == "old"
    assert world.sends[-1] == ["new", "old"]
    assert world.credentials.status().state == "FELL_BACK"
    trials = []
    start = world.clock.now
    for _ in range(2000):
        world.pass_(1)
        world.request()
        if world.sends[-1] == ["new", "old"]:
            trials.append(round(world.clock.now - start))
    assert trials == [30, 90, 210, 450, 930, 1530]
    assert world.lost == []
    assert world.credentials() == "old"


def test_the_fresh_key_serves_once_it_is_live():
    world = publish_and_refresh(World(ttl=300))
    world.request()
    world.pass_(20)
    world.live = {"new"}
    world.pass_(10)
    assert world.request() == "new"
    assert world.sends[-1] == ["new"]
    assert world.credentials.status().state in ("FRESH", "STALE")


def test_the_old_key_dying_before_the_trial_brings_the_fresh_one_at_once():
    world = publish_and_refresh(World(ttl=300))
    world.request()
    world.live = {"new"}
    world.pass_(0.1)
    assert world.request() == "new"
    assert world.sends[-1] == ["old", "new"]


@pytest.mark.parametrize("spacing", [0.01, 0.5, 1.5, 6])
def test_no_request_is_lost_that_one_of_the_two_keys_would_have_served(spacing):
    """The new key is published at once and works after 3 minutes. The old key dies after 2 minutes. Parole helps."""
    world = publish_and_refresh(World(ttl=300))
    start = world.clock.now
    for _ in range(max(200, int(300 / spacing))):
        elapsed = world.clock.now - start
        world.live = {key for key, lives in (("old", elapsed < 120), ("new", elapsed >= 180)) if lives}
        world.request()
        world.pass_(spacing)
    assert world.lost == []
    assert world.request() == "new"


def test_an_old_key_that_flaps_after_its_deletion_is_not_gone_back_to():
    world = World(ttl=10_000)
    world.request()
    world.published = "new"
    world.live = {"new"}
    world.request()
    for second in range(1200):
        world.live = {"new"} | ({"old"} if second % 7 < 3 else set())
        world.request()
        world.pass_(1)
    assert world.lost == []
    assert world.fetches == 2
    assert set(map(tuple, world.sends[2:])) == {("new",)}


def test_a_flapping_pair_loses_nothing_either():
    world = publish_and_refresh(World(ttl=300))
    for second in range(1500):
        world.live = {"old"} if second % 11 < 4 else {"new"} if second % 5 else {"old", "new"}
        world.request()
        world.pass_(1)
    assert world.lost == []


def test_both_dead_costs_two_sends_a_request_and_one_fetch_an_interval():
    world = publish_and_refresh(World(ttl=300))
    world.request()
    world.live = set()
    before = world.fetches
    for _ in range(600):
        world.request()
        world.pass_(0.1)
    assert max(map(len, world.sends)) <= 3
    assert world.fetches - before <= 13
    assert world.credentials.status().state == "REFUSED"


def test_the_previous_version_is_tried_once_and_only_when_no_key_ever_worked():
    world = World()
    asked = []

    def fetch_previous(rejected):
        asked.append(rejected)
        return ApiKey("older", provider="store")

    world.fetch_previous = fetch_previous
    world.live = {"older"}
    world.credentials = CredentialProvider(world, clock=world.clock)
    assert world.request() == "older"
    assert world.sends[-1] == ["old", "older"]
    world.live = set()
    world.pass_(60)
    world.request()
    assert len(asked) <= 2

    settled = World()
    settled.fetch_previous = fetch_previous
    asked.clear()
    settled.credentials = CredentialProvider(settled, clock=settled.clock)
    settled.request()
    settled.credentials.accept(settled.credentials.get())
    settled.live = set()
    settled.request()
    assert asked == []
