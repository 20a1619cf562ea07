"""A short soak: what `python -m tests.soak` says, with bounds on counts and none on time."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_no_request_is_lost_in_either_process():
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak", "--seconds", "15"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    processes = re.findall(r"process: (\d+) requests, (\d+) lost, .*; (\d+) fetches for rejections", done.stdout)
    (revoked,) = re.findall(r"(\d+) keys revoked", done.stdout)
    assert len(processes) == 2
    for requests, lost, fetches in processes:
        assert (int(requests) > 100, int(lost)) == (True, 0)
        assert 0 < int(fetches) <= int(revoked)
