"""`notify_event()`: every envelope, what is news in it, whose it is, and that nothing of it breaks or leaks."""

import base64
import collections
import copy
import json
import logging
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genai_credentials import AWSAgent, AWSSecretsManager, CredentialProvider, Env, GoogleSecretManager, ProviderChain
from genai_credentials.pushes.news import news_in

SECRET = "projects/acme/secrets/gemini-api-key"
IN_EVENTS = "projects/123456789012/secrets/gemini-api-key"
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/gemini-a1B2c3"
OTHER_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/other-a1B2c3"


# Events as the stores send them


def google(kind="SECRET_VERSION_ADD", secret=IN_EVENTS, version="8"):
    attributes = {
        "eventType": kind,
        "secretId": secret,
        "dataFormat": "JSON_API_V1",
        "timestamp": "2026-05-01T00:00:00",
    }
    return attributes | ({"versionId": f"{secret}/versions/{version}"} if version else {})


def labelled(label="AWSCURRENT", arn=ARN, version="id-8", **more):
    detail = {"name": "prod/gemini", "labelUpdated": label, "versionId": version}
    return eventbridge("Secret Label Updated", detail, resources=[arn], **more)


def eventbridge(kind, detail, **more):
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": kind,
        "source": "aws.secretsmanager",
        "account": "123456789012",
        "time": "2026-05-01T00:00:00Z",
        "region": "eu-west-1",
        "resources": [],
        "detail": detail,
        **more,
    }


def called(name, asked=None, answered=None, **more):
    """As CloudTrail has it."""
    detail = {
        "eventVersion": "1.08",
        "eventSource": "secretsmanager.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-west-1",
        "requestParameters": {"secretId": ARN} if asked is None else asked,
        "responseElements": answered,
        **more,
    }
    return eventbridge("AWS API Call via CloudTrail", detail)


def rotated(name="RotationSucceeded"):
    detail = {
        "eventSource": "secretsmanager.amazonaws.com",
        "eventName": name,
        "eventType": "AwsServiceEvent",
        "requestParameters": None,
        "responseElements": None,
        "additionalEventData": {"SecretId": ARN},
    }
    return eventbridge("AWS Service Event via CloudTrail", detail)


# Envelopes


def message(attributes):
    data = base64.b64encode(b'{"name": "projects/123456789012/secrets/gemini-api-key"}').decode()
    return {"attributes": attributes, "data": data, "messageId": "1", "publishTime": "2026-05-01T00:00:00Z"}


def push(attributes):
    return {"message": message(attributes), "subscription": "projects/acme/subscriptions/s", "deliveryAttempt": 5}


def pulled(attributes):
    return {"ackId": "ack", "message": message(attributes)}


def pull_answer(attributes):
    return {"receivedMessages": [pulled({"eventType": "TOPIC_CONFIGURED"}), pulled(attributes)]}


def sns(event):
    return {
        "Type": "Notification",
        "MessageId": "1",
        "TopicArn": "arn:aws:sns:eu-west-1:1:t",
        "Message": json.dumps(event),
    }


def sns_in_lambda(event):
    return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns(event)}]}


def sqs(event):
    return {"MessageId": "1", "ReceiptHandle": "handle", "MD5OfBody": "0", "Body": json.dumps(event)}


def sqs_answer(event):
    return {"Messages": [{"MessageId": "0", "Body": "no JSON {"}, sqs(event)], "ResponseMetadata": {}}


def sqs_in_lambda(event):
    attributes = {"ApproximateReceiveCount": "1"}
    return {
        "Records": [{"messageId": "1", "body": json.dumps(event), "attributes": attributes, "messageAttributes": {}}]
    }


def sns_in_sqs(event):
    return sqs(sns(event))


def sns_in_sqs_in_lambda(event):
    return sqs_in_lambda(sns(event))


def bare(event):
    return event


GOOGLES = [bare, message, push, pulled, pull_answer]
AMAZONS = [bare, sns, sns_in_lambda, sqs, sqs_answer, sqs_in_lambda, sns_in_sqs, sns_in_sqs_in_lambda]
FORMS = {
    "mapping": lambda event: event,
    "text": json.dumps,
    "bytes": lambda event: json.dumps(event).encode(),
    "bytearray": lambda event: bytearray(json.dumps(event).encode()),
    "another mapping": collections.UserDict,
}


