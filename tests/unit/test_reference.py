"""The reference pages name each public name, and none that there isn't; the supported versions are the project's."""

import pkgutil
import re
import tomllib
from pathlib import Path

import pytest

import genai_credentials
from genai_credentials import testing

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs/reference").glob("*.md"))
ALL = "\n".join(page.read_text() for page in PAGES)
DIRECTIVE = re.compile(r"^::: (\S+)\n(?:    options:\n(?:      .*\n)*?      members: \[(.*)\]\n)?", re.MULTILINE)


def named_on(page: str) -> dict[str, object]:
    """What the page's directives name, by its full name; for a module, what is defined there."""
    named: dict[str, object] = {}
    for path, members in DIRECTIVE.findall(page + "\n"):
        thing = pkgutil.resolve_name(path)
        if not hasattr(thing, "__path__") and not hasattr(thing, "__file__"):
            named[path] = thing
            continue
        defined = [name for name in vars(thing) if getattr(vars(thing)[name], "__module__", None) == path]
        for name in re.findall(r"\w+", members) or [name for name in defined if name[0].isalpha()]:
            named[f"{path}.{name}"] = getattr(thing, name)
    return named


@pytest.mark.parametrize("package", [genai_credentials, testing], ids=["genai_credentials", "testing"])
def test_each_public_name_is_on_the_pages(package: object) -> None:
    named = [id(thing) for thing in named_on(ALL).values()]
    assert [name for name in package.__all__ if id(getattr(package, name)) not in named] == []


def test_what_is_on_the_pages_is_there_once() -> None:
    named = named_on(ALL)
    assert ALL.count("\n::: ") == len(DIRECTIVE.findall(ALL + "\n"))
    assert len({id(thing) for thing in named.values()}) == len(named) > 30


@pytest.mark.parametrize("package", [genai_credentials, testing], ids=["genai_credentials", "testing"])
def test_each_public_name_has_a_heading_to_link_to_unless_it_is_an_error(package: object) -> None:
    headings = set(re.findall(r"^## (.*)$", ALL, re.MULTILINE))
    names = [name for name in package.__all__ if not is_an_error(getattr(package, name))]
    assert [name for name in names if name not in headings] == []


def is_an_error(thing: object) -> bool:
    return isinstance(thing, type) and issubclass(thing, Exception)


@pytest.mark.parametrize(
    "page",
    [
        "::: genai_credentials.errors.Vanished\n",
        "::: genai_credentials.vanished\n",
        "::: genai_credentials.uris\n    options:\n      members: [parse, vanished]\n",
    ],
)
def test_a_name_that_is_not_there_is_noticed(page: str) -> None:
    with pytest.raises((AttributeError, ImportError), match=r"(?i)vanished"):
        named_on(page)


def test_the_supported_versions_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    minors = [int(minor) for minor in re.findall(r"Python :: 3\.(\d+)", " ".join(project["classifiers"]))]
    (sdk,) = [
        re.fullmatch(r"google-genai>=([\d.]+),<(\d+)", line) for line in project["dependencies"] if "genai" in line
    ]
    rows = re.findall(r"^\| (.*?) \| (.*?) \|", (ROOT / "docs/security.md").read_text(), re.MULTILINE)
    assert project["requires-python"] == f">=3.{min(minors)}"
    assert dict(rows)["Python"] == f"3.{min(minors)} to 3.{max(minors)}"
    assert dict(rows)["google-genai"] == f"{sdk[1]} to {int(sdk[2]) - 1}.x"
