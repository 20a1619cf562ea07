"""A wrong command line: each error names the option or argument and says what to type; none repeats a key."""

import pytest
from click.testing import CliRunner, Result
from terminals import on_terminal

from genai_credentials.cli.app import cli

KEY = "AIzaSyOne-NeverToBeSeen_0123456789abcdef"
TOKEN = "3f2a9c77d01b4e55aa60f7c1b2d3e4f5"
"""A gateway's token: nothing in it shows that it is a key."""

HELP = "Help: genai-credentials"
EMPTY = "the value is empty"

WRONG = [
    # The command
    ("statsu", "No such command: 'statsu'.", "Did you mean 'status'?"),
    ("help", "No such command: 'help'.", f"{HELP} --help"),
    ("aws:prod/gemini", "No such command: 'aws:prod/gemini'.", "genai-credentials status aws:prod/gemini"),
    ("--json", "No such option: '--json'.", "genai-credentials status --json"),
    ("--versoin", "No such option: '--versoin'.", "Did you mean '--version'?"),
    # The options
    ("check --baseurl x", "No such option: '--baseurl'.", "Did you mean '--base-url'?"),
    ("check -json", "No such option: '-j'.", "Did you mean '--json'?"),
    ("check --nonsense", "No such option: '--nonsense'.", f"{HELP} check --help"),
    ("run --varable NAME -- true", "No such option: '--varable'.", "Did you mean '--variable'?"),
    ("run env: --varable NAME -- true", "No such option: '--varable'.", "Did you mean '--variable'?"),
    ("check --base-url", "Option --base-url has no value.", "Write --base-url URL."),
    ("check --json=1", "Option --json takes no value.", "Write --json alone."),
    ("check --timeout 1 --timeout 2", "Option --timeout is given 2 times.", "Give it once."),
    ("watch --ttl=5 --count 1 --ttl 6", "Option --ttl is given 2 times.", "Give it once."),
    ("run --variable A --variable B -- true", "Option --variable is given 2 times.", "Give it once."),
    ("proxy --port 1 --port 1 -- true", "Option --port is given 2 times.", "Give it once."),
    # Numbers, URLs and names
    ("proxy --port 80000", "--port: '80000' is not a whole number from 0 to 65535.", "--port 8787"),
    ("proxy --port abc", "--port: 'abc' is not a whole number from 0 to 65535.", "--port 8787"),
    ("proxy --port -1", "--port: '-1' is not a whole number from 0 to 65535.", "--port 8787"),
    ("proxy --port 1.5", "--port: '1.5' is not a whole number", "--port 8787"),
    ("check --timeout -1", "--timeout: '-1' is not a number of seconds from 0.1 to 600.", "--timeout 10"),
    ("doctor --timeout nan", "--timeout: 'nan' is not a number of seconds", "--timeout 10"),
    ("doctor --timeout inf", "--timeout: 'inf' is not a number of seconds", "--timeout 10"),
    ("watch --interval 0", "--interval: '0' is not a number of seconds from 0.05 to 3600.", "--interval 2"),
    ("watch --count 0", "--count: '0' is not a whole number of at least 1.", "--count 5"),
    ("demo --seconds 1h", "--seconds: '1h' is not a number of seconds from 1 to 600.", "--seconds 10"),
    ("rotate file:key --retire-after 1w", "--retire-after: '1w' is not a duration", "--retire-after 90d"),
    ("rotate file:key --project Acme!", "--project: 'Acme!' is not a project's id.", "--project acme-prod"),
    ("rotate file:key --service-account me", "--service-account: 'me' is not a name of", "--service-account gemini@"),
    ("put file:key --base-url gateway", "--base-url: 'gateway' is not a URL of http or https.", "--base-url https://"),
    ("proxy --upstream ftp://gateway", "--upstream: 'ftp://gateway' is not a URL", "--upstream https://"),
    # Empty values
    ("check --base-url ''", f"--base-url: {EMPTY}", "--base-url https://"),
    ("check --timeout ''", f"--timeout: {EMPTY}", "--timeout 10"),
    ("check ''", f"URI: {EMPTY}", "leave it out"),
    ("put ''", f"URI: {EMPTY}", "genai-credentials put google:projects/"),
    ("rotate file:key --also ''", f"--also: {EMPTY}", "leave it out"),
    ("run --uri '' -- true", f"--uri: {EMPTY}", "leave it out"),
    ("run --variable '' -- true", f"--variable: {EMPTY}", "leave it out"),
    ("proxy --token-file ''", f"--token-file: {EMPTY}", "--token-file ./name"),
    ("explain ''", "There is no text to explain.", 'genai-credentials explain "'),
    # Arguments
    ("put", "Missing argument: URI.", "genai-credentials put google:projects/"),
    ("rotate", "Missing argument: URI.", "genai-credentials rotate google:projects/"),
    ("run", "Missing argument: COMMAND.", "genai-credentials run -- "),
    ("run env:", "Missing argument: COMMAND.", "genai-credentials run env: -- COMMAND"),
    ("run env: gemini", "Before --, 'gemini' is not a URI.", "genai-credentials run env: -- COMMAND"),
    ("proxy --", "After -- the command is missing.", "genai-credentials proxy -- "),
    ("put file:key more", "Got unexpected extra argument: 'more'.", "Usage: genai-credentials put [OPTIONS] URI"),
    ("demo one two", "Got unexpected extra arguments: 'one', 'two'.", "Leave them out."),
    # Options that exclude each other
    ("rotate file:key --status --dry-run", "--status and --dry-run exclude each other.", "Give one of them."),
    ("proxy --port 1 --unix x", "--port and --unix exclude each other.", "Give one of them."),
]