def is_news(event, *providers):
    return bool(news_in(event, providers or [GoogleSecretManager(SECRET), AWSSecretsManager("prod/gemini")]))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("envelope", GOOGLES)
def test_each_envelope_of_pub_sub_is_opened(envelope, form):
    assert is_news(FORMS[form](envelope(google())))
    assert not is_news(FORMS[form](envelope(google(secret="projects/1/secrets/another"))))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("envelope", AMAZONS)
@pytest.mark.parametrize("event", [labelled(), called("PutSecretValue"), rotated()], ids=["native", "call", "rotation"])
def test_each_envelope_of_eventbridge_sns_and_sqs_is_opened(envelope, form, event):
    assert is_news(FORMS[form](envelope(event)))
    assert not is_news(FORMS[form](envelope(event)), AWSSecretsManager("prod/another"))


@pytest.mark.parametrize(
    ("kind", "news"),
    [
        ("SECRET_VERSION_ADD", True),
        ("SECRET_VERSION_ENABLE", True),
        ("SECRET_VERSION_DISABLE", True),
        ("SECRET_VERSION_DESTROY", True),
        ("SECRET_VERSION_DESTROY_SCHEDULED", True),
        ("SECRET_UPDATE", True),
        ("SECRET_ROTATE", False),
        ("SECRET_CREATE", False),
        ("SECRET_DELETE", False),
        ("TOPIC_CONFIGURED", False),
        ("SOMETHING_NEW", False),
    ],
)
def test_what_is_news_of_secret_manager(kind, news):
    assert is_news(google(kind)) is news


@pytest.mark.parametrize(
    ("event", "news"),
    [
        (labelled(), True),
        (labelled("AWSPENDING"), False),
        (labelled("canary"), False),
        (labelled(source="aws.ssm"), False),
        (called("PutSecretValue"), True),
        (called("PutSecretValue", {"secretId": ARN, "versionStages": ["AWSPENDING"]}), False),
        (called("PutSecretValue", {"secretId": ARN, "versionStages": ["AWSPENDING", "AWSCURRENT"]}), True),
        (called("PutSecretValue", {"secretId": "prod/gemini"}), True),
        (called("PutSecretValue", {}, {"aRN": ARN, "name": "x"}), True),
        (called("PutSecretValue", {}, {"arn": ARN}), True),
        (called("PutSecretValue", {"secretId": ARN}, errorCode="AccessDenied", errorMessage="no"), False),
        (called("UpdateSecret"), True),
        (called("UpdateSecretVersionStage", {"secretId": ARN, "versionStage": "AWSCURRENT"}), True),
        (called("UpdateSecretVersionStage", {"secretId": ARN, "versionStage": "canary"}), False),
        (called("GetSecretValue"), False),
        (called("RotateSecret"), False),
        (called("DeleteSecret"), False),
        (called("PutSecretValue", eventSource="s3.amazonaws.com"), False),
        (called("PutSecretValue")["detail"], True),
        (rotated(), True),
        (rotated("RotationFailed"), False),
        (rotated("RotationStarted"), False),
    ],
)
def test_what_is_news_of_aws(event, news):
    assert is_news(event) is news


def test_a_confirmation_of_a_subscription_is_no_news_whatever_it_says():
    for kind in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        assert not is_news({**sns(labelled()), "Type": kind, "SubscribeURL": "https://sns.example/confirm"})
        assert not is_news(sqs({**sns(labelled()), "Type": kind}))


# Whose it is


