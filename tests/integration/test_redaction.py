"""The real libraries at DEBUG, with every record, its attributes and its exception kept: no key in any of it."""

import asyncio
import base64
import io
import logging
import traceback
from urllib.parse import quote

import pytest

from genai_credentials import AWSSecretsManager, CredentialProvider, GoogleSecretManager
from genai_credentials.redaction import LOGGERS, needles, redacted
from genai_credentials.testing import FakeGemini, MotoServer, SecretManagerEmulator

KEYS = [
    "AIzaGoogleOne_-0123456789",
    "AIzaGoogleTwo_-0123456789",
    "AIzaAmazonOne_-012345678",
    "AIzaAmazonTwo_-012345678",
]


class Keeper(logging.Handler):
    """Keeps each record as a person, or a collector of attributes, would see it."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.texts, self.names = [], set()

    def emit(self, record):
        parts = [record.getMessage(), repr(vars(record))]
        if record.exc_info:
            error = traceback.TracebackException(*record.exc_info, capture_locals=True)
            parts += error.format()
        self.names.add(record.name)
        self.texts += parts

    def hits(self):
        return [text for text in self.texts for key in KEYS for form in needles(key) if form in text]


@pytest.fixture
def everything(monkeypatch):
    """A handler that sees every logger, also those that do not propagate."""
    monkeypatch.setenv("GOOGLE_SDK_PYTHON_LOGGING_SCOPE", "google")
    import google.cloud.secretmanager_v1.services.secret_manager_service.transports.grpc  # noqa: F401

    keeper, before = Keeper(), {}
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in (*LOGGERS, "google", "botocore"))]
    for logger in loggers:
        before[logger] = (logger.level, list(logger.handlers), list(logger.filters))
        logger.setLevel(logging.DEBUG)
        logger.addHandler(keeper)
    yield keeper
    for logger, (level, handlers, filters) in before.items():
        logger.setLevel(level)
        logger.handlers[:], logger.filters[:] = handlers, filters


def rotate_through_both_stores(redact_logs):
    google_1, google_2, amazon_1, amazon_2 = KEYS
    with (
        FakeGemini(google_1) as api,
        SecretManagerEmulator() as google,
        MotoServer() as moto,
        CredentialProvider(
            GoogleSecretManager("projects/p/secrets/s", client=google.client),
            AWSSecretsManager("prod/gemini", "api_key", client=moto.client),
            redact_logs=redact_logs,
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
        with credentials.client(http_options={"base_url": api.base_url}) as client:
            client.models.list()
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


def test_no_key_in_any_record_of_any_library(everything, capfd):
    rotate_through_both_stores(redact_logs=True)
    out = capfd.readouterr()
    assert {"botocore.parsers", "genai_credentials"} <= everything.names
    assert any(name.startswith("google.cloud.secretmanager") for name in everything.names)
    assert len(everything.texts) > 200
    assert everything.hits() == []
    assert not any(form in out.out + out.err for key in KEYS for form in needles(key))


def test_the_same_search_finds_keys_when_redaction_is_off(everything):
    for name in LOGGERS:
        logging.getLogger(name).filters.clear()
    rotate_through_both_stores(redact_logs=False)
    assert len(everything.hits()) > 0


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
@pytest.mark.parametrize("after", ["", "z", "zy"])
def test_a_known_key_is_found_in_each_encoding(before, after):
    key = CredentialProvider(lambda: "AIzaSome/Key+with=signs").get()
    text = key.get_secret_value()
    wrapped = f"{before}{text}{after}"
    for form in (wrapped, quote(wrapped, safe=""), base64.b64encode(wrapped.encode()).decode()):
        clean = redacted(f"a log line: {form}.")
        assert "redacted" in clean
        assert not any(needle in clean for needle in needles(text))


def test_the_filter_never_raises_and_leaves_other_records_alone():
    stream, logger = io.StringIO(), logging.getLogger("websockets.client")
    handler = logging.StreamHandler(stream)
    CredentialProvider(lambda: "AIzaSomeKey")
    logger.addHandler(handler)
    try:
        logger.warning("%d items", 7, extra={"part": {"n": 1, "names": ["a", b"b", None]}})
        logger.warning("> x-goog-api-key: AIzaUnknown")
        logger.warning("%d items", "not a number")
    finally:
        logger.removeHandler(handler)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "7 items"
    assert "AIzaUnknown" not in stream.getvalue()
    assert len(lines) == 3