LEAKS = [
    "{}", "--{}", "--{}=1", "check --{}", "check --base-url {}", "check --timeout {}", "check --json={}", "check -{}",
    "watch --count {}", "watch --ttl {} env:", "put dotenv:.env {}", "put {} {}", "fingerprint {}",
    "fingerprint env: {}",
    "run --variable {}! -- true", "run {} -- true", "run env: {} -- true", "run {}", "run -- {}", "run -- ./{}",
    "rotate file:key --project {}", "rotate file:key --retire-after {}", "rotate file:key --service-account {}",
    "rotate file:key --also {}", "proxy --port {}", "proxy --upstream {}", "demo {}", "demo --seconds {}", "status {}",
]  # fmt: skip


def words(line: str) -> list[str]:
    return ["" if word == "''" else word for word in line.split(" ")]


def invoke(arguments: list[str]) -> Result:
    return CliRunner(env={"GEMINI_API_KEY": KEY}).invoke(cli, arguments, prog_name="genai-credentials")


@pytest.mark.parametrize(("line", "what", "remedy"), WRONG, ids=[line for line, _, _ in WRONG])
def test_an_error_says_what_is_wrong_and_what_to_type(line: str, what: str, remedy: str) -> None:
    done = invoke(words(line))
    assert (done.exit_code, done.stdout) == (2, "")
    first, second, *more = done.stderr.splitlines()
    assert first.startswith(f"Error: {what}")
    assert remedy in second
    assert more == []


@pytest.mark.parametrize("text", [KEY, TOKEN], ids=["key", "token"])
@pytest.mark.parametrize("line", LEAKS)
def test_no_error_repeats_a_key(line: str, text: str) -> None:
    done = invoke([word.replace("{}", text) for word in line.split(" ")])
    assert done.exit_code in (2, 127)
    assert text[4:] not in done.output
    assert text[4:] not in repr(done.exception)


@pytest.mark.parametrize("place", ["--unix", "--token-file"])
def test_a_key_is_not_taken_for_a_path(place: str) -> None:
    done = invoke(["proxy", place, KEY])
    assert done.exit_code == 2
    assert f"{place}: a text of {len(KEY)} characters is not a path." in done.stderr
    assert KEY[4:] not in done.output


def test_a_flag_may_be_repeated_and_an_option_with_several_values_too() -> None:
    done = invoke(["status", "--json", "--json", "env:"])
    assert done.exit_code == 0
    both = invoke(["run", "--uri", "file:/nowhere", "--uri", "env:", "--", "/nowhere/command"])
    assert both.exit_code == 127


def test_help_is_shown_whatever_else_is_typed() -> None:
    done = invoke(["put", "one", "two", "--help"])
    assert done.exit_code == 0
    assert done.stdout.startswith("Usage: genai-credentials put")


@pytest.mark.parametrize("columns", [60, 80])
def test_an_error_fits_the_terminal_and_a_mark_stays_below_its_character(columns: int) -> None:
    code, shown = on_terminal("put", "dotenv:.env", KEY, columns=columns)
    assert code == 2
    assert max(map(len, shown.decode().splitlines())) < columns
    code, shown = on_terminal("status", "aws:prod/a-name-that-is-rather-long/gemini?zone=eu-west-1", columns=columns)
    lines = shown.decode().splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("  aws:prod/"))
    assert lines[place][lines[place + 1].index("^") :].startswith("zone=")
    assert code == 2
