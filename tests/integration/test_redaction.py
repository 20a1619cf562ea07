"""Tests of the filter on other libraries' loggers: the parts of a record that it removes, and those that it keeps.

`tests.leaks.plugin` shows that no key is left in any log record of the suite. `tests/smoke/test_leaks.py` runs that
plug-in over the rotation below.
"""

import asyncio
import base64
import gc
import json
import logging
import threading
from collections import Counter
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import quote, quote_plus

import pytest
from google.genai.errors import ClientError

from genai_credentials import AWSSecretsManager, CredentialProvider, GoogleSecretManager, redaction
from genai_credentials.redaction import LOGGERS, REDACTED, needles, redacted
from genai_credentials.testing import FakeGemini, MotoServer, SecretManagerEmulator

KEYS = [
    "AIzaGoogleOne_-0123456789",
    "AIzaGoogleTwo_-0123456789",
    "AIzaAmazonOne_-012345678",
    "AIzaAmazonTwo_-012345678",
]
KEY = "AIzaSome/Key+with=signs&more"


@contextmanager
def records_of(name):
    """Return the records that a handler on this logger receives at DEBUG."""
    logger, kept = logging.getLogger(name), []
    handler, level = logging.Handler(), logger.level
    handler.emit = kept.append
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield kept
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def everything_in(record):
    """Return a record as a formatter prints it, and as a collector of attributes keeps it."""
    return logging.Formatter().format(record) + repr(vars(record))


def shows(text, key):
    return any(needle in text for needle in needles(key))


@pytest.fixture
def known():
    """A provider whose key is known."""
    with CredentialProvider(lambda: KEY) as credentials:
        credentials.get()
        yield credentials


# What is logged on the way


def test_a_rotation_through_both_stores_and_all_ways_to_ask():
    google_1, google_2, amazon_1, amazon_2 = KEYS
    with (
        FakeGemini(google_1) as api,
        SecretManagerEmulator() as google,
        MotoServer() as moto,
        CredentialProvider(
            GoogleSecretManager("projects/p/secrets/s", client=google.client),
            AWSSecretsManager("prod/gemini", "api_key", client=moto.client),
        ) as credentials,
    ):
        google.add("projects/p/secrets/s", google_1)
        moto.add("prod/gemini", '{"api_key": "' + amazon_1 + '"}')
        use(credentials, api, google_1)
        google.add("projects/p/secrets/s", google_2)
        use(credentials, api, google_2)
        google.delete("projects/p/secrets/s")
        use(credentials, api, amazon_1)
        moto.add("prod/gemini", '{"api_key": "' + amazon_2 + '"}')
        use(credentials, api, amazon_2)
        asyncio.run(stream(credentials, api))


def use(credentials, api, key):
    for other in api.keys:
        api.revoke(other, "CONSUMER_SUSPENDED")
    api.accept(key)
    with credentials.client(http_options={"base_url": api.base_url}) as client:
        assert client.models.generate_content(model="m", contents="hi").text == "pong: hi"


async def stream(credentials, api):
    with credentials.client(http_options={"base_url": api.base_url}) as client:
        async with client.aio as aio:
            async for _ in await aio.models.generate_content_stream(model="m", contents="hi"):
                pass


class SecretOverRest(BaseHTTPRequestHandler):
    """Answers each request with: a version was added."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"name": "projects/p/secrets/s/versions/1"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def test_a_key_that_is_stored_over_rest_is_in_no_record_of_the_google_client():
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient
    from google.cloud.secretmanager_v1.services.secret_manager_service.transports.rest import (
        SecretManagerServiceRestTransport as Rest,
    )

    CredentialProvider(lambda: "AIzaAnother")
    with HTTPServer(("127.0.0.1", 0), SecretOverRest) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        host = f"127.0.0.1:{server.server_port}"
        with (
            records_of(Rest.__module__) as records,
            closing(Rest(host=host, credentials=AnonymousCredentials(), url_scheme="http")) as transport,
        ):
            client = SecretManagerServiceClient(transport=transport)
            client.add_secret_version(parent="projects/p/secrets/s", payload={"data": KEY.encode()})
        server.shutdown()
    assert any(REDACTED in repr(vars(record).get("httpRequest")) for record in records)
    assert not [record for record in records if shows(everything_in(record), KEY)]


def test_a_refusal_that_repeats_the_key_is_redacted_where_the_sdk_logs_that_it_tries_again(known):
    retry = {"attempts": 2, "initial_delay": 0.01, "max_delay": 0.01, "jitter": 0.01, "http_status_codes": [403]}
    with FakeGemini(refusal="CONSUMER_SUSPENDED") as api, records_of("google_genai._api_client") as records:
        with (
            known.client(http_options={"base_url": api.base_url, "retry_options": retry}) as client,
            pytest.raises(ClientError, match="suspended") as caught,
        ):
            client.models.list()
        assert KEY in str(caught.value)
    said = [record.getMessage() for record in records]
    assert any("Retrying" in text and REDACTED in text for text in said)
    assert not [record for record in records if shows(everything_in(record), KEY)]


# What is known


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
@pytest.mark.parametrize("after", ["", "z", "zy"])
def test_a_known_key_is_found_in_each_encoding(known, before, after):
    wrapped = f"{before}{KEY}{after}"
    encoded = base64.b64encode(wrapped.encode()).decode()
    for form in (
        wrapped,
        quote(wrapped),
        quote_plus(wrapped),
        json.dumps(wrapped),
        json.dumps(wrapped).replace("/", r"\/"),
        json.dumps(wrapped).replace("&", r"\u0026"),
        encoded,
        base64.urlsafe_b64encode(wrapped.encode()).decode(),
    ):
        assert "redacted" in redacted(f"a log line: {form}.")
        assert not shows(redacted(f"a log line: {form}."), KEY)


@pytest.mark.parametrize("key", ["sk-back\\slash", "sk-'quote", 'sk-"quotes', """sk-'both"-and\\more"""])
def test_a_key_with_marks_is_found_in_what_shows_it(key):
    with CredentialProvider(lambda: key) as credentials:
        credentials.get()
        for shown in (repr(key), repr(key.encode()), json.dumps(key)):
            assert REDACTED in redacted(f"a log line: {shown}.")


