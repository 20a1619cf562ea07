"""`genai-credentials explain`: the rejection table in words, from whatever form an error was pasted in."""

import contextlib
import json
import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

import reference_cli
from genai_credentials import ConfigurationError, CredentialProvider, CredentialsError, File
from genai_credentials.cli import meanings, pasted
from genai_credentials.cli.app import cli
from genai_credentials.cli.causes import EXITS, TABLE, UNRECOGNISED, Meaning
from genai_credentials.reasons import REASONS
from genai_credentials.testing import REFUSALS
from genai_credentials.testing.refusals import CLOSES
from genai_credentials.troubles import AWS, GOOGLE
from pasted.around import AROUND
from pasted.corpus import NOT_TOLD, RIGHT, WRONG, Text, crossed, filed, judged

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/explanation/schemas/explain.json").read_text())
KEY = "AIzaSyExample-NeverToBeSeen_0123456789"
SEED = (
    "google.genai.errors.ClientError: 401 None. {'error': {'code': '', 'message': 'Invalid Token (request id: "
    "20240101)', 'type': 'rix_api_error'}}"
)
TRACEBACK = f"""
Traceback (most recent call last):
  File "/app/main.py", line 12, in <module>
    client.models.generate_content(model="gemini-2.5-flash", contents="hi")
{SEED}
"""
VERDICTS = {
    "rejected": {"refused"},
    "not_ours": {"misconfigured", "no_key"},
    # Not a word of the API's on the key; on what is sent beside it, in one row.
    "untouched": {"not_the_key", "unknown", "misconfigured"},
}


def explain(text: str, *options: str) -> Result:
    return CliRunner().invoke(cli, ["explain", *options], input=text)


def document(text: str) -> dict:
    done = explain(text, "--json")
    result = json.loads(done.stdout)
    jsonschema.validate(result, SCHEMA)
    assert result["exit_code"] == done.exit_code
    return result


def as_sdk_prints(refusal) -> str:
    body = refusal.body_for(KEY).decode()
    try:
        details = json.loads(body)
    except ValueError:
        details = {"message": body, "status": "Unauthorized"}
    status = details.get("error", details).get("status")
    return f"google.genai.errors.ClientError: {refusal.status} {status}. {details}"


FORMS = {
    "sdk": as_sdk_prints,
    "sdk in a traceback": lambda refusal: f"Traceback:\n  raise APIError\n{as_sdk_prints(refusal)}\n",
    "json log": lambda refusal: json.dumps({"severity": "ERROR", "message": as_sdk_prints(refusal)}),
    "curl -i": lambda refusal: f"HTTP/1.1 {refusal.status} No\nServer: x\n\n{refusal.body_for(KEY).decode()}",
    "openai": lambda refusal: (
        f"openai.APIStatusError: Error code: {refusal.status} - {as_sdk_prints(refusal).split('. ', 1)[1]}"
    ),
}


# The mission's error


@pytest.mark.parametrize("text", [SEED, TRACEBACK, SEED.partition(": ")[2], f"2026-01-01 ERROR app {SEED}"])
def test_the_seed_error_is_a_gateways_own_token_check(text: str) -> None:
    result = document(text)
    assert (result["is_it_the_key"], result["cause"], result["status"]) == ("yes", "gateway", 401)
    assert "gateway's own token check" in result["meaning"]
    order = ["No key was sent", "expired, was disabled", "badly pasted", "wrong gateway"]
    assert all(part.lower() in cause.lower() for part, cause in zip(order, result["likely_causes"], strict=True))
    assert result["run_next"][:2] == [
        "genai-credentials status",
        "genai-credentials check --each --base-url https://YOUR-GATEWAY",
    ]


def test_the_seed_error_as_a_page_of_80_columns() -> None:
    done = explain(SEED)
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "It is the key (401)."
    assert [line for line in lines if line.startswith("  1. No key was sent")]
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24
    assert "20240101" not in done.stdout


