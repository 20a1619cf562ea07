"""Tests of the rejection table, one per row, and of any other answer of a server."""

import json
from typing import Any

import pytest
from google.api.error_reason_pb2 import ErrorReason
from google.rpc.code_pb2 import Code
from hypothesis import example, given
from hypothesis import strategies as st

from genai_credentials import messages
from genai_credentials.reasons import MISCONFIGURED, NO_KEY, NOT_THE_KEY, REASONS, REFUSED, UNKNOWN
from genai_credentials.rejection import (
    ACCEPTED,
    CANONICAL,
    MOST_BYTES,
    SUSPECT,
    UNTOUCHED,
    Verdict,
    classify,
    classify_close,
)
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
    (401, body("Multiple authentication credentials received."), "not_ours", "OVERLOADED_CREDENTIALS"),
    (401, body("API key used with other authentication credentials."), "not_ours", "OVERLOADED_CREDENTIALS"),
    (401, body("Firebase App Check token is invalid."), "not_ours", "app_check"),
    (401, body("App Check token is missing or malformed.", "X"), "not_ours", "app_check"),
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
    (403, b"", "not_ours", "forbidden"),
    (403, b"<html>403 Forbidden</html>", "not_ours", "forbidden"),
    (403, b'{"message": "Forbidden"}', "not_ours", "forbidden"),
    (403, body("Your project has been denied access. Please contact support."), "rejected", "project_denied"),
    (403, body(f"Permission denied: Consumer 'api_key:{KEY}' has been suspended."), "rejected", "CONSUMER_SUSPENDED"),
    (403, body("Requests from referer <empty> are blocked."), "not_ours", "API_KEY_HTTP_REFERRER_BLOCKED"),
    (
        403,
        body("Requests to this API x.googleapis.com method a.b.C are blocked."),
        "not_ours",
        "API_KEY_SERVICE_BLOCKED",
    ),
    (403, body("Request had insufficient authentication scopes."), "not_ours", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
    (403, body(NOT_VALID), "rejected", "API_KEY_INVALID"),
    # A gateway that puts Google's whole answer into a message of its own.
    (400, json.dumps({"error": {"message": body(NOT_VALID).decode(), "code": 400}}), "rejected", "API_KEY_INVALID"),
    (400, json.dumps({"error": body("x", "API_KEY_INVALID").decode()}), "rejected", "API_KEY_INVALID"),
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


def _reasons() -> list[str]:
    return sorted(ErrorReason.keys())


@pytest.mark.parametrize("reason", _reasons())
def test_every_reason_that_google_can_give_has_its_row(reason: str) -> None:
    """This test fails for a new reason in the enum. Choose its verdict by the question "would another key help?"."""
    row = REASONS[reason]
    assert row.meaning.endswith((".", "good."))
    assert row.remedy
    if reason == "ERROR_REASON_UNSPECIFIED":
        return
    status = row.status if row.status in (400, 401, 403) else 403
    verdict = classify(status, body("x", reason, "PERMISSION_DENIED"))
    expected = {REFUSED: "rejected", MISCONFIGURED: "not_ours", NO_KEY: "not_ours", NOT_THE_KEY: "untouched"}
    assert kind(verdict) == expected[row.verdict]
    assert verdict.accepted == row.proves
    assert verdict.cause == ("" if row.verdict == NOT_THE_KEY else reason)


def test_the_table_has_no_reason_that_google_cannot_give() -> None:
    assert sorted(REASONS) == _reasons()
    assert not REASONS.keys() & messages.UNREASONED.keys()


REFUSED_BY_REASON = {
    "API_KEY_INVALID",
    "ACCESS_TOKEN_TYPE_UNSUPPORTED",
    "ACCOUNT_STATE_INVALID",
    "CONSUMER_INVALID",
    "CONSUMER_SUSPENDED",
    "GCP_SUSPENDED",
}


def test_a_key_is_given_up_for_six_reasons_and_no_other() -> None:
    assert {name for name, row in REASONS.items() if row.verdict == REFUSED} == REFUSED_BY_REASON


@pytest.mark.parametrize(
    "reason",
    [
        "OVERLOADED_CREDENTIALS",
        "ACCESS_TOKEN_EXPIRED",
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "SESSION_COOKIE_INVALID",
        "JWT_TOKEN_INVALID",
    ],
)
def test_a_401_about_another_credential_of_the_request_costs_no_key(reason: str) -> None:
    verdict = classify(401, body("x", reason, "UNAUTHENTICATED"))
    assert (verdict.rejected, verdict.cause, verdict.accepted) == (False, reason, False)


def test_the_codes_are_those_of_google() -> None:
    assert sorted([*CANONICAL, "OK"]) == sorted(Code.keys())


def test_no_cause_that_condemns_or_puzzles_shows_that_the_key_was_taken() -> None:
    assert not [name for name, row in messages.ROWS.items() if row.proves and row.verdict in (REFUSED, NO_KEY, UNKNOWN)]


@pytest.mark.parametrize(
    ("status", "content", "accepted"),
    [
        (200, b"", True),
        (206, b"", True),
        (299, body(NOT_VALID, "API_KEY_INVALID"), True),
        (404, body("models/x is not found", status="NOT_FOUND"), True),
        (429, body("You exceeded your current quota", status="RESOURCE_EXHAUSTED"), True),
        (400, body("User location is not supported for the API use.", status="FAILED_PRECONDITION"), True),
        (403, body("x", "SERVICE_DISABLED", "PERMISSION_DENIED"), True),
        (403, body("Requests from referer <empty> are blocked.", status="PERMISSION_DENIED"), True),
        # The front of Google's servers may refuse what it can't parse before it looks at the key.
        (400, body("Invalid JSON payload received."), False),
        (403, body("The caller does not have permission", status="PERMISSION_DENIED"), False),
        # So may proxies and gateways answer.
        (404, b"", False),
        (404, b"<html>404 Not Found</html>", False),
        (404, b'{"error": {"message": "no such route", "code": 404}}', False),
        (404, b'{"message": "x", "status": "NOT_FOUND"}', False),
        (429, b"", False),
        (429, b"error code: 1015", False),
        (400, b"", False),
        (403, b"", False),
        (401, b"", False),
        (301, b"", False),
        (304, b"", False),
        (500, body("An internal error has occurred.", status="INTERNAL"), False),
        (503, body("The model is overloaded.", status="UNAVAILABLE"), False),
        (101, b"", False),
    ],
)
def test_only_what_shows_that_the_key_was_taken_is_an_acceptance(status: int, content: bytes, accepted: bool) -> None:
    verdict = classify(status, content)
    assert verdict.accepted == accepted
    assert not (verdict.accepted and verdict.rejected)


def test_a_success_is_not_even_looked_at() -> None:
    assert classify(200, object()) is ACCEPTED  # type: ignore[arg-type]


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
        (True, "unauthenticated") if status == 401 else (False, "PERMISSION_DENIED") if status == 403 else None,
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
    """An error 400 repeats parts of the request. A prompt about keys must not put a key into quarantine."""
    assert classify(400, body(frame.format(echo))[:cut]) == UNTOUCHED


CLOSE_ROWS = [
    (1007, NOT_VALID, "rejected"),
    (1007, "API key expired. Please renew the API key.", "rejected"),
    (1007, "API Key not found. Please pass a valid API key.", "rejected"),
    (1008, NOT_VALID, "rejected"),
    (1008, LEAKED, "rejected"),
    (1008, KEYS_UNSUPPORTED, "not_ours"),
    (1008, "Your project has been denied access. Please contact support.", "rejected"),
    (1008, "Requests from referer <empty> are blocked.", "not_ours"),
    (1008, "The caller does not have permission", "untouched"),
    (1007, f"Invalid value at 'setup': {LEAKED}", "untouched"),
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
        assert verdict is (ACCEPTED if 200 <= status < 300 else UNTOUCHED)


@given(st.sampled_from([1000, 1007, 1008]) | st.integers(), st.text())
def test_any_close_has_a_verdict(code: int, message: str) -> None:
    assert not classify_close(code, message).rejected or code in (1007, 1008)