def test_of_two_equal_keys_the_one_that_is_left_is_still_known():
    text = "AIzaOfTwoEqualOnes"
    first, second = CredentialProvider(lambda: text), CredentialProvider(lambda: text)
    assert first.get() == second.get()
    del first
    gc.collect()
    assert redacted(text) == REDACTED
    del second
    gc.collect()
    assert redacted(text) == text


def test_a_key_that_begins_like_another_leaves_nothing_of_it():
    with CredentialProvider(lambda: KEY) as one, CredentialProvider(lambda: f"{KEY}-and-more") as two:
        one.get()
        two.get()
        assert redacted(f"<{KEY}-and-more>") == f"<{REDACTED}>"


# What is done to a record


LOGGER = "websockets.client"


def test_a_key_is_taken_out_of_arguments_attributes_and_names(known):
    logger = logging.getLogger(LOGGER)
    with records_of(LOGGER) as (records):
        logger.info("%(n)d items", {"n": 7, "from": KEY})
        logger.info(ApiError(KEY))
        logger.info("attributes", extra={"part": {"n": [KEY.encode() + b"\xff", (KEY,)], KEY: ApiError(KEY)}})
        logger.info("a stack", extra={}, stack_info=True)
    assert records[0].getMessage() == "7 items"
    assert records[2].part["n"][0] == REDACTED.encode() + b"\xff"
    assert not [record for record in records if shows(everything_in(record), KEY)]


@pytest.mark.parametrize("name", ["hpack.hpack", "hpack.table"])
def test_a_header_that_is_sent_over_http_2_is_redacted(name):
    CredentialProvider(lambda: KEY)
    with records_of(name) as records:
        logging.getLogger(name).debug("Adding %r=%r to the header table", b"X-Goog-Api-Key", b"AIzaUnknown")
    assert "AIzaUnknown" not in everything_in(records[0])


def test_an_unknown_secret_is_taken_out_by_the_name_it_goes_by(known):
    logger = logging.getLogger(LOGGER)
    with records_of(LOGGER) as records:
        logger.info("> x-goog-api-key: AIzaUnknown")
        logger.info("%s", {"SecretString": "AIzaUnknown"})
        logger.info("answer", extra={"response": {"payload": {"data": "AIzaUnknown"}, "SecretBinary": b"AIzaUnknown"}})
    assert not [record for record in records if "AIzaUnknown" in everything_in(record)]


def test_a_traceback_with_a_key_is_kept_as_text_without_it(known):
    with records_of(LOGGER) as records:
        try:
            try:
                raise ApiError(KEY)
            except ApiError as error:
                raise ValueError("no luck") from error
        except ValueError:
            logging.getLogger(LOGGER).exception("it failed")
    shown = everything_in(records[0])
    assert "ValueError: no luck" in shown
    assert f"ApiError: {REDACTED}" in shown
    assert not shows(shown, KEY)
    assert records[0].exc_info is None


