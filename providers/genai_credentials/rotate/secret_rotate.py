"""The handler for messages of Google Secret Manager. It rotates when the secret's rotation is due.

Secret Manager does not rotate a secret itself. It sends a message, SECRET_ROTATE, to a Pub/Sub topic. Pub/Sub delivers
each message at least once.
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
    """Rotate the secret that GENAI_CREDENTIALS_ROTATE_URI names, if the message says that its rotation is due.

    The message's id becomes the rotation's id, so a second delivery of the message does not rotate again. A message of
    another kind or about another secret changes nothing. Otherwise anybody who may publish to the topic could have any
    secret overwritten.

    Args:
        attributes: The attributes of the Pub/Sub message.
        message_id: The message's id, which is not one of the attributes.

    Returns:
        The report of the run; None if the message does not request a rotation of this secret.

    Raises:
        RotationFailed: The rotation was not completed. Don't acknowledge the message: Pub/Sub then delivers it again.
        ConfigurationError: The environment is wrong, or an argument is no mapping or no text.
    """
    if not isinstance(attributes, Mapping) or not isinstance(message_id, str):
        raise ConfigurationError(
            "handle() needs the message's attributes, a mapping, and the message's id, a text.",
            remedy="Pass message.attributes and message.message_id.",
        )
    if attributes.get("eventType") != DUE:
        return None
    configured = settings()
    store = configured.store
    if not isinstance(store, GoogleSecretManager):
        raise ConfigurationError(
            "GENAI_CREDENTIALS_ROTATE_URI does not name a secret of Google Secret Manager.",
            remedy="Set it to google:projects/PROJECT/secrets/SECRET.",
        )
    if not _is_about(attributes.get("secretId", ""), store):
        logger.info("A message about another secret than %s was ignored.", store.name)
        return None
    return configured.job().run(rotation_id=message_id)


def _is_about(secret_id: str, store: GoogleSecretManager) -> bool:
    # The name of a secret contains the project's id or the project's number.
    field = f"#{store.field}" if store.field else ""
    return secret_id == store.secret or f"google:{secret_id}{field}" == store.identity()