@pytest.mark.parametrize(
    ("resource", "event", "same"),
    [
        (SECRET, IN_EVENTS, True),
        ("projects/987/secrets/gemini-api-key", IN_EVENTS, True),
        ("projects/acme/secrets/gemini-api", IN_EVENTS, False),
        ("projects/acme/locations/europe-west1/secrets/s", "projects/1/locations/europe-west1/secrets/s", True),
        ("projects/acme/locations/europe-west1/secrets/s", "projects/1/locations/us-east1/secrets/s", False),
        ("projects/acme/locations/europe-west1/secrets/s", "projects/1/secrets/s", False),
        (f"{SECRET}/versions/latest", IN_EVENTS, True),
        (f"{SECRET}/versions/live", IN_EVENTS, True),
        (f"{SECRET}/versions/8", IN_EVENTS, True),
        (f"{SECRET}/versions/7", IN_EVENTS, False),
    ],
)
def test_secret_and_location_decide_whose_event_of_google_it_is(resource, event, same):
    assert is_news(google(secret=event), GoogleSecretManager(resource)) is same


@pytest.mark.parametrize(
    ("provider", "same"),
    [
        (AWSSecretsManager("prod/gemini"), True),
        (AWSSecretsManager("prod/gemini", region="eu-west-1"), True),
        (AWSSecretsManager("prod/gemini", region="us-east-1"), False),
        (AWSSecretsManager(ARN), True),
        (AWSSecretsManager(ARN[:-7]), True),
        (AWSSecretsManager(OTHER_ARN), False),
        (AWSSecretsManager(ARN.replace("eu-west-1", "us-east-1")), False),
        (AWSSecretsManager("prod/gem"), False),
        (AWSSecretsManager("gemini"), False),
        (AWSSecretsManager("prod/gemini", stage="canary"), False),
        (AWSSecretsManager("prod/gemini", stage="AWSPREVIOUS"), True),
        (AWSSecretsManager("prod/gemini", version_id="id-8"), False),
        (AWSAgent("prod/gemini"), True),
        (AWSAgent(ARN), True),
        (AWSAgent("prod/other"), False),
        (GoogleSecretManager(SECRET), False),
        (Env(), False),
    ],
)
def test_name_region_and_label_decide_whose_event_of_aws_it_is(provider, same):
    assert is_news(labelled(), provider) is same
    if provider.stage != "canary" if hasattr(provider, "stage") else True:
        assert is_news(rotated(), provider) is same


def test_the_label_of_the_link_decides():
    assert is_news(labelled("canary"), AWSSecretsManager("prod/gemini", stage="canary"))
    asked = {"secretId": "prod/gemini", "versionStage": "canary", "moveToVersionId": "id-9"}
    assert is_news(called("UpdateSecretVersionStage", asked), AWSSecretsManager("prod/gemini", stage="canary"))


def test_a_name_in_an_event_means_the_link_that_has_the_arn():
    assert is_news(called("UpdateSecret", {"secretId": "prod/gemini"}), AWSSecretsManager(ARN))
    assert not is_news(called("UpdateSecret", {"secretId": "prod/other"}), AWSSecretsManager(ARN))


# What the provider does with it


@pytest.fixture
def credentials():
    chain = ProviderChain(Env("NO_SUCH_VARIABLE"), lambda: "key-1", GoogleSecretManager(SECRET))
    with CredentialProvider(chain, AWSSecretsManager("prod/gemini")) as provider:
        yield provider


def test_an_event_of_a_link_notifies_and_any_other_does_not(credentials):
    for event in (google(), labelled(), json.dumps(sns(rotated()))):
        before = credentials.status().counters["notifications"]
        assert credentials.notify_event(event, within=1_000) is True
        assert credentials.status().counters["notifications"] == before + 1
    before = credentials.status().counters["notifications"]
    for event in ({}, "", b"", "null", "[]", "{", b"\xff", None, 7, object(), google("SECRET_CREATE"), [], [None], "7"):
        assert credentials.notify_event(event) is False
    assert credentials.status().counters["notifications"] == before


