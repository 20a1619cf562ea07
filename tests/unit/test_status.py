"""Tests of the table that `print` and notebooks show for `status()`."""

import re

import pytest

from genai_credentials import CredentialProvider, Env, FetchFailed, Tenants

KEY = "AIzaSyOne-NeverToBeSeen_0123456789"


def one():
    return KEY


class Down:
    """A provider that is down, with awkward characters in its name and its reason."""

    name = "<store> & co"

    def fetch(self, rejected=None):
        raise FetchFailed("<store> & co: is down,\n  since 3 a.m.", remedy="Wait.")


@pytest.fixture
def status():
    with CredentialProvider(Env(environ={}), Down(), one) as credentials:
        credentials.get()
        return credentials.status()


def test_it_prints_as_a_small_table(status):
    lines = str(status).splitlines()
    assert lines[0] == "state         FRESH"
    assert re.fullmatch(r"key           [0-9a-f]{8} from callable:one", lines[1])
    assert re.fullmatch(r"age           0 s", lines[2])
    assert re.fullmatch(r"next refresh  \d+ s", lines[3])
    assert lines[4] == "counters      fetches 1"
    assert lines[5] == ""
    assert lines[6].split() == ["link", "outcome", "reason"]
    assert lines[7].startswith("env           absent   GOOGLE_API_KEY and GEMINI_API_KEY are unset")
    assert lines[8] == "<store> & co  broken   is down, since 3 a.m."
    assert lines[9] == "callable:one  serving"
    assert KEY not in str(status)


def test_its_repr_is_that_of_the_values(status):
    assert repr(status).startswith("Status(state='FRESH', fingerprint='")


def test_a_notebook_shows_the_same_with_all_escaped(status):
    shown = status._repr_html_()
    assert "<th>state</th><td>FRESH</td>" in shown
    assert "<td>&lt;store&gt; &amp; co</td><td>broken</td>" in shown
    assert "<store>" not in shown
    assert KEY not in shown


def test_without_a_key_it_says_so():
    with CredentialProvider(Env(environ={})) as credentials:
        lines = str(credentials.status()).splitlines()
    assert lines[:5] == ["state         EMPTY", "key           none", "age           -", "next refresh  -",
                         "counters      all 0"]  # fmt: skip
    assert lines[-1].split() == ["env", "unasked"]


def test_tenants_print_too():
    with Tenants(lambda name: CredentialProvider(lambda: KEY)) as tenants:
        tenants["acme"].get()
        status = tenants.status()
    assert str(status).splitlines()[0] == "kept     1"
    assert status._repr_html_().startswith("<table><tr><th>kept</th><td>1</td>")