def test_the_message_orders_the_causes() -> None:
    expired = SEED.replace("Invalid Token", "The token has expired")
    assert document(expired)["likely_causes"][0].startswith("The token has expired")
    chinese = "401 None. {'error': {'message': '该令牌额度已用尽', 'type': 'new_api_error'}}"
    assert "quota" in document(chinese)["likely_causes"][0]
    google = as_sdk_prints(REFUSALS["api_key_expired"])
    assert document(google)["likely_causes"][0] == "The key has expired."


# The table


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", REFUSALS)
def test_every_row_of_the_table_is_understood_in_every_form(name: str, form: str) -> None:
    refusal = REFUSALS[name]
    text = FORMS[form](refusal)
    result = document(text)
    assert result["status"] == refusal.status
    assert result["verdict"] in VERDICTS[refusal.verdict]
    assert result["is_it_the_key"] in ({"yes"} if refusal.verdict == "rejected" else {"yes", "no"})
    assert result["meaning"]
    assert KEY not in explain(text).output


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("leaked", "leaked"),
        ("SERVICE_DISABLED", "SERVICE_DISABLED"),
        ("unregistered_callers", "unregistered callers"),
        ("API_KEY_IP_ADDRESS_BLOCKED", "API_KEY_IP_ADDRESS_BLOCKED"),
        ("quota_429", "quota"),
        ("failed_precondition_region", "region"),
        ("multiple_credentials", "several_credentials"),
        ("not_found", "not_found"),
        ("bad_request", "bad_request"),
        ("unavailable_503", "server"),
    ],
)
def test_the_cause_is_named(name: str, cause: str) -> None:
    assert document(as_sdk_prints(REFUSALS[name]))["cause"] == cause


def test_the_project_of_the_key_is_named_by_its_number() -> None:
    assert "123456789012" in document(as_sdk_prints(REFUSALS["SERVICE_DISABLED"]))["meaning"]


def test_a_body_alone_tells_its_own_status() -> None:
    body = json.loads(REFUSALS["API_KEY_INVALID"].body)
    assert document(json.dumps(body))["cause"] == "API_KEY_INVALID"
    assert document(json.dumps([body]))["cause"] == "API_KEY_INVALID"
    assert document('{"error": {"message": "x", "status": "PERMISSION_DENIED"}}')["status"] == 403
    assert document('{"error": {"message": "Invalid token", "type": "one_api_error"}}')["cause"] == "gateway"


@pytest.mark.parametrize("length", [70, 100, 150, 200])
def test_a_text_that_was_cut_off_is_understood(length: int) -> None:
    cut = as_sdk_prints(REFUSALS["API_KEY_INVALID"])[: length + 60]
    assert document(cut)["cause"] == "API_KEY_INVALID"
    assert document(SEED[:length])["cause"] == "gateway"


# The corpus


FILED = list(filed())
LOST = {"bare-401", "permission--wrapped", "pydantic-settings", "bad-behind-openrouter", "terraform-variable"}
"""A number alone, and words that are cut at the end of a line: a log makes something else of them."""


@pytest.mark.parametrize("one", FILED, ids=[one.name for one in FILED])
def test_every_text_of_the_corpus_is_explained_by_its_cause(one: Text) -> None:
    assert judged(one) == RIGHT


def test_the_corpus_is_as_large_and_as_varied_as_it_is_meant_to_be() -> None:
    assert len(FILED) >= 300
    assert {one.cause for one in FILED} <= {*TABLE, "unrecognised"}
    assert len({one.cause for one in FILED}) >= 45


def test_each_answer_of_the_api_is_understood_in_each_shape() -> None:
    outcomes = [(judged(one), one.name) for one in crossed()]
    assert [name for outcome, name in outcomes if outcome == WRONG] == []
    # A message that no table knows, with no status beside it: nothing tells that it is about the request.
    not_told = [name for outcome, name in outcomes if outcome == NOT_TOLD]
    assert len(not_told) <= 4
    assert all("Please use a valid role" in name for name in not_told)


def meaning_of(cause: str) -> Meaning:
    return UNRECOGNISED if cause == "unrecognised" else TABLE[cause]


