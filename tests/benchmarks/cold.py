"""A cold start: from the start of a process to the first answered request; and what a read through the agent takes."""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path

from genai_credentials import AWSAgent, AWSSecretsManager

from .report import Group, Table
from .servers import AWS_SECRET, GOOGLE_SECRET, Servers
from .start import AWS, GOOGLE, KEY, PROVIDER, Probe, probe
from .timing import alternating, loop, ratio

STOCK = "stock, key in the environment"
ASK = "\nclient.models.generate_content(model='gemini-2.5-flash', contents='Hello')"
CLIENT = "\nclient = CredentialProvider({provider}).client(http_options={{{{'base_url': '{{one}}'}}}})" + ASK
CASES = {
    STOCK: "from google import genai\n"
    "client = genai.Client(vertexai=False, api_key='{key}', http_options={{'base_url': '{one}'}})" + ASK,
    "Env": PROVIDER + "Env" + CLIENT.format(provider="Env(environ={{'GEMINI_API_KEY': '{key}'}})"),
    "File": PROVIDER + "File" + CLIENT.format(provider="File('{file}')"),
    "AWSAgent": PROVIDER
    + "AWSAgent\nimport os\nos.environ['AWS_TOKEN'] = '{agent_token}'"
    + CLIENT.format(provider="AWSAgent('{aws_secret}', port={agent_port})"),
    "GoogleSecretManager over REST": PROVIDER
    + "GoogleSecretManager\nimport os\nos.environ['SECRET_MANAGER_EMULATOR_HOST'] = '{google}'"
    + CLIENT.format(provider="GoogleSecretManager('{google_secret}', transport='rest')"),
    "GoogleSecretManager over gRPC": PROVIDER
    + "GoogleSecretManager\n"
    + GOOGLE
    + CLIENT.format(provider="GoogleSecretManager('{google_secret}', client=make)"),
    "AWSSecretsManager over boto3": PROVIDER
    + "AWSSecretsManager\n"
    + AWS
    + CLIENT.format(provider="AWSSecretsManager('{aws_secret}', client=make)"),
}
LIMITS = {"Env": 1.05, "File": 1.05, "AWSAgent": 1.15, "GoogleSecretManager over REST": 1.15}
"""How many times stock's time a start may take."""


def run(*, smoke: bool) -> Group:
    """Measure."""
    group = Group("cold", "A cold start")
    with tempfile.TemporaryDirectory() as folder, Servers(KEY, stores=True) as servers:
        file = Path(folder, "key")
        file.write_text(KEY)
        file.chmod(0o600)
        names = {"key": KEY, "file": str(file), "aws_secret": AWS_SECRET, "google_secret": GOOGLE_SECRET}
        found = _probes({name: code.format(**names, **servers.where) for name, code in CASES.items()}, smoke)
        reads = _reads(servers.where, smoke)
    ratios = {name: _ratio(probes, found[STOCK], 0) for name, probes in found.items()}
    for name, limit in LIMITS.items():
        what, times = f"{name}: process start to answer", ratios[name]
        group.reach(what, f"<= {limit} x stock", f"{times:.3f} x", times <= limit)
    rows = [
        [
            name,
            *(f"{_median(probes, part) * 1e3:,.0f} ms" for part in (0, 1)),
            f"{ratios[name]:.3f}",
            f"{_median(probes, 2):,.0f} MB",
        ]
        for name, probes in found.items()
    ]
    agent, boto3 = (f"{statistics.median(of) * 1e6:,.0f} µs" for of in reads.values())
    group.tables = [
        Table(
            "Fresh processes, from start to the first answer",
            ["key from", "wall time", "CPU time", "wall time / stock's", "peak memory"],
            rows,
        ),
        Table(
            "A read of the store, with the connection open",
            ["through the agent", "over boto3", "agent / boto3"],
            [[agent, boto3, f"{ratio(reads, 'agent', 'boto3'):.2f}"]],
        ),
    ]
    group.series = {name: [_median(probes, part) for part in range(3)] for name, probes in found.items()}
    group.notes = ["Each round starts each process once, in turn. A ratio is the median of the rounds' ratios."]
    return group


def _probes(cases: dict[str, str], smoke: bool) -> dict[str, list[Probe]]:
    found: dict[str, list[Probe]] = {name: [] for name in cases}
    for _ in range(1 if smoke else 9):
        for name, code in cases.items():
            found[name].append(probe(code))
    return found


def _reads(where: dict[str, str], smoke: bool) -> dict[str, list[float]]:
    import boto3.session

    os.environ["AWS_TOKEN"] = where["agent_token"]
    session = boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    client = session.client("secretsmanager", endpoint_url=where["aws"])
    subjects = {
        "agent": AWSAgent(AWS_SECRET, port=int(where["agent_port"])).fetch,
        "boto3": AWSSecretsManager(AWS_SECRET, client=client).fetch,
    }
    return alternating(subjects, loop, rounds=1 if smoke else 9, seconds=0.3)


def _ratio(one: list[Probe], other: list[Probe], part: int) -> float:
    return statistics.median(float(a[part]) / float(b[part]) for a, b in zip(one, other, strict=True))  # type: ignore[arg-type]


def _median(probes: list[Probe], part: int) -> float:
    return statistics.median(float(of[part]) for of in probes)  # type: ignore[arg-type]
