"""The pages by themselves: links and anchors, policies and manifests that parse, names that are those of the code."""

import ast
import itertools
import json
import re
import shlex
import typing
from pathlib import Path

import pytest

import genai_credentials
import glossary
from genai_credentials.cli.app import cli
from genai_credentials.events import LINES, Event, EventName
from genai_credentials.uris import parse

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SITE = sorted(page for page in DOCS.rglob("*.md") if "examples" not in page.parts)
PAGES = [ROOT / "README.md", *SITE]
PACKAGE = Path(genai_credentials.__path__[0])

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


def name(page):
    return str(page.relative_to(ROOT))


def prose(page):
    return FENCE.sub("", page.read_text())


def blocks(page, language):
    """The blocks of a language, each with its title, "" without one."""
    fence = re.compile(rf'^```{language}(?: title="([^"]*)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
    return fence.findall(page.read_text())


def anchors(page):
    """The ids of a page's headings, made as Python-Markdown makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    plain = [re.sub(r"[^\w\s-]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)) for heading in headings]
    return {re.sub(r"[-\s]+", "-", heading.strip().lower()) for heading in plain}


def rows(page, heading):
    """The rows of the first table below a heading, without its head, each as a list of cells."""
    below = page.read_text().split(f"\n## {heading}\n", 1)[1]
    table = re.search(r"(?:^\|.*\|\n)+", below, re.MULTILINE).group()
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in table.splitlines()[2:]]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_link_leads_somewhere(page):
    for target in LINK.findall(prose(page)):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.is_file(), f"{name(page)}: {target}"
        assert linked == ROOT / "README.md" or linked.is_relative_to(DOCS), f"{name(page)}: {target} is not on the site"
        if anchor:
            assert anchor in anchors(linked), f"{name(page)}: {target}"


# Words


@pytest.mark.parametrize("page", glossary.pages(), ids=name)
def test_a_word_of_the_glossary_is_linked_where_a_page_first_uses_it(page):
    uses = {place: glossary.first_use(page.read_text(), place) for place in glossary.WORDS}
    unlinked = [place for place, use in uses.items() if use and not use.linked]
    assert unlinked == [], "link them: python -m tests.glossary"


def test_the_glossary_has_the_words():
    assert set(glossary.WORDS) <= anchors(glossary.GLOSSARY)


def test_each_page_can_be_reached():
    navigation = (ROOT / "mkdocs.yml").read_text().split("\nnav:\n", 1)[1]
    listed = re.findall(r": (\S+\.md)$", navigation, re.MULTILINE)
    assert sorted(listed) == sorted(str(page.relative_to(DOCS)) for page in SITE)


# Blocks that are copied


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "json")], ids=name)
def test_each_json_block_parses(page):
    for title, text in blocks(page, "json"):
        assert json.loads(text), title


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "yaml")], ids=name)
def test_each_yaml_block_parses(page):
    yaml = pytest.importorskip("yaml")
    for title, text in blocks(page, "yaml"):
        assert yaml.safe_load(text), title


@pytest.mark.parametrize("page", [page for page in SITE if page.read_text().startswith("---\n")], ids=name)
def test_what_a_page_says_of_itself_is_yaml(page):
    # Otherwise the site shows it as the first heading.
    yaml = pytest.importorskip("yaml")
    assert "description" in yaml.safe_load(page.read_text().split("---\n")[1])


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=name)
def test_each_python_block_is_python(page):
    for title, text in blocks(page, "python"):
        if not text.startswith((">>>", "--8<--")):
            compile(text, title or str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_command_and_each_chain_that_is_shown_can_be_typed(page):
    for line in typed(page):
        for assigned in re.findall(r'GENAI_CREDENTIALS=("[^"]*"|\S+)', line):
            check_chain(assigned.strip('"').split())
        if "genai-credentials" in (words := shlex.split(line, comments=True)):
            verb, *arguments = words[words.index("genai-credentials") + 1 :]
            # What comes after a pipe or a redirection is the shell's.
            arguments = list(itertools.takewhile(lambda word: word not in ("|", ";", "&&", ">"), arguments))
            check_command(
                verb.rstrip(";"),
                [re.sub(r"^\$(GW|API|GATEWAY)$", "https://gateway.example", word) for word in arguments],
            )


def typed(page):
    """The lines that a reader types or sets, with those that a backslash goes on with."""
    for language in ("sh", "console", "text"):
        for _, text in blocks(page, language):
            for line in re.sub(r"\\\n\s*", "", text).splitlines():
                # A wide line of the terminal is folded at 80 columns on the pages of the command.
                if (language == "sh" or line.startswith("$ ")) and line.count('"') % 2 == 0 and len(line) < 80:
                    yield line.removeprefix("$ ")


def check_command(verb, arguments):
    if not {"--help", "--version"} & {verb, *arguments}:
        # Below the group's, as on a command line: click keeps what it first makes of a verb's options.
        group = cli.make_context("genai-credentials", [verb, *arguments])
        context = cli.commands[verb].make_context(verb, list(arguments), parent=group)
        check_chain(context.params.get("uris") or ())


def check_chain(uris):
    for uri in uris:
        # One of an example's plug-in, and those of variables.
        if not uri.startswith(("keyring:", "$")):
            assert parse(uri)


def titled(page, language):
    return dict(blocks(DOCS / page, language))


def test_the_policies_of_aws_allow_one_secret_to_be_read_and_nothing_else():
    policy = json.loads(titled("how-to/aws.md", "json")["policy.json"])
    read, decrypt = policy["Statement"]
    assert read["Action"] == "secretsmanager:GetSecretValue"
    assert re.fullmatch(r"arn:aws:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/]+-\?{6}", read["Resource"])
    assert decrypt["Action"] == "kms:Decrypt"
    assert decrypt["Condition"] == {"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}}
    terraform = titled("how-to/aws.md", "hcl")["aws.tf"]
    actions = re.findall(r'actions += \["([^"]+)"\]', terraform)
    assert actions == [read["Action"], decrypt["Action"]]
    assert "*" not in terraform + json.dumps(policy)


def test_the_roles_of_google_give_the_one_permission():
    role = json.loads(titled("how-to/google-cloud.md", "json")["role.json"])
    assert role["includedPermissions"] == ["secretmanager.versions.access"]
    for terraform in titled("how-to/google-cloud.md", "hcl").values():
        assert set(re.findall(r'role += "([^"]+)"', terraform)) == {"roles/secretmanager.secretAccessor"}
    commands = (DOCS / "how-to/google-cloud.md").read_text()
    assert set(re.findall(r"--role=\"([^\"]+)\"", commands)) == {"roles/secretmanager.secretAccessor"}


# Names


def test_the_page_on_alerts_lists_the_events_and_their_fields():
    page = DOCS / "how-to/monitor.md"
    names = {cells[0].strip("`") for cells in rows(page, "Events")}
    assert names == set(typing.get_args(EventName)) == set(LINES)
    fields = re.findall(r"^\| `(\w+)` \| .* \|$", page.read_text().split("| field | |", 1)[1].split("\n\n")[0], re.M)
    assert tuple(fields) == Event._fields


def extras():
    """What the package's warnings carry, by the name of their event, read from its source."""
    provenance = {"provider", "version", "fingerprint"}
    found = {}
    for module in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "extra" and isinstance(node.value, ast.Dict):
                fields, event = set(), None
                for key, value in zip(node.value.keys, node.value.values, strict=True):
                    fields |= provenance if key is None else {key.value}
                    event = value.value if key is not None and key.value == "event" else event
                found.setdefault(event, set()).update(fields - {"event"})
    return found


def test_the_page_on_alerts_lists_the_log_records_and_their_fields():
    *warnings, events = rows(DOCS / "how-to/monitor.md", "Log records")
    shown = {row[1].strip("`"): set(re.findall(r"`(\w+)`", row[2])) for row in warnings}
    assert {row[0] for row in warnings} == {"WARNING"}
    assert shown == extras()
    at_debug = {name for name, (level, _) in LINES.items() if level == 10}
    assert {level for level, _ in LINES.values()} == {10, 20}
    assert set(re.findall(r"`(\w+)`", events[3])) == at_debug


def test_the_alerts_are_about_events_and_records_that_there_are():
    page = DOCS / "how-to/monitor.md"
    known = set(typing.get_args(EventName)) | set(extras())
    for cells in rows(page, "The list"):
        for kind, names in re.findall(r"(events?|log record) ((?:`\w+`)(?:, `\w+`)*)", " ".join(cells)):
            assert set(re.findall(r"\w+", names)) <= known, kind


def test_the_picture_of_the_state_machine_has_the_arrows_of_the_text():
    text = re.findall(r"^ *(\S+ --> \w+.*)$", (DOCS / "explanation/state-machine.md").read_text(), re.MULTILINE)
    picture = (DOCS / "assets/state-machine.svg").read_text()
    arrows = re.findall(r'<g class="arrow"><title>(.*?)</title>(.*?)</g>', picture)
    assert [title.replace("&gt;", ">") for title, _ in arrows] == text
    # And what is drawn beside an arrow is what its title says.
    for title, drawn in arrows[1:]:
        assert title.split(": ", 1)[1] == " ".join(re.findall(r"<tspan[^>]*>(.*?)</tspan>", drawn))
    boxes = set(re.findall(r'<g class="state">.*?<text[^>]*>(\w+)</text>', picture))
    assert boxes == {"EMPTY", "FRESH", "STALE", "FELL_BACK", "REFUSED"}
