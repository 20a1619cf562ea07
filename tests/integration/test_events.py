"""Tests of events, log records and OpenTelemetry. None of them contains a secret."""

import logging
import threading
import time

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from genai_credentials import CredentialProvider, FetchFailed, NoCredentials, ProviderChain, fetching
from genai_credentials.events import Event
from genai_credentials.log import logger
from genai_credentials.telemetry import OpenTelemetry
from genai_credentials.workers import run
from stores import Store, play, settle


def test_each_event_is_told_with_what_it_is_about():
    events = []
    play(events.append)
    assert [event.name for event in events] == [
        "fetched",
        "rejected",
        "fetched",
        "rotated",
        "replayed",
        "fetch_failed",
        "served_stale",
        "fetched",
        "recovered",
    ]
    assert all(isinstance(event, Event) and event.provider == "store" for event in events)
    assert events[5].reason == "store: down."
    assert events[0].seconds is not None
    assert "key-" not in repr(events)


def test_each_event_is_one_log_record_with_the_same_fields(caplog):
    events = []
    with caplog.at_level("DEBUG", "genai_credentials"):
        play(events.append)
    told = [record for record in caplog.records if record.levelname != "WARNING"]
    fields = [field for field in Event._fields if field != "name"]
    assert [(record.event, *(getattr(record, field) for field in fields)) for record in told] == [
        tuple(event) for event in events
    ]
    rotated = next(record.getMessage() for record in told if record.event == "rotated")
    first, second = (events[number].fingerprint for number in (0, 3))
    assert rotated == f"The key was rotated: {second} from store replaces {first}."
    assert [record.event for record in caplog.records if record.levelname == "WARNING"] == ["link_broken"]


def test_a_start_that_fails_is_told_without_a_key():
    events = []
    store = Store()
    store.error = FetchFailed("store: down.")
    with pytest.raises(NoCredentials):
        CredentialProvider(store, on_event=events.append).get()
    assert [(event.name, event.fingerprint, event.reason) for event in events] == [
        ("fetch_failed", None, "store: down.")
    ]


def test_a_listener_that_raises_harms_nobody(caplog):
    def listen(event):
        raise ValueError(event)

    assert play(listen).status().counters["rotations"] == 1
    assert "An on_event callback raised ValueError at the event fetched." in caplog.text


class Collector(logging.Handler):
    """A log handler that cannot reach its server, and raises without `handleError`."""

    def emit(self, record):
        raise ConnectionError("the collector is down")


@pytest.fixture
def broken_collector():
    """Set up an application whose logging raises."""
    ours, collector = logging.getLogger("genai_credentials"), Collector()
    ours.addHandler(collector)
    yield
    ours.removeHandler(collector)


@pytest.fixture
def record_factory():
    """Set up an application that adds its own attributes to each record."""
    theirs = logging.getLogRecordFactory()

    def factory(*args, **options):
        record = theirs(*args, **options)
        record.version, record.provider = "app 1.2.3", "app"
        return record

    logging.setLogRecordFactory(factory)
    yield
    logging.setLogRecordFactory(theirs)


@pytest.fixture(params=["broken_collector", "record_factory"])
def hostile_logging(request):
    request.getfixturevalue(request.param)


@pytest.mark.usefixtures("hostile_logging")
def test_what_the_applications_logging_raises_loses_no_request():
    events = []
    assert play(events.append).status().counters["rotations"] == 1
    assert [event.name for event in events][:5] == ["fetched", "rejected", "fetched", "rotated", "replayed"]


@pytest.mark.usefixtures("hostile_logging")
def test_what_the_applications_logging_raises_fails_no_call(caplog):
    """This holds in the caller's own thread too, not only in a worker thread."""

    def down():
        raise OSError("down")

    caplog.set_level("DEBUG", "genai_credentials")
    assert ProviderChain(down, lambda: "key-1").fetch().get_secret_value() == "key-1"
    credentials = CredentialProvider(lambda: "key-1")
    assert credentials.reject(credentials.get()) is None


