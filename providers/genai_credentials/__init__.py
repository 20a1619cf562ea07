"""Credentials for the Gemini API: keys from pluggable providers, rotated without losing a request."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genai_credentials.chain import ProviderChain
    from genai_credentials.credentials import CredentialProvider
    from genai_credentials.errors import (
        ConfigurationError,
        CredentialsError,
        FetchFailed,
        InvalidSecret,
        MissingDependency,
        NoCredentials,
        NoSuchSecret,
        NoTenant,
        PutConflict,
        PutFailed,
        PutUnsure,
        Unavailable,
        UnknownTenant,
    )
    from genai_credentials.events import Event
    from genai_credentials.key import ApiKey
    from genai_credentials.provider import Provider, Writable
    from genai_credentials.sources.aws import AWSSecretsManager
    from genai_credentials.sources.aws_agent import AWSAgent
    from genai_credentials.sources.dotenv import Dotenv
    from genai_credentials.sources.env import Env
    from genai_credentials.sources.file import File
    from genai_credentials.sources.google import GoogleSecretManager
    from genai_credentials.tenants.front import Tenants

    __version__: str

__all__ = [
    "AWSAgent",
    "AWSSecretsManager",
    "ApiKey",
    "ConfigurationError",
    "CredentialProvider",
    "CredentialsError",
    "Dotenv",
    "Env",
    "Event",
    "FetchFailed",
    "File",
    "GoogleSecretManager",
    "InvalidSecret",
    "MissingDependency",
    "NoCredentials",
    "NoSuchSecret",
    "NoTenant",
    "Provider",
    "ProviderChain",
    "PutConflict",
    "PutFailed",
    "PutUnsure",
    "Tenants",
    "Unavailable",
    "UnknownTenant",
    "Writable",
]

_ROOMS = {
    "AWSAgent": "sources.aws_agent",
    "AWSSecretsManager": "sources.aws",
    "ApiKey": "key",
    "CredentialProvider": "credentials",
    "Dotenv": "sources.dotenv",
    "Env": "sources.env",
    "Event": "events",
    "File": "sources.file",
    "GoogleSecretManager": "sources.google",
    "Provider": "provider",
    "ProviderChain": "chain",
    "Tenants": "tenants.front",
    "Writable": "provider",
}

# Hidden from type checkers: a module with `__getattr__` would make them accept every misspelt name.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        value: object
        if name == "__version__":
            from importlib.metadata import version

            value = version("genai-credentials")
        elif name in __all__:
            from importlib import import_module

            value = getattr(import_module(f"{__name__}.{_ROOMS.get(name, 'errors')}"), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    # Only the public names, not the submodules.
    return sorted([*__all__, "__version__"])
