"""The actions of AWS Secrets Manager, as far as the emulator has them. No network, no planned errors."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Iterable

from genai_credentials.testing.servers import RefusedError
from genai_credentials.testing.stores.aws_details import Details
from genai_credentials.testing.stores.aws_labels import Labels
from genai_credentials.testing.stores.aws_lists import Lists
from genai_credentials.testing.stores.aws_requests import SECRET_FIELDS, checked
from genai_credentials.testing.stores.aws_secret import Json, Secret, Version
from genai_credentials.testing.stores.aws_secrets import Secrets
from genai_credentials.testing.stores.aws_values import Values

__all__ = ["SECRET_FIELDS", "AWSService"]

_DAY = 86_400.0


class AWSService:
    """The secrets of one region and the actions. Not thread-safe by itself.

    Args:
        region: The region in the ARNs.
    """

    def __init__(self, region: str) -> None:
        self._secrets = Secrets(region)
        self._actions = {
            name: answer
            for group in (Values, Labels, Lists, Details)
            for name, answer in group(self._secrets).actions().items()
        }

    def answer(self, action: str, params: Json) -> Json:
        """Return the answer to an action.

        Args:
            action: The name of the action on the wire.
            params: The parameters of the request.

        Raises:
            RefusedError: The service refuses the request, or the emulator does not have the action.
        """
        if action not in self._actions:
            raise RefusedError("UnknownOperationException", f"The emulator does not know {action}.")
        return self._actions[action](checked(params))

    def secret(self, name: str) -> Secret:
        """Return the secret of this name, also if it is marked for deletion."""
        return self._secrets[name]

    def add(self, name: str, value: str | bytes, stages: Iterable[str]) -> str:
        """Add a version and return its id. The secret is created or restored if needed."""
        secret = self._secrets.get(name) or self._secrets.create(name)
        secret.deletion = None
        content = (
            {"SecretString": value} if isinstance(value, str) else {"SecretBinary": base64.b64encode(value).decode()}
        )
        version = Version(str(uuid.uuid4()), content)
        secret.put(version, stages)
        return version.id

    def delete(self, name: str) -> None:
        """Mark a secret for deletion."""
        self.secret(name).deletion = time.time() + 30 * _DAY