@pytest.mark.parametrize("around", AROUND)
def test_a_text_says_the_same_whatever_is_put_around_it(around: str) -> None:
    changed = {}
    # Each text in half of the ways, for time. That it is explained by its cause is another test.
    for one in FILED[list(AROUND).index(around) % 2 :: 2]:
        alone, inside = meaning_of(one.cause).verdict, meanings.of_pasted(AROUND[around](one.text))[0].verdict
        if alone != inside:
            changed[one.name] = inside
    assert set(changed.values()) <= {"unknown"}
    assert changed.keys() <= LOST


def test_the_table_of_the_corpus_is_printed() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.pasted"], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("in all")


@pytest.mark.parametrize("reason", sorted(REASONS.keys() - {"ERROR_REASON_UNSPECIFIED"}))
@pytest.mark.parametrize(
    "form",
    ['{{"error": {{"details": [{{"reason": "{}"}}]}}}}', 'rpc error: x [reason: "{}" domain: "googleapis.com"]', "{}"],
)
def test_every_reason_of_googles_is_explained_by_its_row(reason: str, form: str) -> None:
    result, row = document(form.format(reason)), REASONS[reason]
    assert (result["cause"], result["verdict"]) == (reason, row.verdict)
    assert result["remedy"]


# Other texts


@pytest.mark.parametrize(
    ("text", "verdict", "cause"),
    [
        *[(f"received {c.code} (policy violation) {c.reason}; then sent {c.code}", None, n) for n, c in CLOSES.items()],
        ("APIError: 1007 None. API key not valid. Please pass a valid API key.", "refused", "API_KEY_INVALID"),
        (
            "websockets.exceptions.InvalidStatus: server rejected WebSocket connection: HTTP 401",
            "refused",
            "unauthorized",
        ),
        ('INFO HTTP Request: POST https://x "HTTP/1.1 401 Unauthorized"', "refused", "gateway"),
        ("API key not valid. Please pass a valid API key.", "refused", "API_KEY_INVALID"),
        ("Incorrect API key provided: sk-***. See https://platform.openai.com", "refused", "openai"),
        ("genai_credentials.errors.NoCredentials: No provider of the chain has an API key:", "no_key", "no_key"),
        ("ValueError: No API key was provided. Please pass a valid API key.", "no_key", "no_key"),
        ("InvalidSecret: env: the stored value is a placeholder, not a key.", "no_key", "bad_secret"),
        ("PermissionDenied: 403 Permission 'secretmanager.versions.access' denied", "misconfigured", "store"),
        ("DefaultCredentialsError: Your default credentials were not found.", "no_key", "default_credentials"),
        (
            "google:projects/a/secrets/b: DefaultCredentialsError: Your default credentials were not found.",
            "misconfigured",
            "store",
        ),
        ("(AccessDeniedException) when calling the GetSecretValue operation", "misconfigured", "store"),
        ("MissingDependency: aws: the package of the module boto3", "misconfigured", "missing_package"),
        ("ConfigurationError: expected a path after file:", "misconfigured", "configuration"),
        ("httpx.ConnectError: [SSL: CERTIFICATE_VERIFY_FAILED] self-signed", "not_the_key", "tls"),
        ("httpx.ConnectError: [Errno -2] Name or service not known", "not_the_key", "dns"),
        ("httpx.ConnectError: [Errno 111] Connection refused", "not_the_key", "connection"),
        ("httpx.ProxyError: 407 Proxy Authentication Required", "not_the_key", "proxy"),
        ("httpx.ReadTimeout: The read operation timed out", "not_the_key", "timeout"),
        ("all is well", "unknown", "unrecognised"),
        ("[" * 3000, "unknown", "unrecognised"),
        ("{'" * 3000, "unknown", "unrecognised"),
    ],
)
def test_what_else_people_paste(text: str, verdict: str | None, cause: str) -> None:
    result = document(text)
    if close := CLOSES.get(cause):
        assert result["status"] == close.code
        assert result["verdict"] in VERDICTS[close.verdict]
    else:
        assert (result["verdict"], result["cause"]) == (verdict, cause)


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ([SEED], "gateway"),
        (SEED.split(" "), "gateway"),
        (["--", "-x", "401 Unauthorized"], "unauthorized"),
        (["-x", "401 Unauthorized"], "unauthorized"),
    ],
)
def test_the_text_may_be_an_argument_quoted_or_not(arguments: list[str], cause: str) -> None:
    done = CliRunner().invoke(cli, ["explain", "--json", *arguments])
    assert done.exit_code == 1
    assert json.loads(done.stdout)["cause"] == cause


