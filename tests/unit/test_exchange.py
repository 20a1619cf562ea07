"""Tests of the policy of one request, without a network: the keys that are sent, and the effect of each answer."""

import functools
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from genai_credentials import ApiKey, CredentialProvider, FetchFailed
from genai_credentials.client.exchange import MOST_SENDS, Claim, advance, claim, exchange, own_key
from genai_credentials.key import PLACEHOLDER
from genai_credentials.known_keys import KnownKeys
from genai_credentials.rejection import ACCEPTED, classify
from genai_credentials.workers import run
from stores import Store, settle

REFUSED = b'{"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}'
NOT_FOUND = b'{"error": {"code": 404, "message": "no such model", "status": "NOT_FOUND"}}'


def send(credentials, answer, **options):
    """Return the keys with which one request is sent. `answer` maps a key's text to status and body."""
    steps, verdict, sent = exchange(credentials.engine, **options), None, []
    while key := advance(steps, verdict):
        sent.append(key.get_secret_value())
        assert len(sent) < 50, "it is sent again and again"
        verdict = classify(*answer(sent[-1]))
    return sent


def taking(*live):
    return lambda text: (200, b"{}") if text in live else (400, REFUSED)


@pytest.fixture
def impatient(store, clock):
    """A provider that never sends a refused key again."""
    return CredentialProvider(store, clock=clock, patience=0)


# What is an acceptance


@pytest.mark.parametrize("status", [500, 502, 503, 504, 301, 302, 307])
@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>"])
def test_an_answer_that_judges_nothing_keeps_the_rescue_by_the_earlier_version(impatient, store, status, body):
    store.fetch_previous = lambda rejected: ApiKey("earlier", provider="store")
    assert send(impatient, lambda text: (status, body)) == ["key-1"]
    assert send(impatient, taking("earlier")) == ["key-1", "earlier"]


def test_an_answer_that_shows_that_the_key_was_taken_ends_it(impatient, store):
    store.fetch_previous = lambda rejected: ApiKey("earlier", provider="store")
    assert send(impatient, lambda text: (404, NOT_FOUND)) == ["key-1"]
    assert send(impatient, taking("earlier")) == ["key-1"]


def test_after_one_stray_refusal_the_accepted_key_is_out_of_quarantine(clock):
    upper, lower = Store("upper", "upper"), Store("lower", "lower")
    lower.error = ConnectionError("not yet")
    credentials = CredentialProvider(upper, lower, clock=clock, ttl=10, patience=0)
    assert send(credentials, taking()) == ["upper"]
    assert credentials.status().state == "REFUSED"
    lower.error = None
    for _ in range(1000):
        assert send(credentials, taking("upper")) == ["upper"]
    assert credentials.status().state == "FRESH"
    upper.error = ConnectionError("down")
    clock.advance(12)
    credentials.get()
    settle(credentials)
    assert credentials() == "upper", "a scheduled refresh traded the working key for a lower link's"


def test_an_acceptance_of_a_request_sent_before_the_refusal_proves_nothing(impatient):
    early = exchange(impatient.engine)
    assert advance(early).get_secret_value() == "key-1"
    assert send(impatient, taking()) == ["key-1"]
    assert advance(early, classify(200, b"{}")) is None
    assert impatient.status().state == "REFUSED"
    assert send(impatient, taking("key-1")) == ["key-1"]
    assert impatient.status().state == "FRESH"


def test_a_key_that_is_accepted_refused_and_accepted_is_fresh(impatient):
    """Every acceptance after a refusal counts, not only the first one."""
    assert [send(impatient, taking(*live)) for live in (["key-1"], [], ["key-1"])] == [["key-1"]] * 3
    assert impatient.status().state == "FRESH"


# How often it is sent


def test_a_request_is_sent_with_at_most_three_keys(clock):
    links = [functools.partial(str, f"key-{number}") for number in range(5)]
    credentials = CredentialProvider(*links, clock=clock, patience=0)
    assert send(credentials, taking()) == ["key-0", "key-1", "key-2"]
    assert MOST_SENDS == 3


def test_a_body_that_is_gone_is_sent_once_and_the_key_is_fetched_all_the_same(impatient, store):
    impatient.get()
    store.text = "key-2"
    assert send(impatient, taking("key-2"), replayable=lambda: False) == ["key-1"]
    assert impatient() == "key-2"


def test_a_request_waits_no_longer_for_a_fetch_than_its_own_timeout(store, clock):
    credentials = CredentialProvider(store, clock=clock, patience=0)
    credentials.get()
    store.entered.acquire()
    store.gate.clear()
    with ThreadPoolExecutor(1) as thread:
        asked = thread.submit(send, credentials, taking("key-2"), seconds=0.2)
        assert store.entered.acquire(timeout=10)
        assert asked.result(5) == ["key-1"]
    store.text = "key-2"
    store.gate.set()
    settle(credentials)
    assert send(credentials, taking("key-1")) == ["key-1"]


