"""The secrets of one region of AWS Secrets Manager, found by name or ARN."""

from __future__ import annotations

import random
import string

from genai_credentials.testing.servers import RefusedError
from genai_credentials.testing.stores.aws_secret import Json, Secret

__all__ = ["Secrets"]

_ACCOUNT = "123456789012"
_SUFFIX = string.ascii_letters + string.digits


class Secrets(dict[str, Secret]):
    """The secrets by name.

    Args:
        region: The region in their ARNs.
    """

    def __init__(self, region: str) -> None:
        super().__init__()
        self._region = region

    def arn_of(self, name: str) -> str:
        """Return a new ARN for a secret of this name, with six random characters."""
        suffix = "".join(random.choices(_SUFFIX, k=6))
        return f"arn:aws:secretsmanager:{self._region}:{_ACCOUNT}:secret:{name}-{suffix}"

    def create(self, name: str) -> Secret:
        """Create a secret of this name."""
        self[name] = Secret(name, self.arn_of(name))
        return self[name]

    def described(self, params: Json) -> Secret:
        """Return the secret in a request, also if it is marked for deletion. Raises `RefusedError` if there is none."""
        found = next((secret for secret in self.values() if secret.answers_to(params["SecretId"])), None)
        if found is None:
            raise RefusedError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        return found

    def found(self, params: Json) -> Secret:
        """Return the secret in a request. Raises `RefusedError` if there is none, or if it is marked for deletion."""
        secret = self.described(params)
        if secret.deletion is not None:
            message = "You can't perform this operation on the secret because it was marked for deletion."
            raise RefusedError("InvalidRequestException", message)
        return secret