@pytest.mark.parametrize(
    ("kind", "version", "fetches"),
    [
        ("SECRET_VERSION_ADD", "7", False),
        ("SECRET_VERSION_ENABLE", "7", False),
        ("SECRET_VERSION_ADD", "8", True),
        ("SECRET_VERSION_ADD", "999999", True),
        ("SECRET_VERSION_ADD", None, True),
        ("SECRET_VERSION_DISABLE", "7", True),
        ("SECRET_VERSION_DESTROY", "7", True),
        ("SECRET_UPDATE", None, True),
    ],
)
def test_an_event_of_the_version_that_is_served_saves_the_fetch_unless_it_goes_away(
    kind, version, fetches, monkeypatch
):
    google_link = GoogleSecretManager(SECRET)
    monkeypatch.setattr(google_link, "_access", lambda _: google_link.key("key-1", "7"))
    google_link._versions._access = google_link._access
    credentials = CredentialProvider(google_link)
    credentials.get()
    assert credentials.notify_event(google(kind, version=version), within=1_000)
    assert credentials.engine.keystate.notice.pending is fetches
    credentials.close()


def test_the_version_of_another_link_than_the_one_that_serves_saves_nothing(monkeypatch):
    from genai_credentials import ApiKey

    credentials = CredentialProvider(Serves(ApiKey("key-1", provider="own", version="8")), GoogleSecretManager(SECRET))
    credentials.get()
    assert credentials.notify_event(google(version="8"), within=1_000)
    assert credentials.engine.keystate.notice.pending
    credentials.close()


class Serves:
    """A provider of one key."""

    name = "own"

    def __init__(self, key):
        self.key = key

    def fetch(self, rejected=None):
        """See `Provider.fetch`."""
        return self.key


def test_a_mapping_that_holds_itself_is_no_news(credentials):
    loop = {}
    loop |= {"message": loop, "Records": [loop, loop], "Message": loop, "Body": loop, "attributes": loop}
    assert credentials.notify_event(loop) is False


def test_a_mapping_that_raises_is_no_news(credentials):
    class Broken(dict):
        def get(self, *_):
            raise RuntimeError("AIzaInTheError")

    assert credentials.notify_event(Broken()) is False


def test_nothing_of_an_event_reaches_a_log(credentials, caplog):
    caplog.set_level(logging.DEBUG)
    marked = "AIzaSomethingSecret"
    events = [
        google() | {"timestamp": marked},
        google("SOMETHING") | {"secretId": marked},
        sns(labelled(version=marked)),
        marked,
        '{"' + marked,
        {"Records": [{"body": marked}]},
    ]
    for event in events:
        credentials.notify_event(event, within=1_000)
    assert marked not in caplog.text


DEEP = "[" * 100_000
EVENTS = [envelope(google()) for envelope in GOOGLES] + [
    envelope(event) for envelope in AMAZONS for event in (labelled(), called("PutSecretValue"), rotated())
]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.binary(max_size=20),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    st.sampled_from([DEEP, {"message": {"message": []}}, "AWSCURRENT", ARN, IN_EVENTS, {"attributes": google()}]),
)


def places(thing, path=()):
    """The way to each member of a document."""
    for key, value in thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ():
        yield (*path, key)
        yield from places(value, (*path, key))


@settings(max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    event=st.sampled_from(EVENTS),
    seed=st.integers(),
    values=st.lists(VALUES, min_size=1, max_size=4),
    cut=st.booleans(),
)
def test_mutated_envelopes_are_true_or_false_and_never_an_exception(event, seed, values, cut):
    dice, event = Random(seed), copy.deepcopy(event)
    for value in values:
        *way, last = dice.choice([*places(event)] or [("new",)])
        inner = event
        for key in way:
            inner = inner[key]
        if dice.random() < 0.3 and isinstance(inner, dict):
            inner[f"{last}x"] = inner.pop(last, None)
        else:
            inner[last] = copy.deepcopy(value)
    assert is_news(event) in (True, False)
    text = json.dumps(event, default=repr)
    assert is_news(text[: dice.randrange(len(text))] if cut else text) in (True, False)


@settings(max_examples=300, deadline=None)
@given(
    thing=st.one_of(
        st.binary(), st.text(), st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
    )
)
def test_anything_at_all_is_no_news(thing):
    assert is_news(thing) in (True, False)


@pytest.mark.parametrize(
    "event", [DEEP, '{"Message":' * 50_000, "1" * 10_000, "[" + "{}," * 50_000 + "{}]", b"\xef\xbb\xbf{}"]
)
def test_what_is_built_to_hurt_is_no_news(event):
    assert not is_news(event)