def test_a_request_waits_no_longer_for_the_first_key_than_its_own_timeout(store, clock):
    store.gate.clear()
    credentials = CredentialProvider(store, clock=clock)
    asked = run(lambda: send(credentials, taking("key-1"), seconds=0.1), "asking")
    with pytest.raises(FetchFailed, match="longer than the timeout of the request"):
        asked.result(5)
    store.gate.set()


def test_a_second_rotation_right_after_a_fetch_that_found_nothing_loses_nothing(store, clock):
    """The interval applies to one refused key. A key that is refused for the first time causes its own fetch."""
    credentials = CredentialProvider(store, clock=clock, min_refresh_interval=5)
    assert send(credentials, taking()) == ["key-1"]
    store.text = "key-2"
    credentials.refresh()
    for number in range(3, 8):
        store.text = f"key-{number}"
        clock.advance(0.2)
        assert send(credentials, taking(store.text)) == [f"key-{number - 1}", store.text]


def test_an_accepted_key_that_is_refused_anew_earns_its_own_fetch(store, clock):
    credentials = CredentialProvider(store, clock=clock, min_refresh_interval=5)
    assert send(credentials, taking()) == ["key-1"]
    assert send(credentials, taking("key-1")) == ["key-1"]
    store.text = "key-2"
    assert send(credentials, taking("key-2")) == ["key-1", "key-2"]


def test_a_key_that_flaps_cannot_hammer_the_store(store, clock):
    credentials = CredentialProvider(store, clock=clock, min_refresh_interval=5, patience=0)
    for _ in range(6000):
        send(credentials, taking())
        send(credentials, taking("key-1"))
        clock.advance(0.01)
    assert store.fetches <= 1 + 60 / 5 + 10


def flap(credentials, clock, times):
    for _ in range(times):
        send(credentials, taking())
        send(credentials, taking("key-1"))
        clock.advance(0.01)


def test_a_key_that_flapped_is_replaced_after_an_interval_all_the_same(store, clock):
    credentials = CredentialProvider(store, clock=clock, min_refresh_interval=5, patience=0)
    flap(credentials, clock, 6000)
    store.text = "key-2"
    clock.advance(5)
    assert send(credentials, taking("key-2")) == ["key-1", "key-2"]


def test_flapping_is_forgotten_after_a_minute_of_quiet(store, clock):
    credentials = CredentialProvider(store, clock=clock, min_refresh_interval=5, patience=0)
    flap(credentials, clock, 1000)
    clock.advance(61)
    before = store.fetches
    flap(credentials, clock, 2)
    assert store.fetches - before == 2


def test_a_rejection_waits_for_one_fetch_under_way_and_one_of_its_own(store, clock):
    """Other callers that refresh all the time cannot make it wait."""
    credentials = CredentialProvider(store, clock=clock)
    key = credentials.get()
    rejecting = credentials.engine.reject_steps(key, {key.fingerprint})
    waited = []
    store.gate.clear()
    refreshing = credentials.engine.refresh_steps()
    next(refreshing)
    for number in itertools.count():
        if (step := next(rejecting, None)) is None:
            break
        waited.append(step)
        assert number < 3, "it waits for flight after flight"
        store.gate.set()
        settle(credentials)
        store.gate.clear()
        refreshing = credentials.engine.refresh_steps()
        next(refreshing)
    store.gate.set()
    settle(credentials)
    assert len(waited) <= 2


# Replicas that disagree


