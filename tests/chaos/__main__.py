"""Chaos around a rotation.

    python -m tests.chaos --seconds 600 --seed 1     everything at once, and what is lost
    python -m tests.chaos forks --count 200          children of parents that are busy
    python -m tests.chaos replicas                   replicas of the API that disagree, row by row

The exit code is 1 when a request was lost that a key in a store would have served, or when something hangs.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Chaos around a rotation.")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long; 60 unless told")
    parser.add_argument("--seed", type=int, default=None, help="of rotations, faults and moments; random unless told")
    kinds = parser.add_subparsers(dest="kind")
    forks = kinds.add_parser("forks", help="children of parents that are busy")
    forks.add_argument("--count", type=int, default=200, help="how many children; 200 unless told")
    forks.add_argument("--only", default="", help="only parents whose name contains this")
    replicas = kinds.add_parser("replicas", help="replicas of the API that disagree")
    replicas.add_argument("--rotations", type=int, default=3, help="for each row; 3 unless told")
    replicas.add_argument("--only", default="", help="only rows whose name contains this")
    asked = parser.parse_args()
    logging.getLogger("genai_credentials").addHandler(logging.NullHandler())
    seed = random.randrange(10**6) if asked.seed is None else asked.seed
    if asked.kind == "replicas":
        from .replicas import main as run_replicas

        return run_replicas(asked.rotations, asked.only)
    print(f"seed {seed}", flush=True)
    if asked.kind == "forks":
        from .forks import main as run_forks

        return run_forks(asked.count, seed, asked.only)
    from .storm import main as run_storm

    return run_storm(asked.seconds, seed)


if __name__ == "__main__":
    sys.exit(main())
