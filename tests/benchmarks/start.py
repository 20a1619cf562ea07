"""Start: what importing costs, building the client, and the first key from each store; fresh processes each time."""

from __future__ import annotations

import compileall
import functools
import json
import statistics
import subprocess
import sys
from typing import Any

from .report import Group, Table
from .requests import bare
from .servers import AWS_SECRET, GOOGLE_SECRET, ROOT, Servers

KEY = "AIzaBenchmark"
HEAVY = [
    "google.genai",
    "boto3",
    "grpc",
    "pydantic",
    "httpx",
    "httpx2",
    "aiohttp",
    "requests",
    "asyncio",
    "dataclasses",
]

PROBE = """
import sys, time
before = set(sys.modules)
began = time.perf_counter(), time.process_time()
{code}
took = time.perf_counter() - began[0], time.process_time() - began[1]
loaded = [name for name in {heavy} if name in sys.modules and name not in before]
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
import json, os
print(json.dumps([*took, peak / 1024, loaded]), flush=True)
os._exit(0)
"""

PROVIDER = "from genai_credentials import CredentialProvider, "
GOOGLE = """
import grpc
from google.cloud import secretmanager_v1 as sm
from google.cloud.secretmanager_v1.services.secret_manager_service import transports
def make():
    transport = transports.SecretManagerServiceGrpcTransport(channel=grpc.insecure_channel("{google}"))
    return sm.SecretManagerServiceClient(transport=transport)
"""
LAZY_GOOGLE = "def make():\n" + "".join(f"    {line}\n" for line in GOOGLE.strip().splitlines()) + "    return make()\n"
AWS = """
import boto3.session
def make():
    session = boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    return session.client("secretsmanager", endpoint_url="{aws}")
"""
CASES = {
    "bare Python": "pass",
    "import logging": "import logging",
    "import genai_credentials": "import genai_credentials",
    "from genai_credentials import CredentialProvider": "from genai_credentials import CredentialProvider",
    "first key, Env": PROVIDER + "Env\nCredentialProvider(Env(environ={{'GEMINI_API_KEY': '{key}'}})).get()",
    "first key, File": PROVIDER + "File\nCredentialProvider(File('{file}')).get()",
    "first key, Dotenv": PROVIDER + "Dotenv\nCredentialProvider(Dotenv('{file}.env')).get()",
    "the AWS client alone": AWS + "make().get_secret_value(SecretId='{aws_secret}')",
    "first key, AWSSecretsManager": PROVIDER
    + "AWSSecretsManager\n"
    + AWS
    + "CredentialProvider(AWSSecretsManager('{aws_secret}', client=make)).get()",
    "the Google client alone": GOOGLE + "make().access_secret_version(name='{google_secret}/versions/latest')",
    "first key, GoogleSecretManager": PROVIDER
    + "GoogleSecretManager\n"
    + GOOGLE
    + "CredentialProvider(GoogleSecretManager('{google_secret}', client=make)).get()",
    "the SDK alone: from google import genai": "from google import genai",
    "the SDK and its client": "from google import genai\ngenai.Client(vertexai=False, api_key='{key}')",
    "SDK and client, then the first key from Google": PROVIDER
    + "GoogleSecretManager\n"
    + GOOGLE
    + "c = CredentialProvider(GoogleSecretManager('{google_secret}', client=make))\nc.client(); c.get()",
    "SDK and client, the first key at the same time": PROVIDER
    + "GoogleSecretManager\nimport threading\n"
    + LAZY_GOOGLE
    + "c = CredentialProvider(GoogleSecretManager('{google_secret}', client=make))\n"
    + "t = threading.Thread(target=c.get); t.start(); c.client(); t.join()",
    "credentials.client()": PROVIDER + "Env\nCredentialProvider(Env(environ={{'GEMINI_API_KEY': '{key}'}})).client()",
}
CHEAP = 4
"""So many of the cases take milliseconds, and are worth many rounds."""

Probe = tuple[float, float, float, list[str]]


def run(*, smoke: bool) -> Group:
    """Measure."""
    import tempfile
    from pathlib import Path

    group = Group("start", "Start")
    with tempfile.TemporaryDirectory() as folder, Servers(KEY, stores=True) as servers:
        file = Path(folder, "key")
        file.write_text(KEY)
        file.chmod(0o600)
        Path(f"{file}.env").write_text(f"GEMINI_API_KEY={KEY}\n")
        names = {"key": KEY, "file": str(file), "aws_secret": AWS_SECRET, "google_secret": GOOGLE_SECRET}
        cases = {name: code.format(**names, **servers.where) for name, code in CASES.items()}
        found = _measure(cases, 1 if smoke else 15, 1 if smoke else 3)
    _judge(group, found)
    base = _median(found["bare Python"], 2)
    rows = [
        [name, *(f"{_median(probes, part) * 1e3:,.1f} ms" for part in (0, 1)), f"{_median(probes, 2) - base:+.1f} MB"]
        for name, probes in found.items()
    ]
    heads = ["process", "wall time", "CPU time", "peak memory over bare Python"]
    group.tables = [Table("Fresh processes, medians", heads, rows)]
    group.series = {name: [_median(probes, part) for part in range(3)] for name, probes in found.items()}
    return group


def _judge(group: Group, found: dict[str, list[Probe]]) -> None:
    ours, logging = found["import genai_credentials"], found["import logging"]
    ratio = statistics.median(one[1] / other[1] for one, other in zip(ours, logging, strict=True))
    text = f"{ratio:.2f} x ({_median(ours, 1) * 1e3:.1f} / {_median(logging, 1) * 1e3:.1f} ms CPU)"
    group.reach("import genai_credentials", "<= 2 x import logging", text, ratio <= 2)
    over = _median(ours, 2) - _median(found["bare Python"], 2)
    group.reach("import genai_credentials", "<= 3 MB over bare Python", f"{over:+.1f} MB", over <= 3)
    for name in ("Env", "File", "Dotenv"):
        loaded = found[f"first key, {name}"][0][3]
        group.reach(f"first key, {name}", "loads nothing it doesn't use", ", ".join(loaded) or "nothing", not loaded)
    for name, others in (("AWSSecretsManager", ["grpc", "google.genai"]), ("GoogleSecretManager", ["boto3"])):
        loaded = [module for module in found[f"first key, {name}"][0][3] if module in others]
        group.reach(f"first key, {name}", "loads nothing it doesn't use", ", ".join(loaded) or "nothing", not loaded)


def _measure(cases: dict[str, str], rounds: int, heavy_rounds: int) -> dict[str, list[Probe]]:
    found: dict[str, list[Probe]] = {name: [] for name in cases}
    for number in range(rounds):
        for place, (name, code) in enumerate(cases.items()):
            if place < CHEAP or number < heavy_rounds:
                found[name].append(probe(code))
    return found


@functools.cache
def compile_package() -> None:
    """Compile the package, as an installer does. Else each process compiles it anew where no bytecode is written."""
    compileall.compile_dir(ROOT / "providers", quiet=1)


def probe(code: str) -> Probe:
    """Run it in a fresh process."""
    compile_package()
    source = PROBE.format(code=code, heavy=HEAVY)
    command = [sys.executable, "-c", source]
    done = subprocess.run(command, cwd=ROOT / "docs", env=bare(), stdout=subprocess.PIPE, text=True, check=True)
    found: Any = json.loads(done.stdout)
    return tuple(found)  # type: ignore[return-value]


def _median(probes: list[Probe], part: int) -> float:
    return statistics.median(float(probe[part]) for probe in probes)  # type: ignore[arg-type]
