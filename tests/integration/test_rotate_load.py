"""A few rotations under load: what `python -m tests.rotation_load` says."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_request_is_lost_through_rotations_in_either_process() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.rotation_load", "--rotations", "3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = [json.loads(line) for line in re.findall(r"^process \d: (.*)$", done.stdout, re.MULTILINE)]
    assert done.stdout.count("rotation ") == 3
    assert [count["sent"] > 100 for count in counts] == [True, True]
    # Neither a key that flaps nor one that is not live everywhere makes a process ask the store more than it has to.
    assert all(1 < count["fetches"] <= 8 for count in counts)
