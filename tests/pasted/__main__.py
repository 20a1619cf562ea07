"""How many texts `explain` gets right, cause by cause: `python -m tests.pasted`.

The texts are those of `tests/data/errors`, and each answer of the API in each shape. The exit code is 1 when one is wrong.
"""

from __future__ import annotations

import sys
from collections import Counter

from .corpus import NOT_TOLD, RIGHT, WRONG, crossed, filed, judged


def main() -> int:
    """Print the table."""
    counts: dict[str, Counter[str]] = {}
    for one in (*filed(), *crossed()):
        outcome = judged(one)
        counts.setdefault(one.cause, Counter())[outcome] += 1
        if outcome != RIGHT:
            print(f"{outcome}: {one.name}")
    print(f"{'cause':<34}{RIGHT:>8}{NOT_TOLD:>16}{WRONG:>8}")
    total: Counter[str] = sum(counts.values(), Counter())
    for cause, row in [*sorted(counts.items()), ("in all", total)]:
        print(f"{cause:<34}{row[RIGHT]:>8}{row[NOT_TOLD]:>16}{row[WRONG]:>8}")
    return 1 if total[WRONG] else 0


if __name__ == "__main__":
    sys.exit(main())