def test_no_text_is_a_misuse() -> None:
    done = explain("  \n")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "no text to explain" in done.stderr


@given(st.text(max_size=300), st.sampled_from(["", "{'error': ", '{"error": {"message": "', "401 None. {"]))
def test_any_text_gets_an_answer_and_is_never_repeated(text: str, start: str) -> None:
    found = pasted.read(start + text)
    assert found.status is None or 400 <= found.status < 600 or found.is_close
    assert found.cause == "unrecognised" or found.cause in TABLE


HOSTILE = [
    " ", "[ ", "x", "{'", '{"a":', "[{'a': ", "1007 ", "message': '", "code ", "HTTP     ", "\\\\", "<style ", "<svg ",
    "&#x41;", "\x1b[", "\x1b]", "│", "1 a\n", "| ", "9", "key ", "api key ", "missing ", "not valid ", "secret ",
    "project ", "suspended ", "requests from referer ", "permission '", "/secret/", "http://a.googleapis.com ",
    "UNAUTHENTICATED ", "API_KEY_INVALID ", "令牌", "no such file or directory ", "codec can't encode ", "error 4",
    "invalid value at ", "secretmanager ", "api_key", "密钥", "缺少api", "access to ", "billing account ",
    "export api key ", "error: ", "message: ", "limit requests per minute ", "post https://x ",
    "null check operator", "{", "[[", "\x00",
    "\u2028", "\u202e", "1e999", "400 ",
]  # fmt: skip


@pytest.mark.parametrize("part", HOSTILE)
def test_no_text_takes_long(part: str) -> None:
    # Some of these once took minutes, and the others are of that kind: what is quadratic in a quarter of a million.
    text = (part * 262_144)[:262_144]
    began = time.process_time()
    meanings.of_pasted(f"[{text}x")
    assert time.process_time() - began < 5


def test_a_text_without_end_is_read_from_its_end() -> None:
    text = ("x" * 99 + "\n") * 200_000 + SEED
    began = time.process_time()
    assert document(text)["cause"] == "gateway"
    assert time.process_time() - began < 5


@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_an_error_anywhere_in_a_quarter_of_a_megabyte_of_log_is_found_at_once(place: float) -> None:
    line = "2026-03-04 04:05:{:02} INFO app handled request {} for user key={} in 401 ms status=200 error=None\n"
    log = "".join(line.format(number % 60, number, number * 403) for number in range(3_000))[:262_144]
    at = int(len(log) * place)
    began = time.process_time()
    result = document(f"{log[:at]}\n{as_sdk_prints(REFUSALS['leaked'])}\n{log[at:]}")
    assert (result["cause"], result["status"]) == ("leaked", 403)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("ERROR startup: No API key configured for provider google", "no_key"),
        ("ERROR app [GoogleGenerativeAI Error]: fetch failed", "connection"),
        ('ERROR app gateway said: 401 {"error": {"message": "Invalid API key"}}', "gateway"),
    ],
)
def test_words_that_many_use_are_found_in_the_middle_of_a_long_log_too(error: str, cause: str) -> None:
    line = "2026-03-04 04:05:{:02} INFO app model answered user {} with 1200 tokens, cache key k{} hit, took 12 ms\n"
    lines = [line.format(number % 60, number, number) for number in range(2_600)]
    began = time.process_time()
    result = document("".join([*lines[:1_300], error, "\n", *lines[1_300:]]))
    assert result["cause"] == cause
    assert time.process_time() - began < 3


def test_json_in_json_a_hundred_thousand_levels_deep_is_bounded() -> None:
    began = time.process_time()
    for text in ('{"error":' * 100_000, "[" * 500_000 + SEED, '{"a":"' * 80_000 + "\\" * 99_999, "9" * 400_000):
        document(text)
    assert time.process_time() - began < 20


