"""What the project says of itself: extras and groups, versions that are run, addresses, forms and hooks."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
PLACES = ["README.md", "pyproject.toml", "mkdocs.yml", "docs", "providers", ".github"]


def text_files():
    for place in PLACES:
        path = ROOT / place
        yield from (file for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())


def test_no_address_of_our_own_is_advertised_since_there_is_none():
    pattern = re.compile(rb"https?://[^\s)\"'>]*genai[-_]credentials|readthedocs\.io")
    assert [file for file in text_files() if pattern.search(file.read_bytes())] == []
    assert "urls" not in PROJECT["project"]


def test_all_is_all_that_a_user_needs_at_run_time():
    (line,) = EXTRAS["all"]
    assert set(re.findall(r"\w+", line.partition("[")[2])) == EXTRAS.keys() - {"all", "demo", "test"}


def test_the_tools_of_the_project_are_groups_and_no_extras():
    assert {"dev", "docs", "bench"} == PROJECT["dependency-groups"].keys()
    assert not EXTRAS.keys() & PROJECT["dependency-groups"].keys()


def test_each_python_that_is_claimed_is_one_that_ci_looks_for():
    claimed = set(re.findall(r"Python :: 3\.(\d+)", " ".join(PROJECT["project"]["classifiers"])))
    workflow = ROOT / ".github/workflows/ci.yml"
    if not workflow.exists():
        pytest.skip("an sdist has no workflow")
    named = set(re.findall(r"^ +3\.(\d+)$", workflow.read_text(), re.MULTILINE))
    # The oldest and the newest; the one between is not run for each change.
    assert named == {min(claimed, key=int), max(claimed, key=int)}
    assert "run: .ci/run" in workflow.read_text()


def test_the_forms_for_issues_and_the_hooks_parse():
    yaml = pytest.importorskip("yaml")
    if not (ROOT / ".github").exists():
        pytest.skip("an sdist has no forms")
    for form in (ROOT / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml"):
        fields = yaml.safe_load(form.read_text())
        assert {"name", "description", "body"} <= fields.keys()
        assert [part["type"] for part in fields["body"]]
    (hooks,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    tools = " ".join(line for line in PROJECT["dependency-groups"]["dev"] if isinstance(line, str))
    assert {hook["entry"].split()[0] for hook in hooks["hooks"]} - {"python"} <= set(re.findall(r"[\w-]+", tools))


def test_the_set_up_of_a_contributor_names_extras_and_groups_that_there_are():
    page = (ROOT / "docs/contributing.md").read_text()
    (extras, group) = re.search(r"-e '\.\[([\w,]+)\]' --group (\w+)", page).groups()
    assert set(extras.split(",")) <= EXTRAS.keys()
    assert group in PROJECT["dependency-groups"]
