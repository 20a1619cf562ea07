"""gevent: patched before everything else it works, and patched too late it is named."""

import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("gevent")

PATCH = "from gevent import monkey; monkey.patch_all()"
AWS = """
import os
os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="y", AWS_ENDPOINT_URL_SECRETS_MANAGER="http://127.0.0.1:1")
from genai_credentials import AWSSecretsManager, CredentialProvider, NoCredentials
try:
    CredentialProvider(AWSSecretsManager("s", region="eu-west-1")).get()
except NoCredentials as error:
    print(error.attempts[0].error.message, error.remedy)
"""
OWN = """
import ssl
from genai_credentials import CredentialProvider, NoCredentials
def fetch():
    Context(ssl.PROTOCOL_TLS_CLIENT).options |= ssl.OP_NO_SSLv3
    return "key-1"
try:
    print(CredentialProvider(fetch).get().get_secret_value())
except NoCredentials as error:
    print(error.attempts[0].error.message, error.remedy)
"""
MANY = """
import gevent
from genai_credentials import CredentialProvider
from genai_credentials.testing import FakeGemini
with FakeGemini("key-1") as api:
    key = ["key-1"]
    credentials = CredentialProvider(lambda: key[0])
    with credentials.client(http_options={"base_url": api.base_url}) as client:
        ask = lambda _: client.models.generate_content(model="m", contents="hi").text
        list(gevent.pool.Pool(8).imap_unordered(ask, range(20)))
        key[0] = "key-2"
        api.accept("key-2")
        api.revoke("key-1")
        print(len(list(gevent.pool.Pool(8).imap_unordered(ask, range(20)))), credentials.status().counters["rotations"])
"""


def printed(script):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("late", "script"), [("import boto3.session, urllib3", AWS), ("from ssl import SSLContext as Context", OWN)]
)
def test_patched_after_ssl_it_is_named_with_what_to_do(late, script):
    said = printed(f"{late}\n{PATCH}\n{script}")
    assert "gevent patched ssl after the import" in said
    assert "before any other import" in said


def test_patched_first_it_works():
    assert "cannot be reached" in printed(f"{PATCH}\n{AWS}")
    assert printed(f"{PATCH}\nfrom ssl import SSLContext as Context\n{OWN}") == "key-1"


def test_greenlets_go_through_a_rotation():
    assert printed(f"{PATCH}\nimport gevent.pool\n{MANY}") == "20 1"