def test_a_record_without_a_key_is_left_as_it_is(known):
    connection, error, part = (
        object(),
        ValueError("no luck"),
        {"n": 1, "names": ["a", b"\xff", None], "at": (1.5, True)},
    )
    arguments = ({"n": 7},)
    counts, deep = Counter(a=1), [7]
    for _ in range(20):
        deep = [deep]
    with records_of(LOGGER) as records:
        logging.getLogger(LOGGER).info(
            "%s items",
            *arguments,
            exc_info=error,
            extra={"websocket": connection, "part": part, "counts": counts, "deep": deep},
        )
    assert records[0].args is arguments[0]
    assert records[0].websocket is connection
    assert records[0].part is part
    assert records[0].counts is counts
    assert records[0].deep is deep
    assert records[0].exc_info[1] is error


class ApiError(Exception):
    """An error of the API whose text contains a key."""


class Broken:
    """An object without a text, such as a half-made object or a proxy without its target."""

    def __repr__(self):
        raise ReferenceError("weakly-referenced object no longer exists")


def endless():
    knot = [KEY]
    knot.append(knot)
    return knot


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("%d items", "not a number"), {"key": KEY}),
        (("%s", Broken()), {"key": KEY}),
        ((Broken(),), {"key": KEY}),
        (("attributes",), {"broken": Broken(), "key": KEY}),
        (("attributes",), {"part": {"deep": [Broken(), KEY]}, "key": KEY}),
        (("attributes",), {"part": {Broken(): 1}, "key": KEY}),
        (("attributes",), {"part": endless(), "key": KEY}),
        (("attributes",), {"part": KEY.encode() + bytes(range(256)) * 40_000}),
        (("%s" * 1000, *[KEY] * 1000), {"part": "x" * 5_000_000 + KEY}),
    ],
    ids=["mismatch", "argument", "message", "attribute", "nested", "name", "cycle", "bytes", "huge"],
)
def test_it_never_raises_and_what_cannot_be_read_is_not_logged(known, arguments, extra):
    with records_of(LOGGER) as records:
        logging.getLogger(LOGGER).warning(*arguments, extra=extra)
    (record,) = records
    assert not shows(everything_in(record), KEY)


def test_an_exception_that_cannot_be_shown_is_dropped(known):
    class Unprintable(Exception):
        __suppress_context__ = property(lambda self: 1 / 0)

    with records_of(LOGGER) as records:
        logging.getLogger(LOGGER).warning("it failed", exc_info=Unprintable(KEY))
    assert records[0].getMessage() == REDACTED
    assert not shows(everything_in(records[0]), KEY)


# Where it is


def test_it_installs_itself_on_each_logger_once():
    CredentialProvider(lambda: KEY)
    before = {name: len(logging.getLogger(name).filters) for name in LOGGERS}
    CredentialProvider(lambda: KEY)
    assert {name: len(logging.getLogger(name).filters) for name in LOGGERS} == before
    assert min(before.values()) >= 1


@pytest.fixture
def as_at_the_start(monkeypatch):
    """Start without our filter on any logger, and without a provider that requires it."""
    monkeypatch.setattr(redaction, "_required", False)
    redaction.decline()


def is_on():
    return {bool(logging.getLogger(name).filters) for name in LOGGERS}


@pytest.mark.parametrize(
    "make", [lambda: GoogleSecretManager("projects/p/secrets/s"), lambda: AWSSecretsManager("prod/gemini")]
)
@pytest.mark.usefixtures("as_at_the_start")
def test_a_store_installs_it_too_since_it_can_be_used_alone(make):
    assert is_on() == {False}
    store = make()
    assert is_on() == {True}
    CredentialProvider(store, redact_logs=False)
    assert is_on() == {False}


@pytest.mark.usefixtures("as_at_the_start")
def test_a_provider_that_declines_it_takes_it_from_no_other():
    CredentialProvider(lambda: KEY)
    CredentialProvider(lambda: KEY, redact_logs=False)
    assert is_on() == {True}


@pytest.mark.parametrize("name", LOGGERS)
def test_a_logger_that_is_off_reads_nothing(known, name):
    logger = logging.getLogger(name)
    if logger.isEnabledFor(logging.DEBUG):
        pytest.skip("something else has switched it on")
    # Its text raises: had the filter looked at it, the record would be redacted; nothing looks.
    logger.debug("%s", Broken(), extra={"part": Broken()})
    with records_of(name) as records:
        logger.debug("%s", Broken())
    assert [record.getMessage() for record in records] == [REDACTED]


def test_records_that_are_handed_on_are_clean_too(known):
    """Records from a queue or another process reach the logger through `handle`."""
    logger = logging.getLogger(LOGGER)
    with records_of(LOGGER) as records:
        logger.handle(logging.makeLogRecord({"name": LOGGER, "msg": f"x {KEY}", "levelno": logging.INFO}))
    assert records[0].getMessage() == f"x {REDACTED}"


def test_a_key_of_a_provider_without_redaction_is_not_known():
    with CredentialProvider(lambda: "AIzaUnredacted", redact_logs=False) as credentials:
        assert redacted(credentials()) == "AIzaUnredacted"