@pytest.mark.usefixtures("hostile_logging")
def test_what_the_applications_logging_raises_leaves_no_one_waiting():
    def down():
        raise OSError("down")

    def ask():
        with pytest.raises(NoCredentials):
            credentials.get()
        answered.set()

    answered, credentials = threading.Event(), CredentialProvider(down, lambda: down())
    threading.Thread(target=ask, daemon=True).start()
    assert answered.wait(10)


def test_who_waited_for_a_fetch_goes_on_once_a_quick_listener_has_heard_of_it(monkeypatch):
    def listen(event):
        time.sleep(0.05)
        heard.append(event.name)

    heard = []
    # On a busy machine even a quick one takes its time.
    monkeypatch.setattr(fetching, "TELLING", 10)
    CredentialProvider(lambda: "key-1", on_event=listen).get()
    assert heard == ["fetched"]


def test_who_causes_an_event_waits_for_no_listener():
    def listen(event):
        if event.name == "rejected":
            gate.wait(20)

    gate = threading.Event()
    credentials = CredentialProvider(lambda: "key-1", on_event=listen)
    try:
        key = credentials.get()
        assert run(lambda: credentials.reject(key), "asking").result(5) is None
    finally:
        gate.set()


def test_listeners_are_called_one_after_the_other_in_order():
    store, at_once, most, heard = Store(), [0], [0], []

    def listen(event):
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        time.sleep(0.005)
        heard.append((event.name, event.fingerprint))
        at_once[0] -= 1

    credentials = CredentialProvider(store, on_event=listen, min_refresh_interval=0)
    key, expected = credentials.get(), []
    for number in range(2, 12):
        store.text = f"key-{number}"
        other = credentials.reject(key)
        expected += [("rejected", key.fingerprint), *((name, other.fingerprint) for name in ("fetched", "rotated"))]
        key = other
    settle(credentials)
    assert heard[1:] == expected
    assert most == [1]


def test_what_a_call_logs_that_outlives_its_fetch_is_not_lost(caplog):
    gate, over = threading.Event(), threading.Event()

    def hangs():
        assert gate.wait(20)
        logger.warning("at last")
        over.set()
        return "key-1"

    credentials = CredentialProvider(hangs, lambda: "key-2", fetch_timeout=0.05)
    assert credentials() == "key-2"
    settle(credentials)
    gate.set()
    assert over.wait(10)
    assert "at last" in caplog.text


@pytest.mark.usefixtures("broken_collector")
def test_a_handler_that_raises_is_shown_as_logging_shows_it_and_nothing_it_failed_amid(capsys):
    def down():
        raise OSError("AIzaInTheErrorOfAProvider")

    with pytest.raises(NoCredentials):
        ProviderChain(down).fetch()
    shown = capsys.readouterr().err
    assert "ConnectionError: the collector is down" in shown
    assert "AIza" not in shown


@pytest.mark.usefixtures("record_factory")
def test_an_attribute_that_the_application_has_taken_stays_theirs_and_the_others_are_ours(caplog):
    with caplog.at_level("INFO", "genai_credentials"):
        play(None)
    (rotated,) = [record for record in caplog.records if getattr(record, "event", None) == "rotated"]
    assert (rotated.version, rotated.provider) == ("app 1.2.3", "app")
    assert len(rotated.fingerprint) == len(rotated.previous) == 8
    assert rotated.filename == "events.py"


def test_open_telemetry_counts_and_times_without_anything_that_names_a_key():
    reader, spans = InMemoryMetricReader(), InMemorySpanExporter()
    meters, tracers = MeterProvider([reader]), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    play(OpenTelemetry(meters, tracers))
    metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    points = {metric.name: list(metric.data.data_points) for metric in metrics}
    counted = {name: sum(getattr(point, "value", 0) for point in points[name]) for name in points}
    assert counted["genai_credentials.fetches"] == 4
    assert counted["genai_credentials.rejections"] == 1
    assert counted["genai_credentials.rotations"] == 1
    assert counted["genai_credentials.replays"] == 1
    assert {"genai_credentials.fetch.duration", "genai_credentials.key.age"} <= set(points)
    assert len(spans.get_finished_spans()) == 4
    labels = {name for of in points.values() for point in of for name in point.attributes}
    assert labels == {"provider", "outcome"}
    meters.shutdown()
    tracers.shutdown()
