"""Fakes for tests: the APIs and the stores on loopback, a clock that tests advance, and test suites for providers."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genai_credentials.testing.api_keys import FakeApiKeys
    from genai_credentials.testing.clock import FakeClock
    from genai_credentials.testing.conformance import ProviderConformance, WritableConformance
    from genai_credentials.testing.gemini import FakeGemini
    from genai_credentials.testing.refusals import REFUSALS, Refusal
    from genai_credentials.testing.rotating import RotatingCredentials
    from genai_credentials.testing.stores.aws import AWSEmulator, MotoServer
    from genai_credentials.testing.stores.aws_agent import AWSAgentEmulator
    from genai_credentials.testing.stores.pubsub import PubSubEmulator
    from genai_credentials.testing.stores.secret_manager import SecretManagerEmulator

_ROOMS = {
    "AWSAgentEmulator": "stores.aws_agent",
    "AWSEmulator": "stores.aws",
    "FakeApiKeys": "api_keys",
    "FakeClock": "clock",
    "FakeGemini": "gemini",
    "MotoServer": "stores.aws",
    "ProviderConformance": "conformance",
    "PubSubEmulator": "stores.pubsub",
    "REFUSALS": "refusals",
    "Refusal": "refusals",
    "RotatingCredentials": "rotating",
    "SecretManagerEmulator": "stores.secret_manager",
    "WritableConformance": "conformance",
}

__all__ = [
    "REFUSALS",
    "AWSAgentEmulator",
    "AWSEmulator",
    "FakeApiKeys",
    "FakeClock",
    "FakeGemini",
    "MotoServer",
    "ProviderConformance",
    "PubSubEmulator",
    "Refusal",
    "RotatingCredentials",
    "SecretManagerEmulator",
    "WritableConformance",
]

# Hidden from type checkers, because they would otherwise accept every misspelt name.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _ROOMS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
        globals()[name] = value
        return value