MARKUP = (
    "[bold red]x[/] [link=file:///etc/passwd]y[/link] [/nonsense] \x1b]8;;http://x\x07z\x1b[2J \u202e \x9b31m \u2028"
    "\u2029 \u2066\x00\x85\u200b"
)


@pytest.mark.parametrize("frame", ["MARKUP", "401 None. {'error': {'message': 'MARKUP'}}", f"MARKUP {SEED} MARKUP"])
def test_nothing_of_the_text_reaches_the_screen(frame: str) -> None:
    text = frame.replace("MARKUP", MARKUP) + KEY
    for output in (explain(text).output, explain(text, "--json").output):
        assert all(character.isprintable() or character == "\n" for character in output)
        assert not any(part in output for part in ("nonsense", "passwd", "31m", "bold red", KEY))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_nothing_of_the_text_reaches_a_terminal() -> None:
    import pty

    primary, secondary = pty.openpty()
    text = f"{MARKUP.encode('utf-8', 'replace').decode()} {SEED}".replace("\x00", "")
    line = [sys.executable, "-c", "from genai_credentials.cli import main; main()", "explain", text]
    environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"}
    running = subprocess.Popen(line, stdin=secondary, stdout=secondary, stderr=secondary, env=environ)
    os.close(secondary)
    output = b""
    with contextlib.suppress(OSError):  # the end of a pseudo-terminal
        while block := os.read(primary, 65_536):
            output += block
    running.wait(60)
    os.close(primary)
    plain = re.sub(r"\x1b\[[\d;]{0,20}m", "", output.decode())
    assert "It is the key (401)." in plain
    assert all(character.isprintable() or character in "\r\n" for character in plain)
    assert not any(part in plain for part in ("nonsense", "passwd", "bold red", "20240101"))


def test_bytes_that_are_no_text_are_read(capfd: pytest.CaptureFixture[str]) -> None:
    line = [sys.executable, "-c", "from genai_credentials.cli import main; main()", "explain"]
    done = subprocess.run(line, input=b"\xff\xfe 401 Unauthorized \x00", capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"\x1b" not in done.stdout


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("lines", [0, 60_000], ids=["short", "longer than what is kept"])
def test_a_log_is_read_in_the_encoding_that_its_mark_names(codec: str, lines: int) -> None:
    text = "\ufeff" * (codec == "utf-16-be") + "GET /models 200\n" * lines + SEED
    result = CliRunner().invoke(cli, ["explain", "--json"], input=text.encode(codec))
    assert (result.exit_code, json.loads(result.stdout)["cause"]) == (1, "gateway")


def test_a_closed_input_is_no_text() -> None:
    line = f"{sys.executable} -c 'from genai_credentials.cli import main; main()' explain <&-"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no text to explain" in done.stderr


def test_every_cause_has_something_to_say() -> None:
    for name, meaning in TABLE.items():
        assert meaning.verdict in EXITS
        assert meaning.title.endswith((".", "good."))
        assert name == meaning.cause
        assert meaning.remedy or name == "other_status"
        assert all(textwrap.shorten(text, 200) == text for text in (meaning.title, meaning.remedy, *meaning.causes))


def test_help_has_an_example_and_the_exit_codes() -> None:
    columns = os.environ.get("COLUMNS")
    for verb in cli.commands:
        done = CliRunner().invoke(cli, [verb, "--help"])
        assert done.exit_code == 0
        assert "Examples:" in done.stdout
        assert "Exit codes:" in done.stdout
        assert max(map(len, done.stdout.splitlines())) <= 80
    assert os.environ.get("COLUMNS") == columns


# The documentation


DOCS = Path(__file__).parents[2] / "docs"


def test_the_reference_shows_the_help_of_each_verb_as_it_is() -> None:
    page = reference_cli.PAGE.read_text()
    assert reference_cli.shown(page) == {"", *cli.commands}
    assert page == reference_cli.filled(page), "write it anew: python -m tests.reference_cli"


@pytest.mark.parametrize("text", [SEED, "401", "InvalidSignatureException: Signature expired: 2026"])
def test_the_page_for_3_am_shows_what_is_said(text: str) -> None:
    assert explain(text).stdout in (DOCS / "how-to/on-call.md").read_text()


def test_the_reference_lists_every_cause_with_its_verdict() -> None:
    page = (DOCS / "reference-cli.md").read_text()
    for cause, meaning in TABLE.items():
        assert cause in REASONS or f"| {meaning.verdict} | `{cause}` | {meaning.title} |" in page


def test_the_page_on_rejections_lists_every_reason_with_its_verdict() -> None:
    page = (DOCS / "explanation/rejection.md").read_text()
    words = {"refused": "rejected", "misconfigured": "not ours", "not_the_key": "untouched", "unknown": "as if there"}
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    for reason, row in REASONS.items():
        (line,) = [line for line in rows if f"`{reason}`" in line]
        assert line.split("|")[2].strip().startswith(words[row.verdict]), reason
        assert "some" in line.split("|")[4] or ("yes" in line.split("|")[4]) == row.proves, reason


def test_every_schema_is_one_and_is_linked() -> None:
    for path in (DOCS / "explanation/schemas").glob("*.json"):
        jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text()))
        assert f"({path.relative_to(DOCS)})" in (DOCS / "reference-cli.md").read_text()


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_standard_input_is_read_without_a_text_and_for_a_dash(arguments: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, ["explain", "--json", *arguments], input="401 UNAUTHENTICATED")
    assert json.loads(result.stdout)["cause"] == "unauthenticated"


