"""The rotation function of AWS Secrets Manager: set `genai_credentials.rotate.aws_lambda.handler` as the handler.

AWS calls it four times for a rotation, with the steps createSecret, setSecret, testSecret and finishSecret, and calls
all of them again if one failed. Each can be repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from genai_credentials.errors import ConfigurationError
from genai_credentials.log import logger
from genai_credentials.rotate.aws_steps import StagedRotation
from genai_credentials.rotate.failed import failure
from genai_credentials.rotate.settings import settings
from genai_credentials.sources.aws import AWSSecretsManager

MARGIN = 15.0
"""Seconds that are left of the function's time when a key that is not accepted is given up."""


class Context(Protocol):
    """What is used of the context that Lambda passes."""

    def get_remaining_time_in_millis(self) -> int:
        """How long the function may still run."""
        ...


def handler(event: Mapping[str, Any], context: Context | None = None) -> dict[str, Any] | None:
    """Do one step of a rotation of the secret that GENAI_CREDENTIALS_ROTATE_URI names, and of no other.

    Args:
        event: Has Step, SecretId and ClientRequestToken.
        context: Lambda's; None means that there is no limit of time.

    Returns:
        After finishSecret the fields of `RotateReport`; else None.

    Raises:
        RotationFailed: The step failed, or the event is about another secret. AWS calls the steps again.
        ConfigurationError: The environment or the event is wrong.
    """
    configured = settings()
    if not isinstance(configured.store, AWSSecretsManager):
        raise ConfigurationError(
            "GENAI_CREDENTIALS_ROTATE_URI names no secret of AWS Secrets Manager.", remedy="Write aws:NAME-OR-ARN."
        )
    rotation = StagedRotation(configured, configured.store, logger.info, _time_left(context))
    steps = {
        "createSecret": rotation.create,
        "setSecret": rotation.set,
        "testSecret": rotation.test,
        "finishSecret": rotation.finish,
    }
    if (step := steps.get(str(event.get("Step")))) is None:
        raise ConfigurationError("The event has none of the four steps of a rotation.", remedy="Let AWS call this.")
    try:
        return step(str(event.get("SecretId")), str(event.get("ClientRequestToken")))
    except Exception as error:
        problem = failure(error, changed=rotation.changed)
    raise problem


def _time_left(context: Context | None) -> float | None:
    return None if context is None else max(1.0, context.get_remaining_time_in_millis() / 1000 - MARGIN)
