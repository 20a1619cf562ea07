"""Each benchmark runs: one iteration, in a process of its own, and no time is judged."""

import json
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
GROUPS = ("warm", "requests", "herd", "rotation", "start", "fleet", "proxy")
PEERS = {
    "aws-secretsmanager-caching": "aws_secretsmanager_caching",
    "Powertools": "aws_lambda_powertools",
    "genaikeys": "genaikeys",
    "gcp-secretmanager-cache": "gcp_secretmanager_cache",
    "openai": "openai",
}


@cache
def results(group: str) -> dict[str, Any]:
    """What one iteration of a group's benchmarks found, and what it printed."""
    with TemporaryDirectory() as folder:
        out = Path(folder, "results.json")
        command = [sys.executable, "-m", "tests.benchmarks", "--smoke", "--only", group, "--out", str(out)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return {**json.loads(out.read_text()), "printed": done.stdout}


@pytest.mark.parametrize("name", GROUPS)
def test_each_group_runs_and_reports_its_reaches(name: str) -> None:
    found = results(name)
    (group,) = found["groups"]
    assert group["name"] == name
    assert group["reaches"]
    assert group["tables"]
    for table in group["tables"]:
        assert {len(row) for row in table["rows"]} == {len(table["columns"])}
    for reach in group["reaches"]:
        assert reach["what"] in found["printed"]


@pytest.mark.parametrize("peer", PEERS)
def test_each_peer_takes_part(peer: str) -> None:
    if find_spec(PEERS[peer]) is None:
        pytest.skip(f"{PEERS[peer]} is not installed: pip install --group bench")
    (group,) = results("warm")["groups"]
    assert any(peer in row[0] for table in group["tables"] for row in table["rows"])


def test_the_counts_hold_even_in_one_iteration() -> None:
    (herd,) = results("herd")["groups"]
    assert all(reach["ok"] for reach in herd["reaches"] if reach["limit"] == "1 fetch")
    (rotation,) = results("rotation")["groups"]
    assert rotation["reaches"][0]["measured"].startswith("0 of ")


@pytest.mark.skipif(
    not Path(ROOT, "tests", "benchmarks", "results.json").exists(),
    reason="no result is kept yet: python -m tests.benchmarks makes one on a quiet machine",
)
def test_the_page_was_made_from_the_result_file() -> None:
    kept = json.loads(Path(ROOT, "tests", "benchmarks", "results.json").read_text())
    page = Path(ROOT, "docs", "benchmarks.md").read_text()
    assert not kept["smoke"]
    for group in kept["groups"]:
        for reach in group["reaches"]:
            assert f"{reach['what']} | {reach['limit']} | {reach['measured']}" in page
