"""A short storm over many tenants: what `python -m tests.tenants_storm` says."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_request_has_a_wrong_key_or_is_lost_or_served_twice():
    done = subprocess.run(
        [sys.executable, "-m", "tests.tenants_storm", "--requests", "1000"],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    print(done.stdout, done.stderr)
    found = json.loads(done.stdout)
    assert (found["wrong"], found["twice"], found["lost"]) == (0, 0, [])
    assert found["requests"] > 900
    assert found["arrived"] > found["requests"] * 0.9
    assert found["factory calls"] > 200
    assert found["refused by the API"] > 20
    assert found["most threads"] < 250
    assert done.returncode == 0
