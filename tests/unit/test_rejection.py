"""The rejection table, a row each, and whatever else a server may answer."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genai_credentials.rejection import ACCEPTED, MOST_BYTES, SUSPECT, UNTOUCHED, Verdict, classify, classify_close
from genai_credentials.testing.refusals import CLOSES, REFUSALS, Refusal

KEY = "AIzaSyD-the-refused-key"
KEYS_UNSUPPORTED = "API keys are not supported by this API. Expected OAuth2 access token."


def kind(verdict: Verdict) -> str:
    return "rejected" if verdict.rejected else "not_ours" if verdict.cause else "untouched"


def body(message: str = "", reason: str = "", status: str = "INVALID_ARGUMENT", **more: Any) -> bytes:
    details = {"details": [{"@type": "x/google.rpc.ErrorInfo", "reason": reason}]} if reason else {}
    return json.dumps({"error": {"message": message, "status": status, **details, **more}}).encode()


NOT_VALID = "API key not valid. Please pass a valid API key."
LEAKED = "Your API key was reported as leaked. Please use another API key."
ROWS = [
    (400, body("x", "API_KEY_INVALID"), "rejected", "API_KEY_INVALID"),
    (400, body(NOT_VALID), "rejected", "API_KEY_INVALID"),
    (400, body("API Key not found. Please pass a valid API key."), "rejected", "API_KEY_INVALID"),
    (400, body("API key expired. Please renew the API key."), "rejected", "API_KEY_INVALID"),
    (400, b'{"error": "API key not valid. Please pass a valid API key."}', "rejected", "API_KEY_INVALID"),
    (400, b'{"message": "API key is invalid"}', "rejected", "API_KEY_INVALID"),
    (400, NOT_VALID.encode(), "rejected", "API_KEY_INVALID"),
    (401, body("x", "ACCESS_TOKEN_TYPE_UNSUPPORTED"), "rejected", "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
    (401, b'{"error": {"code": "authentication", "message": "no"}}', "rejected", "unauthenticated"),
    (
        401,
        b'{"error": {"code": "", "message": "Invalid Token (request id: 1)", "type": "rix_api_error"}}',
        "rejected",
        "gateway",
    ),
    (401, body("x", "SOMETHING_NEW", "UNAUTHENTICATED"), "rejected", "unauthenticated"),
    (401, b"", "rejected", "gateway"),
    (401, b"<html>401 Authorization Required</html>", "rejected", "gateway"),
    (401, body("x", "CREDENTIALS_MISSING"), "not_ours", "CREDENTIALS_MISSING"),
    (401, body(KEYS_UNSUPPORTED), "not_ours", "CREDENTIALS_MISSING"),
    (403, body(LEAKED), "rejected", "leaked"),
    (
        403,
        body(f"Consumer 'api_key:{KEY}' has been suspended.", "CONSUMER_SUSPENDED"),
        "rejected",
        "CONSUMER_SUSPENDED",
    ),
    (403, body("x", "SERVICE_DISABLED"), "not_ours", "SERVICE_DISABLED"),
    (403, body("x", "API_KEY_SERVICE_BLOCKED"), "not_ours", "API_KEY_SERVICE_BLOCKED"),
    (403, body("x", "API_KEY_HTTP_REFERRER_BLOCKED"), "not_ours", "API_KEY_HTTP_REFERRER_BLOCKED"),
    (403, body("x", "API_KEY_IP_ADDRESS_BLOCKED"), "not_ours", "API_KEY_IP_ADDRESS_BLOCKED"),
    (403, body("x", "API_KEY_ANDROID_APP_BLOCKED"), "not_ours", "API_KEY_ANDROID_APP_BLOCKED"),
    (403, body("x", "API_KEY_IOS_APP_BLOCKED"), "not_ours", "API_KEY_IOS_APP_BLOCKED"),
    (403, body("Method doesn't allow unregistered callers."), "not_ours", "unregistered callers"),
    (403, body("The caller does not have permission"), "not_ours", "PERMISSION_DENIED"),
    (403, b"", "not_ours", "PERMISSION_DENIED"),
    (400, body("Invalid JSON payload received."), "untouched", ""),
    (400, body("User location is not supported for the API use.", status="FAILED_PRECONDITION"), "untouched", ""),
    (400, body("Multiple authentication credentials received. Please pass only one."), "untouched", ""),
    (400, b"", "untouched", ""),
    (404, body(NOT_VALID, "API_KEY_INVALID"), "untouched", ""),
    (407, b"", "untouched", ""),
    (429, body(NOT_VALID, "API_KEY_INVALID"), "untouched", ""),
    (500, body(NOT_VALID, "API_KEY_INVALID"), "untouched", ""),
    (503, body(LEAKED), "untouched", ""),
    (200, body(NOT_VALID, "API_KEY_INVALID"), "untouched", ""),
]


@pytest.mark.parametrize(("status", "content", "expected", "cause"), ROWS)
def test_the_table(status: int, content: bytes, expected: str, cause: str) -> None:
    verdict = classify(status, content)
    assert (kind(verdict), verdict.cause) == (expected, cause)
    assert bool(verdict.remedy) == bool(cause)


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=lambda refusal: refusal.name)
def test_what_the_api_answers_as_bytes_text_and_list(refusal: Refusal) -> None:
    content = refusal.body_for(KEY)
    for form in (content, content.decode(), b"[" + content + b"]", b"\xef\xbb\xbf" + content):
        assert kind(classify(refusal.status, form)) == refusal.verdict


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=lambda refusal: refusal.name)
def test_no_verdict_repeats_the_key(refusal: Refusal) -> None:
    assert KEY not in repr(classify(refusal.status, refusal.body_for(KEY)))


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=lambda refusal: refusal.name)
def test_a_body_cut_anywhere_is_no_worse_than_none(refusal: Refusal) -> None:
    verdicts = {kind(classify(refusal.status, refusal.body[:end])) for end in range(len(refusal.body))}
    if refusal.status == 401 and refusal.verdict == "rejected":
        assert verdicts <= {"rejected"}
    elif refusal.verdict == "untouched":
        assert verdicts == {"untouched"}
    else:
        # Cut before what tells it apart, it is what an empty body is.
        assert verdicts <= {refusal.verdict, kind(classify(refusal.status, b""))}


@pytest.mark.parametrize("status", sorted(SUSPECT))
@pytest.mark.parametrize("wrong", [None, True, 7, 1.5, "text", [], [None], [[]], {}, {"a": 1}, [{"reason": None}]])
@pytest.mark.parametrize(
    "place",
    [
        lambda wrong: wrong,
        lambda wrong: [wrong],
        lambda wrong: {"error": wrong},
        lambda wrong: {"message": wrong},
        lambda wrong: {"error": {"message": wrong, "status": wrong, "code": wrong}},
        lambda wrong: {"error": {"details": wrong}},
        lambda wrong: {"error": {"details": [wrong]}},
        lambda wrong: {"error": {"details": [{"reason": wrong}]}},
    ],
)
def test_a_wrong_type_at_any_level_is_no_reason(status: int, wrong: Any, place: Any) -> None:
    assert classify(status, json.dumps(place(wrong)).encode())[:2] in [
        classify(status, b"")[:2],
        (True, "unauthenticated") if status == 401 else None,
    ]


@pytest.mark.parametrize("status", sorted(SUSPECT))
@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe\x00" * 99,
        b"\x1f\x8b\x08\x00gzip",
        b"x" * 10_000_000,
        b"[" * MOST_BYTES,
        b'{"error":' * 5_000,
        b'{"n": ' + b"9" * 20_000 + b"}",
        b'{"error": {"message": "\\ud800"}}',
        b"null",
    ],
    ids=lambda content: repr(content[:12]),
)
def test_what_is_no_answer_of_the_api_counts_as_an_empty_one(status: int, content: bytes) -> None:
    assert kind(classify(status, content)) == kind(classify(status, b""))


def test_a_reason_in_a_body_too_long_to_read_whole_is_found() -> None:
    content = body("x", "API_KEY_INVALID", padding="x" * 10_000_000)
    assert kind(classify(400, content)) == "rejected"


ECHOED = [NOT_VALID, LEAKED, KEYS_UNSUPPORTED, '"reason": "API_KEY_INVALID"', json.dumps({"reason": "API_KEY_INVALID"})]


@pytest.mark.parametrize("echo", ECHOED)
@pytest.mark.parametrize(
    "frame", ["Invalid value at 'contents': {}", "* GenerateContentRequest.x: {}", '"{}" is no role', "'{}'"]
)
@pytest.mark.parametrize("cut", [None, -1, -20])
def test_what_a_user_wrote_is_no_rejection(echo: str, frame: str, cut: int | None) -> None:
    """A 400 repeats parts of the request: a prompt about keys must not cost a key."""
    assert classify(400, body(frame.format(echo))[:cut]) == UNTOUCHED


CLOSE_ROWS = [
    (1007, NOT_VALID, "rejected"),
    (1007, "API key expired. Please renew the API key.", "rejected"),
    (1007, "API Key not found. Please pass a valid API key.", "rejected"),
    (1008, NOT_VALID, "rejected"),
    (1008, LEAKED, "rejected"),
    (1008, KEYS_UNSUPPORTED, "not_ours"),
    (1008, "Operation is not implemented, or supported, or enabled.", "untouched"),
    (1007, "Request contains an invalid argument.", "untouched"),
    (1007, f"Invalid value: {NOT_VALID}", "untouched"),
    (1007, "", "untouched"),
    (1000, NOT_VALID, "untouched"),
    (1006, LEAKED, "untouched"),
    (1011, NOT_VALID, "untouched"),
]


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [*CLOSE_ROWS, *((close.code, close.reason, close.verdict) for close in CLOSES.values())],
)
def test_a_close_means_what_its_message_says(code: int, message: str, expected: str) -> None:
    assert kind(classify_close(code, message)) == expected


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "message", "details", "reason", "status", "code"]), inner)
    ),
    max_leaves=12,
)
BODIES = (
    st.binary(max_size=200) | st.text(max_size=200) | JSONS.map(json.dumps) | JSONS.map(lambda x: json.dumps(x)[:-1])
)


@given(st.sampled_from(sorted(SUSPECT)) | st.integers(), BODIES)
@example(401, "\ud800")
def test_any_answer_has_a_verdict(status: int, content: bytes | str) -> None:
    verdict = classify(status, content)
    assert verdict.rejected == (kind(verdict) == "rejected")
    if status not in SUSPECT:
        assert verdict in (UNTOUCHED, ACCEPTED)


@given(st.sampled_from([1000, 1007, 1008]) | st.integers(), st.text())
def test_any_close_has_a_verdict(code: int, message: str) -> None:
    assert not classify_close(code, message).rejected or code in (1007, 1008)
