"""The plug-in that searches the suite for keys: over one rotation it finds none, and many when redaction is off.

`python -m pytest -p tests.leaks.plugin` runs it over everything, which takes too long to be done each time.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
ROTATION = "tests/integration/test_redaction.py::test_a_rotation_through_both_stores_and_all_ways_to_ask"

PLANTED = """
import base64, json, logging, subprocess, sys, urllib.parse, warnings
import pytest
from genai_credentials import ApiKey
from genai_credentials.testing import FakeGemini

KEY = "AIzaSome/Planted+key&more"

@pytest.fixture(autouse=True)
def known():
    ApiKey(KEY, provider="test")

def child(code):
    subprocess.run([sys.executable, "-c", f"from genai_credentials import ApiKey; KEY = {KEY!r}; {code}"], check=True)

def test_clean():
    logging.getLogger("genai_credentials").debug("%s", ApiKey(KEY, provider="test"), extra={"n": 1})
    with FakeGemini(KEY):
        print("nothing")

def test_hit_in_a_message():
    logging.getLogger("genai_credentials").debug("%s", KEY)

def test_hit_in_an_argument():
    logging.getLogger("genai_credentials").debug("%(n)d", {"n": 1, "key": KEY})

def test_hit_in_an_attribute_in_base64():
    encoded = base64.b64encode(f"{{{KEY}}}".encode())
    logging.getLogger("genai_credentials").debug("it", extra={"part": {"deep": [encoded]}})

def test_hit_in_an_attribute_in_a_message_of_protocol_buffers():
    from google.cloud.secretmanager_v1 import SecretPayload
    logging.getLogger("genai_credentials").debug("it", extra={"part": (SecretPayload(data=KEY.encode()),)})

def test_hit_in_a_logger_made_late_that_does_not_propagate():
    logger = logging.getLogger("genai_credentials.made.late")
    logger.propagate = False
    logger.setLevel(logging.ERROR)
    logger.debug(urllib.parse.quote(KEY))

def test_hit_in_a_traceback():
    logging.getLogger("genai_credentials").debug("it", exc_info=ValueError(json.dumps(KEY)))

def test_hit_in_the_locals_of_ours():
    code = "def fail(text):\\n    key = text\\n    raise ValueError('clean')"
    exec(code, there := {"__name__": "genai_credentials.planted"})
    try:
        there["fail"](KEY)
    except ValueError:
        logging.getLogger("genai_credentials").exception("it")

def test_hit_on_stdout():
    print(KEY)

def test_hit_on_stderr_that_the_test_reads(capfd):
    print(KEY, file=sys.stderr)
    assert KEY in capfd.readouterr().err

def test_hit_in_a_warning_that_the_test_expects():
    with pytest.warns(UserWarning):
        warnings.warn(f"{KEY}!")

def test_hit_in_the_output_of_a_child():
    done = subprocess.run([sys.executable, "-c", f"print({KEY!r})"], stdout=subprocess.PIPE, check=True)
    assert done.stdout

def test_hit_in_a_pipe_that_is_read_by_line():
    with subprocess.Popen([sys.executable, "-c", f"print({KEY!r})"], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline()

def test_hit_in_a_record_of_a_child():
    child("import logging; logging.getLogger('genai_credentials').debug(KEY)")

def test_hit_for_a_key_that_only_a_child_knows():
    key = "ApiKey(KEY[::-1], provider='test').get_secret_value()"
    child(f"import logging; logging.getLogger('genai_credentials').debug({key})")
"""
"""A test for each place that is searched, with a key in it; each but the first is to be found."""


class Searched(NamedTuple):
    """The exit code, the figures of the last line by what they count, and all that was printed."""

    code: int
    figures: dict[str, int]
    printed: str


def searched(*arguments: str) -> Searched:
    """What the plug-in says of a run."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.leaks.plugin", *arguments]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "TESTS_LEAKS_"))}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert "leaks: " in done.stdout, done.stdout + done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("leaks: "))
    figures = {name: int(number) for number, name in re.findall(r"(\d+) (\w+)", line)}
    assert not re.search(r"\d (failed|errors?)\b", done.stdout), done.stdout
    return Searched(done.returncode, figures, done.stdout)


def test_a_rotation_through_both_stores_shows_no_key_anywhere() -> None:
    run = searched(ROTATION)
    assert run.code == 0
    assert run.figures["hits"] == 0
    assert run.figures["records"] > 200
    assert run.figures["loggers"] > 10
    assert run.figures["keys"] >= 4


def test_without_redaction_the_run_fails_and_says_where_each_key_was() -> None:
    run = searched("--no-redaction", ROTATION)
    assert run.code == 1
    assert run.figures["hits"] > 0
    for place in ("botocore.parsers, message", "botocore.endpoint, args", "grpc, attribute response", "stderr, text"):
        assert re.search(rf"^HIT: .*{re.escape(place)}", run.printed, re.MULTILINE), place
    assert "AIza" not in run.printed


def test_a_key_is_found_in_each_place_where_one_could_be(tmp_path: Path) -> None:
    (tmp_path / "test_planted.py").write_text(PLANTED)
    names = set(re.findall(r"def (test_hit_\w+)", PLANTED))
    run = searched(str(tmp_path / "test_planted.py"), "--capture=fd", "-o", "filterwarnings=default")
    found = set(re.findall(r"^HIT: \S*::(test_\w+): ", run.printed, re.MULTILINE))
    assert found == names
    assert run.code == 1


def test_workers_send_what_they_found_to_the_one_who_reports(tmp_path: Path) -> None:
    (tmp_path / "test_planted.py").write_text(PLANTED)
    run = searched(str(tmp_path / "test_planted.py"), "-k", "message or stdout or clean", "-n", "2")
    assert run.code == 1
    assert run.figures["hits"] >= 3
