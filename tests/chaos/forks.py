"""Children of busy parents: `python -m tests.chaos forks --count 200`.

Each parent is a process of its own that forks a few children at random moments of what it does (`parent.py`), with
four busy loops beside it. A child asks for the key and speaks to the API; it hangs when it neither ends nor works for
`QUIET` seconds.
The same command shows the old code's hangs when PYTHONPATH names it.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from genai_credentials.testing import AWSEmulator, FakeGemini, SecretManagerEmulator

from .busy import busy_loops
from .parent import DOINGS, STORES

ROOT = Path(__file__).parents[2]
NAME, SECRET, KEY = "prod/gemini", "projects/p/secrets/s", "AIzaExample-1"
CHILDREN = 4
"""Of each parent."""

QUIET = 30.0
"""Seconds without any work after which a child hangs."""

LONGEST = 600.0
"""Seconds that a parent may take with all its children."""


@contextmanager
def servers() -> Iterator[dict[str, str]]:
    """The stores and the API; yields the variables that tell where they are."""
    with ExitStack() as stack:
        aws, google = stack.enter_context(AWSEmulator()), stack.enter_context(SecretManagerEmulator())
        api = stack.enter_context(FakeGemini(KEY, tls=True))
        aws.add(NAME, KEY)
        google.add(SECRET, KEY)
        yield {
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": aws.endpoint_url,
            "AWS_ACCESS_KEY_ID": "emulator",
            "AWS_SECRET_ACCESS_KEY": "emulator",
            "AWS_DEFAULT_REGION": "us-east-1",
            "CHAOS_GOOGLE": google.target,
            "CHAOS_API": api.base_url,
            "SSL_CERT_FILE": str(api.ca_file),
        }


def run_parent(store: str, doing: str, seed: int, environ: dict[str, str]) -> dict[str, Any]:
    """One parent, and what became of its children: how many are well, failed, or hang."""
    command = [sys.executable, "-m", "tests.chaos.parent", store, doing, str(seed), str(CHILDREN), str(QUIET)]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"well": 0, "hung": CHILDREN, "failed": ["the parent hangs, with its children unborn"]}
    except (IndexError, ValueError):
        return {"well": 0, "hung": 0, "failed": [f"the parent ended with {done.returncode}: {done.stderr[-2000:]}"]}
    return found | {"stderr": done.stderr}


def run(count: int, seed: int, only: str = "") -> Counter[str]:
    """So many children in all; how many were well, failed and hung. What happens is printed as it does."""
    dice, tally = random.Random(seed), Counter[str](well=0, failed=0, hung=0)
    ways = [(store, doing) for store in STORES for doing in DOINGS if only in f"{store} {doing}"]
    with servers() as environ, busy_loops(4):
        for number in range(-(-count // CHILDREN)):
            store, doing = ways[number % len(ways)]
            found = run_parent(store, doing, dice.randrange(10**6), environ)
            tally.update(well=found["well"], hung=found["hung"], failed=len(found["failed"]))
            waited = f"the longest fork took {found.get('longest_fork', 0):.1f} s"
            print(f"{number + 1}: {store}, {doing}: {found['well']} of {CHILDREN} well, {waited}", flush=True)
            for line in found["failed"]:
                print(f"  {line}")
            if found["hung"]:
                print(f"  {found['hung']} hung\n{found.get('stderr', '')[-6000:]}", flush=True)
    return tally


def main(count: int, seed: int, only: str) -> int:
    """Print what became of the children; 1 when one failed or hung."""
    tally = run(count, seed, only)
    print(f"{tally.total()} children: {tally['well']} well, {tally['failed']} failed, {tally['hung']} hung")
    return int(tally["failed"] + tally["hung"] > 0)
