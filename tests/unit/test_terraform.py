"""The Terraform that is to be copied: it parses, and gives what the page says and no more."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

hcl2 = pytest.importorskip("hcl2")

PAGE = Path(__file__).parents[2] / "docs/how-to/rotate.md"
FOLDER = PAGE.parent / "terraform"
FILES = sorted(FOLDER.glob("*.tf"))


def text_of(name: str) -> str:
    return (FOLDER / name).read_text()


def strings(value: Any) -> list[str]:
    """Each text in a parsed file, without the quotes that some versions of the parser leave around it."""
    if isinstance(value, str):
        return [value.strip('"')]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in parts for text in strings(part)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_file_parses_and_is_shown_on_the_page(path: Path) -> None:
    document = hcl2.loads(path.read_text())
    assert len(document["resource"]) > 5
    assert f'--8<-- "how-to/terraform/{path.name}"' in PAGE.read_text()
    assert "*" not in re.sub(r"#.*", "", path.read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_reference_leads_to_a_block_of_the_file(path: Path) -> None:
    text = path.read_text()
    declared = {f"{kind}.{name}" for kind, name in re.findall(r'^resource "(\w+)" "(\w+)"', text, re.MULTILINE)}
    declared |= {f"data.{kind}.{name}" for kind, name in re.findall(r'^data "(\w+)" "(\w+)"', text, re.MULTILINE)}
    declared |= {f"var.{name}" for name in re.findall(r'^variable "(\w+)"', text, re.MULTILINE)}
    code = re.sub(r"#.*", "", text)
    used = set(re.findall(r"\b((?:data\.)?(?:aws|google)_\w+\.\w+)\.", code)) | set(re.findall(r"\bvar\.\w+", code))
    assert used
    assert used <= declared


def test_the_function_of_aws_may_do_what_the_page_says() -> None:
    actions = re.findall(r'"((?:secretsmanager|kms):(?!ViaService)\w+)"', text_of("rotate-on-aws.tf"))
    row = next(line for line in PAGE.read_text().splitlines() if "| AWS Secrets Manager |" in line)
    named = {name.split(":")[-1] for name in re.findall(r"`([\w:]+)`", row)}
    assert {action.split(":")[1] for action in actions} == named
    assert len(actions) == 6


@pytest.mark.parametrize("name", [path.name for path in FILES])
def test_the_roles_are_those_of_the_page(name: str) -> None:
    roles = {text for text in strings(hcl2.loads(text_of(name))) if text.startswith("roles/")}
    page = PAGE.read_text()
    # What lets the two clouds meet, and a message start the function, is no permission of a rotation.
    beside = {"roles/iam.workloadIdentityUser", "roles/pubsub.publisher", "roles/run.invoker"}
    assert roles - beside <= set(re.findall(r"roles/[\w.]+", page))
    assert {"roles/serviceusage.apiKeysAdmin", "roles/serviceusage.serviceUsageConsumer"} <= roles


def test_the_variables_are_those_that_are_read() -> None:
    source = Path(__file__).parents[2] / "providers/genai_credentials/rotate/settings.py"
    names = {"URI", "PROJECT", "SERVICE_ACCOUNT", "RETIRE_AFTER", "PROVE_FOR", "PROVE_TIMEOUT"}
    assert all(name in source.read_text().upper() for name in names)
    for path in FILES:
        used = set(re.findall(r"GENAI_CREDENTIALS_ROTATE_(\w+)", path.read_text()))
        assert {"URI", "PROJECT"} <= used <= names
    shown = set(re.findall(r"GENAI_CREDENTIALS_ROTATE_(\w+)", PAGE.read_text()))
    assert shown | {"PROVE_TIMEOUT"} == names


def test_the_handlers_are_where_the_files_say() -> None:
    from genai_credentials.rotate import aws_lambda, secret_rotate

    assert f"{aws_lambda.__name__}.{aws_lambda.handler.__name__}" in text_of("rotate-on-aws.tf")
    assert '--8<-- "how-to/terraform/rotate_function.py"' in PAGE.read_text()
    imported = [node for node in ast.walk(ast.parse(text_of("rotate_function.py"))) if isinstance(node, ast.ImportFrom)]
    assert [node.module for node in imported] == [secret_rotate.__name__]