def test_a_key_that_has_just_followed_another_is_sent_again_until_replicas_know_it(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    assert send(credentials, taking("key-1")) == ["key-1"]
    store.text = "key-2"
    answers = iter([(400, REFUSED)] * 3 + [(200, b"{}")])
    assert send(credentials, lambda text: next(answers) if text == "key-2" else (400, REFUSED))[-1] == "key-2"
    assert next(answers, None) is None


def test_a_dead_key_without_a_sign_of_lagging_replicas_is_sent_once(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    assert [send(credentials, taking()) for _ in range(5)] == [["key-1"]] * 5


def test_patience_ends_with_its_window_and_the_next_request_has_the_error_at_once(store, clock):
    credentials = CredentialProvider(store, clock=clock, patience=0.3)
    assert send(credentials, taking("key-1")) == ["key-1"]
    store.text = "key-2"
    first = send(credentials, taking())
    # Two keys a round, and a pause of 0.1 s after the first and of the rest after the second.
    assert 2 < len(first) <= 6
    clock.advance(0.31)
    assert len(send(credentials, taking())) <= 2


def test_each_round_begins_anew_with_every_key(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    assert send(credentials, taking("key-1")) == ["key-1"]
    store.text = "key-2"
    live = iter([[], [], [], ["key-1"]])
    assert send(credentials, lambda text: taking(*next(live))(text)) == ["key-1", "key-2", "key-2", "key-1"]


def test_a_key_that_was_accepted_since_a_refusal_is_sent_again(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    assert send(credentials, taking()) == ["key-1"]
    assert send(credentials, taking("key-1")) == ["key-1"]
    live = iter([[], ["key-1"]])
    assert send(credentials, lambda text: taking(*next(live))(text)) == ["key-1"] * 2


def test_a_sign_that_replicas_disagree_is_one_for_a_minute(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    assert send(credentials, taking("key-1")) == ["key-1"]
    store.text = "key-2"
    assert send(credentials, taking("key-2")) == ["key-1", "key-2"]
    clock.advance(61)
    assert send(credentials, taking()) == ["key-2", "key-1"]


def test_a_second_rotation_while_a_request_is_patient_is_found(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    assert send(credentials, taking("key-1")) == ["key-1"]
    store.text, sent = "key-2", []

    def answer(text):
        sent.append(text)
        clock.advance(0.2)
        # The refusal of key-2 has had its own fetch by now, which found nothing.
        if sent.count("key-2") == 2:
            store.text = "key-3"
        return taking("key-3")(text)

    assert send(credentials, answer)[-1] == "key-3"


def test_of_many_keys_in_quick_succession_each_one_is_sent_again(store, clock):
    """A round sends three keys at most. In the end the servers accept the oldest of the five new keys."""
    credentials = CredentialProvider(store, clock=clock)
    assert send(credentials, taking("key-1")) == ["key-1"]
    for number in range(2, 7):
        store.text = f"key-{number}"
        clock.advance(0.05)
        credentials.reject(credentials.refresh() and credentials.get())
    sent = send(credentials, taking("key-2"))
    assert sent[-1] == "key-2"
    assert len(sent) < 20


def test_a_patient_request_is_sent_less_often_than_httpx_would_follow_redirects(store, clock):
    """httpx counts a request that its Auth sends again as a redirect, and raises after 20."""
    credentials = CredentialProvider(store, clock=clock)
    assert send(credentials, taking("key-1")) == ["key-1"]
    for number in range(2, 7):
        store.text = f"key-{number}"
        credentials.reject(credentials.refresh() and credentials.get())
    assert 10 < len(send(credentials, taking())) < 20


def test_a_patient_request_may_ask_the_stores_in_its_time_however_often_that_was_in_vain(clock):
    known = KnownKeys(interval=60, patience=3, clock=clock)
    for tick in range(10):
        known.fetch_was_fruitless(tick, clock())
    assert not known.may_fetch_again(clock() + 1.4)
    assert known.may_fetch_again(clock() + 1.5)


def test_while_replicas_disagree_the_older_key_is_only_lent(store, clock):
    """The newest key stays the current key, although a server that does not have it yet accepts only the older key."""
    credentials = CredentialProvider(store, clock=clock)
    assert send(credentials, taking("key-1")) == ["key-1"]
    store.text = "key-2"
    assert send(credentials, taking("key-2")) == ["key-1", "key-2"]
    for _ in range(3):
        assert send(credentials, taking("key-1")) == ["key-2", "key-1"]
        assert credentials() == "key-2"
    assert send(credentials, taking("key-2")) == ["key-2"]


def test_a_lent_key_serves_as_soon_as_nobody_disputes_about_the_newest(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    first = credentials.get()
    assert send(credentials, taking("key-1")) == ["key-1"]
    store.text = "key-2"
    assert send(credentials, taking("key-2")) == ["key-1", "key-2"]
    assert send(credentials, taking("key-1")) == ["key-2", "key-1"]
    clock.advance(61)
    credentials.engine.judged(first, ACCEPTED, credentials.engine.tick)
    assert credentials() == "key-1"


def test_no_pause_goes_beyond_the_requests_own_timeout(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    assert send(credentials, taking("key-1")) == ["key-1"]
    store.text = "key-2"
    assert send(credentials, taking(), seconds=0.05) == ["key-1", "key-2"]


# What is told


@pytest.fixture
def told():
    """Return the events so far, and the provider that emitted them."""

    class Told:
        def __init__(self):
            self.events, self.came = [], threading.Condition()

        def __call__(self, event):
            with self.came:
                self.events.append(event)
                self.came.notify_all()

        def named(self, name, count):
            with self.came:
                assert self.came.wait_for(lambda: sum(one.name == name for one in self.events) >= count, 10)
                return [one for one in self.events if one.name == name]

    return Told()


def test_rotated_is_told_whenever_another_key_serves_and_the_counter_agrees(store, clock, told):
    credentials = CredentialProvider(store, clock=clock, ttl=300, on_event=told, patience=0)
    assert send(credentials, taking("key-1")) == ["key-1"]
    store.text = "key-2"
    credentials.refresh()
    assert credentials.reject(credentials.get()).get_secret_value() == "key-1"  # falls back
    told.named("rotated", 2)
    clock.advance(31)
    credentials.get()  # the trial
    told.named("rotated", 3)
    assert send(credentials, taking("key-1")) == ["key-2", "key-1"]  # and back
    fingerprint = {name: ApiKey(name, provider="x").fingerprint for name in ("key-1", "key-2")}
    expected = ["key-2", "key-1", "key-2", "key-1"]
    assert [event.fingerprint for event in told.named("rotated", 4)] == [fingerprint[name] for name in expected]
    assert credentials.status().counters["rotations"] == 4


def test_a_lent_key_that_the_api_accepts_serves_from_then_on(clock, told):
    """While every key is refused, no key replaces another. The first accepted key becomes the current key."""
    credentials = CredentialProvider(lambda: "key-1", lambda: "key-2", clock=clock, patience=0, on_event=told)
    assert send(credentials, taking()) == ["key-1", "key-2"]
    clock.advance(1)
    for _ in range(3):
        assert send(credentials, taking()) == ["key-2", "key-1"]
        assert credentials() == "key-2"
    assert send(credentials, taking("key-1")) == ["key-2", "key-1"]
    assert credentials() == "key-1"
    assert credentials.status().state == "FRESH"
    fingerprints = [ApiKey(name, provider="x").fingerprint for name in ("key-2", "key-1")]
    assert [event.fingerprint for event in told.named("rotated", 2)] == fingerprints


@pytest.mark.parametrize("known", [1, 2, 4])
def test_an_outage_of_the_keys_is_warned_of_once_and_ends_with_one_recovery(store, clock, told, caplog, known):
    credentials = CredentialProvider(store, clock=clock, patience=0, on_event=told)
    for number in range(2, known + 1):
        store.text = f"key-{number}"
        send(credentials, taking(store.text))
    for _ in range(100):
        send(credentials, taking())
    assert outages(caplog) == 1
    assert credentials.status().counters["rejections"] <= 2 * known
    assert send(credentials, taking(store.text))[-1] == store.text
    send(credentials, taking(store.text))
    assert len(told.named("recovered", 1)) == 1
    for _ in range(10):
        send(credentials, taking())
    assert outages(caplog) == 2


def test_another_key_that_is_dead_too_is_warned_of_anew(impatient, store, clock, caplog):
    for number in (1, 2, 3):
        store.text = f"key-{number}"
        clock.advance(5)
        for _ in range(3):
            send(impatient, taking())
        assert outages(caplog) == number


def test_while_a_fetch_is_under_way_no_outage_is_warned_of(impatient, store, caplog):
    """The fetch may find another key."""
    impatient.get()
    store.entered.acquire()
    store.gate.clear()
    store.text = "key-2"
    assert send(impatient, taking("key-2"), seconds=0.1) == ["key-1"]
    store.gate.set()
    settle(impatient)
    assert outages(caplog) == 0
    assert send(impatient, taking("key-2")) == ["key-2"]


def outages(caplog):
    """Return the number of warnings that all keys are refused."""
    return sum(getattr(record, "event", None) == "no_replacement" for record in caplog.records)


# Whose key it is

MINE = "a key of the caller's own"


@pytest.mark.parametrize(
    ("values", "is_home", "whose"),
    [
        ([], True, Claim.NONE),
        ([MINE], True, Claim.NONE),
        ([MINE], False, Claim.NONE),
        ([PLACEHOLDER], True, Claim.OURS),
        ([PLACEHOLDER], False, Claim.FOREIGN),
        ([PLACEHOLDER, PLACEHOLDER], True, Claim.OURS),
        ([PLACEHOLDER, PLACEHOLDER], False, Claim.FOREIGN),
        ([PLACEHOLDER, MINE], True, Claim.THEIRS),
        ([MINE, PLACEHOLDER], False, Claim.THEIRS),
        ([MINE, PLACEHOLDER, PLACEHOLDER], True, Claim.THEIRS),
    ],
)
def test_who_may_have_the_key(values, is_home, whose):
    assert claim(values, is_home=is_home) is whose
    assert claim([value.encode() for value in values], is_home=is_home) is whose
    if whose is Claim.THEIRS:
        assert own_key(values) == MINE