# Our own errors


@pytest.mark.parametrize(("scheme", "code"), [*(("aws", code) for code in AWS), *(("google", code) for code in GOOGLE)])
@pytest.mark.parametrize(
    "line",
    [
        "2026-05-02 09:14:07 WARNING genai_credentials {}: broken - {}. {}",
        "genai_credentials.errors.FetchFailed: {}: {}. {}",
        "{}: {}. {}",
    ],
)
def test_what_this_library_says_of_a_store_is_about_the_store(scheme: str, code: str, line: str) -> None:
    trouble = {"aws": AWS, "google": GOOGLE}[scheme][code]
    link = {"aws": "aws:prod/gemini#api_key", "google": "google:projects/p/secrets/s"}[scheme]
    meaning, _ = meanings.of_pasted(line.format(link, trouble, trouble.remedy))
    assert meaning.cause in ("store", "store_outage")


@pytest.mark.parametrize("form", ["{}", "Error: {}", "genai_credentials.errors.ConfigurationError: {}"])
@pytest.mark.parametrize(
    "wrong",
    [
        lambda: CredentialProvider.from_uris("gogle:projects/p/secrets/s"),
        lambda: CredentialProvider.from_uris("env"),
        lambda: CredentialProvider(lambda: KEY, ttl=0),
        lambda: CredentialProvider(lambda: KEY).client(http_options={"base_url": "http://gateway.example"}),
        lambda: CredentialProvider(lambda: KEY).client(http_options={"base_url": "gateway.example"}),
    ],
)
def test_an_error_of_this_librarys_about_a_wrong_use_is_about_the_configuration(
    wrong: Callable[[], object], form: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        wrong()
    assert meanings.of_pasted(form.format(caught.value))[0].cause == "configuration"


@pytest.mark.parametrize("source", [File("/nowhere/gemini"), File("/")])
def test_a_link_that_cannot_be_read_is_told_from_its_line_in_the_log(source: File) -> None:
    with pytest.raises(CredentialsError) as caught:
        source.fetch()
    assert meanings.of_pasted(f"WARNING genai_credentials {caught.value}")[0].cause == "mount"


def test_a_closed_provider_is_no_trouble_of_a_store() -> None:
    credentials = CredentialProvider(lambda: KEY)
    credentials.close()
    with pytest.raises(CredentialsError) as caught:
        credentials.get()
    assert meanings.of_pasted(f"genai_credentials.errors.CredentialsError: {caught.value}")[0].verdict == "unknown"
