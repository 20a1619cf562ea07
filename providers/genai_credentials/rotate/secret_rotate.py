"""What a message of Google Secret Manager sets off: `handle` rotates when the secret's rotation is due.

Secret Manager only sends a message, SECRET_ROTATE, to a Pub/Sub topic; it is delivered at least once.
"""

from __future__ import annotations

from collections.abc import Mapping

from genai_credentials.errors import ConfigurationError
from genai_credentials.log import logger
from genai_credentials.rotate.report import RotateReport
from genai_credentials.rotate.settings import settings
from genai_credentials.sources.google import GoogleSecretManager

DUE = "SECRET_ROTATE"


def handle(attributes: Mapping[str, str], message_id: str) -> RotateReport | None:
    """Rotate the secret that GENAI_CREDENTIALS_ROTATE_URI names, if a message says that it is due.

    The message's id is the rotation's, so a message that is delivered again does not rotate again. A message of another
    kind or about another secret is left alone: otherwise whoever may publish could have any secret overwritten.

    Args:
        attributes: The attributes of the Pub/Sub message.
        message_id: The message's id, which is not among the attributes.

    Returns:
        What was done; None for a message that is none of this secret's rotation.

    Raises:
        RotationFailed: It did not come to its end: do not acknowledge the message, and it comes again.
        ConfigurationError: The environment is wrong.
    """
    if attributes.get("eventType") != DUE:
        return None
    configured = settings()
    store = configured.store
    if not isinstance(store, GoogleSecretManager):
        raise ConfigurationError(
            "GENAI_CREDENTIALS_ROTATE_URI names no secret of Google Secret Manager.",
            remedy="Write google:projects/PROJECT/secrets/SECRET.",
        )
    if not _is_about(attributes.get("secretId", ""), store):
        logger.info("A message about another secret than %s was left alone.", store.name)
        return None
    return configured.job().run(rotation_id=message_id)


def _is_about(secret_id: str, store: GoogleSecretManager) -> bool:
    # A name has the project's id or its number.
    field = f"#{store.field}" if store.field else ""
    return secret_id == store.secret or f"google:{secret_id}{field}" == store.identity()
