"""What a user may not write: every checker finds fault with each line marked `# wrong`, and with no other.

It is read by mypy and pyright, against the package as it is installed, and never run.
"""

from __future__ import annotations

import httpx

from genai_credentials import ApiKey, CredentialProvider, Env, File, Provider, ProviderChain
from genai_credentials import CredentialsProvider as Misspelt  # wrong
from genai_credentials.testing import FakeGemeni as MisspeltToo  # wrong
from genai_credentials.testing import FakeGemini, RotatingCredentials
from genai_credentials.uris import parse


def text() -> str:
    return "AIzaExample"


async def atext() -> str:
    return "AIzaExample"


class Nameless:
    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        return ApiKey("AIzaExample", provider="nameless")


class Asynchronous:
    name = "asynchronous"

    async def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        return ApiKey("AIzaExample", provider=self.name)


def take(provider: Provider) -> None: ...


def providers() -> None:
    take(Nameless())  # wrong
    take(Asynchronous())  # wrong
    take(text)  # wrong
    ProviderChain(Nameless())  # wrong
    ProviderChain(Env)  # wrong
    CredentialProvider("AIzaExample")  # wrong
    CredentialProvider(Asynchronous())  # wrong
    CredentialProvider(atext)  # wrong
    CredentialProvider([Env()])  # wrong


def makers() -> None:
    Env(b"GEMINI_API_KEY")  # wrong
    Env(environment={})  # wrong
    File()  # wrong
    parse(7)  # wrong
    ApiKey("AIzaExample")  # wrong
    ApiKey("AIzaExample", "env")  # wrong
    ProviderChain(Env(), ttl=300.0)  # wrong


def build() -> None:
    CredentialProvider(Env(), ttl="300")  # wrong
    CredentialProvider(Env(), fetch_timeout=None)  # wrong
    CredentialProvider(Env(), timeout=10.0)  # wrong
    CredentialProvider(Env(), on_event=text)  # wrong
    CredentialProvider(Env(), on_event=lambda event: event.key)  # wrong
    CredentialProvider.from_uris(Env())  # wrong
    CredentialProvider.from_environment("env:")  # wrong


def use(credentials: CredentialProvider) -> None:
    credentials.get().get_secret_value() + 1  # wrong
    credentials.get().text  # wrong
    credentials.get().version = "8"  # wrong
    credentials.reject("AIzaExample")  # wrong
    credentials.reject(credentials.get()).fingerprint  # wrong
    credentials.status().state = "FRESH"  # wrong
    credentials.status().age + 1.0  # wrong
    credentials.status().counters["fetches"] = 0  # wrong
    credentials.client("gemini")  # wrong
    credentials.client(verify="yes")  # wrong
    credentials.httpx_auth("x-api-key", "", True)  # wrong
    credentials.http_options("https://gateway.example")  # wrong
    number: int = credentials()  # wrong
    httpx.Client(auth=credentials.get())  # wrong


async def use_asynchronously(credentials: CredentialProvider) -> None:
    await credentials.get()  # wrong
    credentials.aget().fingerprint  # wrong


def test_service(rotating_credentials: RotatingCredentials) -> None:
    rotating_credentials.rotate(401)  # wrong
    rotating_credentials.client("gemini")  # wrong
    RotatingCredentials(FakeGemini())  # wrong
    FakeGemini(keys=["AIza-first"])  # wrong


def keywords() -> None:
    credentials = CredentialProvider(Env())
    credentials.client(api_key="AIzaExample")  # wrong
    credentials.client(http_option={})  # wrong
    credentials.client(http_options={"base_ur": "https://example.com"})  # wrong
    credentials.http_options(baseurl="https://example.com")  # wrong
    CredentialProvider.from_uris("env:", tll=300.0)  # wrong
    CredentialProvider.from_uris("env:", ttl="300")  # wrong
    CredentialProvider.from_environment(patience="3")  # wrong
