"""The whole rotation of a key: make a new key, store it, and retire the key before it. Each step can be repeated."""

from genai_credentials.rotate.errors import RotationFailed
from genai_credentials.rotate.google_api_keys import GoogleApiKeys
from genai_credentials.rotate.issuer import Issued, IssuedKey, KeyIssuer
from genai_credentials.rotate.job import Rotate
from genai_credentials.rotate.report import KeyStatus, RotatePlan, RotateReport

__all__ = [
    "GoogleApiKeys",
    "Issued",
    "IssuedKey",
    "KeyIssuer",
    "KeyStatus",
    "Rotate",
    "RotatePlan",
    "RotateReport",
    "RotationFailed",
]
