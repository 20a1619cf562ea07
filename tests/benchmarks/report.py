"""What the groups hand over, and how it is printed and kept."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results.json")

PACKAGES = (
    "genai-credentials",
    "google-genai",
    "httpx",
    "httpx2",
    "aiohttp",
    "boto3",
    "google-cloud-secret-manager",
    "cachetools",
    "aws-secretsmanager-caching",
    "aws-lambda-powertools",
    "genaikeys",
    "gcp-secretmanager-cache",
    "google-auth",
    "openai",
)


@dataclass(frozen=True, slots=True)
class Reach:
    """One of the issue's aims.

    Args:
        what: Whose it is.
        limit: The aim, in words.
        measured: What was measured, in words.
        ok: Whether it was reached.
    """

    what: str
    limit: str
    measured: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Table:
    """Rows for the docs page; each has as many cells as `columns`."""

    title: str
    columns: list[str]
    rows: list[list[str]]


@dataclass(slots=True)
class Group:
    """What one group of benchmarks found.

    Args:
        name: The group's name, as for `--only`.
        title: Its heading.
        series: Numbers for its plot, by the plot's own names.
        skipped: Peers that were not measured, each with the reason.
        notes: What a reader has to know to judge the numbers.
    """

    name: str
    title: str
    reaches: list[Reach] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    series: dict[str, Any] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def reach(self, what: str, limit: str, measured: str, ok: bool) -> None:
        """Add an aim."""
        self.reaches.append(Reach(what, limit, measured, bool(ok)))


def versions() -> dict[str, str]:
    """The versions of everything that takes part, as far as it is installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def machine() -> dict[str, str]:
    """What this ran on."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()}",
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "load when it ended": " ".join(f"{load:.1f}" for load in os.getloadavg()) if hasattr(os, "getloadavg") else "?",
    }


def document(groups: list[Group], seconds: float, smoke: bool) -> dict[str, Any]:
    """Everything that is known after a run."""
    return {
        "smoke": smoke,
        "seconds": round(seconds, 1),
        "machine": machine(),
        "versions": versions(),
        "groups": [asdict(group) for group in groups],
    }


def merged(before: dict[str, Any], now: dict[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    """A later run of some groups put in the place of theirs."""
    groups = {group["name"]: group for group in before["groups"]} | {group["name"]: group for group in now["groups"]}
    seconds = round(sum(group["seconds"] for group in groups.values()), 1)
    return {**now, "seconds": seconds, "groups": [groups[name] for name in order if name in groups]}


def save(results: dict[str, Any], path: Path) -> None:
    """Write the results."""
    path.write_text(json.dumps(results, indent=1, sort_keys=False) + "\n")


def load(path: Path) -> dict[str, Any]:
    """Read what `save` wrote."""
    results: dict[str, Any] = json.loads(path.read_text())
    return results


def print_table(results: dict[str, Any]) -> None:
    """The one table: each Reach, what was measured, and whether it was reached."""
    rows = [
        (group["name"], reach["what"], reach["limit"], reach["measured"], "ok" if reach["ok"] else "MISSED")
        for group in results["groups"]
        for reach in group["reaches"]
    ]
    heads = ("group", "what", "reach", "measured", "")
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    for row in (heads, tuple("-" * width for width in widths), *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for group in results["groups"]:
        for skipped in group["skipped"]:
            print(f"{group['name']}: not measured: {skipped}")
    print(", ".join(f"{name} {number}" for name, number in results["versions"].items()))
    print(f"{', '.join(results['machine'].values())}; {results['seconds']:.0f} s", file=sys.stdout)
