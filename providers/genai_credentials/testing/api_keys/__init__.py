"""A fake of the API Keys API on loopback."""

from genai_credentials.testing.api_keys.server import FakeApiKeys

__all__ = ["FakeApiKeys"]
