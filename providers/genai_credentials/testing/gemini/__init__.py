"""A fake of the Gemini API on loopback."""

from genai_credentials.testing.gemini.server import FakeGemini
from genai_credentials.testing.gemini.wire import RecordedRequest

__all__ = ["FakeGemini", "RecordedRequest"]
