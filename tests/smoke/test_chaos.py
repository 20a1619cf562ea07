"""Short runs of the chaos, with bounds on counts and none on time."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

ROOT = Path(__file__).parents[2]


def chaos(*arguments):
    """What a run prints."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--seed", "13", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    return done.stdout


def number(pattern, text):
    """The number that a line of the report says."""
    return int(re.search(pattern, text)[1])


def test_a_storm_of_twenty_seconds_loses_and_hangs_nothing():
    said = chaos("--seconds", "20")
    rotations = number(r"(\d+) rotations", said)
    assert number(r"(\d+) requests", said) > 100
    assert number(r"(\d+) lost", said) == number(r"(\d+) hung", said) == 0
    assert number(r"(\d+) children", said) > 0
    assert number(r"(\d+) workers of gunicorn", said) >= 2
    assert number(r"(\d+) interrupts", said) > 10
    # Two abandoned calls and one that runs, the load's own, and some that rest.
    assert number(r"(\d+) threads at the end", said) < 60
    assert rotations > 2


def test_no_child_of_a_busy_parent_hangs():
    assert "4 children: 4 well" in chaos("forks", "--count", "4", "--only", "aws imports")


def test_replicas_that_disagree_lose_nothing():
    said = chaos("replicas", "--rotations", "1", "--only", "8 replicas, sticky, 0 to 2 s late, overlap")
    rows = re.findall(r"^.{62} +(\d+) +(\d+) +(\d+\.\d+) +(\d+) ", said, re.MULTILINE)
    assert rows
    for requests, lost, sends, fetches in rows:
        assert int(requests) > 50
        assert int(lost) == 0
        assert float(sends) < 3
        assert int(fetches) < 40
    # Without evidence of replicas that lag, a dead key is sent once: the API's error comes at once.
    assert re.search(r"no other key before it: the API's error after (0\.\d\d(, | s)){5}", said)
