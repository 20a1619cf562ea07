"""A put into a .env file, a JSON document and a bare file: the key changes, and all else stays to the byte."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genai_credentials import Dotenv, File, PutFailed
from genai_credentials.testing.conformance import everything_in
from genai_credentials.writing.documents import InMember
from genai_credentials.writing.variables import Variables

OLD, NEW = "AIzaOld-NeverToBeSeen_0123456789", "AIzaNew-NeverToBeSeen_0123456789"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def old(text: str) -> str:
    return text.replace("@", OLD)


def new(text: str) -> str:
    return text.replace("@", NEW)


def pointer(members: tuple[str, ...]) -> str:
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in members)


def refusal(provider: Any, path: Path) -> PutFailed:
    """The error of a put that leaves the file as it was; it names the place and a remedy, and holds no key."""
    before = path.read_bytes()
    with pytest.raises(PutFailed) as caught:
        provider.put(NEW)
    assert caught.value.message.startswith(f"{provider.name}: ")
    assert caught.value.remedy
    assert path.read_bytes() == before
    shown = everything_in(caught.value)
    assert NEW not in shown
    assert OLD not in shown
    return caught.value


# .env files


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("GEMINI_API_KEY=@", "GEMINI_API_KEY=@"),
        ("GEMINI_API_KEY=@\n", "GEMINI_API_KEY=@\n"),
        ("# 1\n\nA=1\r\nexport GEMINI_API_KEY='@' # 2\r\nB=2", "# 1\n\nA=1\r\nexport GEMINI_API_KEY='@' # 2\r\nB=2"),
        ('  GEMINI_API_KEY = "@"\t#two\n', '  GEMINI_API_KEY = "@"\t#two\n'),
        ("\ufeffGEMINI_API_KEY=@  # two\n", "\ufeffGEMINI_API_KEY=@  # two\n"),
        ("export   GEMINI_API_KEY=@   \n", "export   GEMINI_API_KEY=@   \n"),
        # A value of several lines, and one that escapes its quotes.
        ('GEMINI_API_KEY="@\nmore"\nA=1\n', 'GEMINI_API_KEY="@"\nA=1\n'),
        ('GEMINI_API_KEY="a\\"b"\n', 'GEMINI_API_KEY="@"\n'),
        # Each of the duplicates: some readers take the first, others the last.
        ("GEMINI_API_KEY=a\nA=1\nGEMINI_API_KEY='@'\n", "GEMINI_API_KEY=@\nA=1\nGEMINI_API_KEY='@'\n"),
        # The variable that serves, or else the one that would be looked at first.
        ("GOOGLE_API_KEY=\nGEMINI_API_KEY=@\n", "GOOGLE_API_KEY=\nGEMINI_API_KEY=@\n"),
        ("GEMINI_API_KEY=a\nGOOGLE_API_KEY=@\n", "GEMINI_API_KEY=a\nGOOGLE_API_KEY=@\n"),
        ("GEMINI_API_KEY=\n", "GEMINI_API_KEY=@\n"),
        ("GEMINI_API_KEY\n", "GEMINI_API_KEY=@\n"),
        ("GEMINI_API_KEY= # none yet\n", "GEMINI_API_KEY=@ # none yet\n"),
        ("GEMINI_API_KEY=#none\n", "GEMINI_API_KEY=@\n"),
        ("GEMINI_API_KEY=YOUR_API_KEY\n", "GEMINI_API_KEY=@\n"),
        # Others that refer to it, and what python-dotenv cannot read, stay.
        ("GEMINI_API_KEY=@\nCOPY=${GEMINI_API_KEY}\n", "GEMINI_API_KEY=@\nCOPY=${GEMINI_API_KEY}\n"),
        ("no assignment\nGEMINI_API_KEY=@\nA='open\n", "no assignment\nGEMINI_API_KEY=@\nA='open\n"),
        # None of the variables: a line more, ended as the others are.
        ("", "GOOGLE_API_KEY=@\n"),
        ("A=1", "A=1\nGOOGLE_API_KEY=@\n"),
        ("A=1\r\nB=2", "A=1\r\nB=2\r\nGOOGLE_API_KEY=@\r\n"),
        ("# GEMINI_API_KEY=a\nMY_GEMINI_API_KEY=a\n", "# GEMINI_API_KEY=a\nMY_GEMINI_API_KEY=a\nGOOGLE_API_KEY=@\n"),
    ],
)
def test_a_variable_is_set_and_all_else_stays(path: Path, before: str, after: str) -> None:
    path.write_bytes(old(before).encode())
    stored = Dotenv(path).put(NEW)
    assert path.read_bytes().decode() == new(after)
    assert stored == Dotenv(path).fetch()


def test_the_names_of_the_provider_are_heeded(path: Path) -> None:
    path.write_text(f"GOOGLE_API_KEY={OLD}\nB={OLD}\n")
    Dotenv(path, "A", "B").put(NEW)
    assert path.read_text() == f"GOOGLE_API_KEY={OLD}\nB={NEW}\n"
    Dotenv(path, "A").put(NEW)
    assert path.read_text() == f"GOOGLE_API_KEY={OLD}\nB={NEW}\nA={NEW}\n"


@pytest.mark.parametrize("line", ["GEMINI_API_KEY=@", "GEMINI_API_KEY='@'", 'GEMINI_API_KEY="@"', "A=1"])
@pytest.mark.parametrize("key", ["sk-a/b+c==", "a#b", "a'b", 'a"b', "a\\b", "a$b", "a`b", "a&b", "a!b", "a$(b)"])
def test_every_key_is_read_back_as_it_was_put(path: Path, line: str, key: str) -> None:
    path.write_text(old(line) + "\n")
    Dotenv(path).put(key)
    assert Dotenv(path).fetch().get_secret_value() == key


@pytest.mark.parametrize("line", ["GEMINI_API_KEY=@", "export GEMINI_API_KEY='@'", 'GEMINI_API_KEY="@"'])
@pytest.mark.parametrize("key", [NEW, "sk-a/b+c==", "a$b", "a`b", "a&b", "a#b"])
def test_a_shell_reads_the_same_key(path: Path, line: str, key: str) -> None:
    path.write_text(old(line) + "\n")
    Dotenv(path).put(key)
    shell = ["sh", "-c", '. "$0"; printf %s "$GEMINI_API_KEY"', str(path)]
    assert subprocess.run(shell, capture_output=True, text=True, check=True).stdout == key


def test_a_key_that_a_dotenv_file_cannot_hold_is_refused(path: Path) -> None:
    path.write_text(f"GEMINI_API_KEY={OLD}\n")
    with pytest.raises(PutFailed, match=r"a \.env file cannot hold this key"):
        Dotenv(path).put("a${b}c")
    assert path.read_text() == f"GEMINI_API_KEY={OLD}\n"


LINES = st.sampled_from(
    [
        "A=1",
        "export B='two'",
        "# GEMINI_API_KEY=no",
        "",
        "  ",
        'C="a\nb"',
        "D=${A}",
        "bad line",
        "E='open",
        "F=\u00e9 #x",
    ]
)
VARIABLES = st.sampled_from(["GEMINI_API_KEY=a", "GEMINI_API_KEY='a' # c", "GOOGLE_API_KEY", "GOOGLE_API_KEY=", "#"])


@settings(deadline=None)
@given(st.lists(st.tuples(LINES | VARIABLES, st.sampled_from(["\n", "\r\n"]))), st.sampled_from(["", "\n", "A=9"]))
def test_whatever_the_lines_are_only_the_key_changes(lines: list[tuple[str, str]], last: str) -> None:
    text = "".join(line + ending for line, ending in lines) + last
    variables = Variables(("GOOGLE_API_KEY", "GEMINI_API_KEY"), "dotenv:x")
    changed = variables.with_key(text, NEW)
    assert variables.key_in(changed) == NEW
    assert variables.with_key(changed, NEW) == changed
    kept = [line for line, _ in lines if not line.startswith(("GEMINI", "GOOGLE"))]
    assert all(changed.count(line) >= text.count(line) for line in kept)


# JSON


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"api_key":"@"}', '{"api_key":"@"}'),
        ('{\n\t"a" : [1.0, 1e5],\n\t"api_key" : "@"\n}\n', '{\n\t"a" : [1.0, 1e5],\n\t"api_key" : "@"\n}\n'),
        ('{"api_key": "@", "b": "\\u00e9\u00e9\\/"}', '{"api_key": "@", "b": "\\u00e9\u00e9\\/"}'),
        ('\ufeff{"api_key": "@"}\r\n', '\ufeff{"api_key": "@"}\r\n'),
        # An escaped name, a value that looks like a member, members of the same name further in.
        ('{"api\\u005fkey": "@", "b": 1}', '{"api\\u005fkey": "@", "b": 1}'),
        ('{"a": "\\"api_key\\": 1", "api_key": "@"}', '{"a": "\\"api_key\\": 1", "api_key": "@"}'),
        ('{"a": {"api_key": "b"}, "api_key": "@"}', '{"a": {"api_key": "b"}, "api_key": "@"}'),
        # Each of the duplicates that is a text.
        ('{"api_key": "a", "api_key": [1], "api_key": "@"}', '{"api_key": "@", "api_key": [1], "api_key": "@"}'),
        ('{"api_key": null}', '{"api_key": "@"}'),
        # Missing: added as the last member is laid out.
        ("", '{"api_key": "@"}'),
        ("{}", '{"api_key": "@"}'),
        ('{"a":1}', '{"a":1,"api_key":"@"}'),
        ('{"a": 1}', '{"a": 1, "api_key": "@"}'),
        ('{ "a" : 1 }', '{ "a" : 1, "api_key" : "@" }'),
        ('{\r\n  "a": {},\r\n  "b": []\r\n}\r\n', '{\r\n  "a": {},\r\n  "b": [],\r\n  "api_key": "@"\r\n}\r\n'),
    ],
)
def test_a_member_is_set_and_all_else_stays(path: Path, before: str, after: str) -> None:
    path.write_bytes(old(before).encode())
    path.chmod(0o600)
    stored = File(path, "api_key").put(NEW)
    assert path.read_bytes().decode() == new(after)
    assert stored == File(path, "api_key").fetch()


def test_a_document_in_utf_16_stays_in_utf_16(path: Path) -> None:
    document = '{"a": "\u00e9", "api_key": "@"}'
    path.write_bytes(old(document).encode("utf-16"))
    File(path, "api_key").put(NEW)
    assert path.read_bytes() == new(document).encode("utf-16")


@pytest.mark.parametrize("before", ['{"api_key": {"a": "@"}}', '{"api_key": 5}', '["@"]', "@", '{"api_key": "@"', "5"])
def test_what_is_no_object_or_no_text_is_left_as_it_is(path: Path, before: str) -> None:
    path.write_text(old(before))
    refusal(File(path, "api_key"), path)


@pytest.mark.parametrize(
    ("members", "before", "after"),
    [
        (("google", "api_key"), '{"google": {"api_key": "@"}, "b": 1}', '{"google": {"api_key": "@"}, "b": 1}'),
        (("google", "api_key"), '{"google": {"a": 1}}', '{"google": {"a": 1, "api_key": "@"}}'),
        (("google", "api_key"), '{"b": 1}', '{"b": 1, "google": {"api_key": "@"}}'),
        (("google", "api_key"), "", '{"google": {"api_key": "@"}}'),
        (("keys", "1"), '{"keys": ["a", "@"]}', '{"keys": ["a", "@"]}'),
        # The last of two objects of one name is what a reader sees; a text in the other is set as well.
        (("g", "k"), '{"g": {"k": "a"}, "g": {"k": "@"}}', '{"g": {"k": "@"}, "g": {"k": "@"}}'),
        (("g", "k"), '{"g": {"k": "a"}, "g": {}}', '{"g": {"k": "@"}, "g": {"k": "@"}}'),
    ],
)
def test_a_member_of_a_member_is_set_and_all_else_stays(members: tuple[str, ...], before: str, after: str) -> None:
    document = InMember(pointer(members), "file:x")
    assert document.with_key(old(before), NEW) == new(after)
    assert document.key_in(new(after)) == NEW


@pytest.mark.parametrize("before", ['{"keys": ["a"]}', '{"keys": "a"}', '{"keys": [{"a": 1}, {"b": 1}]}'])
def test_a_list_gets_no_new_element_and_nothing_is_put_inside_a_text(before: str) -> None:
    with pytest.raises(PutFailed, match="a value other than a text"):
        InMember("/keys/1", "file:x").with_key(before, NEW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(["a", "b", "\u00e9", "/", '"']), JSON | st.just({"a": {}}), max_size=4)
PATHS = st.sampled_from([("a",), ("a", "b"), ("c", "d", "e"), ("\u00e9",), ('"', "a", "x")])


@settings(deadline=None)
@given(OBJECTS, PATHS, st.sampled_from([None, 2, "\t"]), st.booleans())
def test_whatever_the_document_is_only_the_member_changes(
    document: dict[str, Any], members: tuple[str, ...], indent: Any, ascii_only: bool
) -> None:
    text, kept = json.dumps(document, indent=indent, ensure_ascii=ascii_only), InMember(pointer(members), "file:x")
    parent = at = wanted = json.loads(text)
    for name in members:
        parent, at = at, at.setdefault(name, None if name is members[-1] else {}) if isinstance(at, dict) else 0
    if not (at is None or isinstance(at, str)):
        with pytest.raises(PutFailed):
            kept.with_key(text, NEW)
        return
    parent[members[-1]] = NEW
    changed = kept.with_key(text, NEW)
    assert json.loads(changed) == wanted
    assert kept.key_in(changed) == NEW
    assert kept.with_key(changed, OLD).replace(OLD, NEW) == changed


# Bare files


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "@"),
        ("@", "@"),
        ("@\n", "@\n"),
        (" @\r\n", " @\r\n"),
        ('"@"\n', "@\n"),
        ('" @ "\n', "@\n"),
        ("YOUR_API_KEY\n", "@\n"),
        ("\ufeff@\n", "\ufeff@\n"),
        ("\n", "\n@"),
    ],
)
def test_a_bare_key_takes_the_place_of_a_bare_key(path: Path, before: str, after: str) -> None:
    path.write_bytes(old(before).encode())
    path.chmod(0o600)
    assert File(path).put(NEW) == File(path).fetch()
    assert path.read_bytes().decode() == new(after)


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ('{"api_key": "@"}', "a JSON document is there"),
        (' \n["@"]', "a JSON document is there"),
        ('\ufeff{"api_key": "@"', "a JSON document is there"),
        ("GEMINI_API_KEY=@\nA=1\n", "more than a key is there"),
        ("@ @", "more than a key is there"),
        ("@,@", "more than a key is there"),
        ("GEMINI_API_KEY=@", "more than a key is there"),
    ],
)
def test_a_bare_key_takes_the_place_of_nothing_else(path: Path, before: str, said: str) -> None:
    path.write_text(old(before), encoding="utf-8")
    assert said in refusal(File(path), path).message


@pytest.mark.parametrize("make", [File, Dotenv, lambda path: File(path, "k")])
def test_what_is_no_text_or_too_long_is_left_as_it_is(path: Path, make: Callable[[Path], Any]) -> None:
    for content in (b"\xff\x00\xfe", b"\xff\xfe\x00", OLD.encode() + b"x" * (1 << 20)):
        path.write_bytes(content)
        refusal(make(path), path)


def test_a_document_that_would_become_too_long_to_be_read_is_left_as_it_is(path: Path) -> None:
    path.write_text(json.dumps({"a": "x" * 65_500}))
    assert "would be over" in refusal(File(path, "api_key"), path).message
