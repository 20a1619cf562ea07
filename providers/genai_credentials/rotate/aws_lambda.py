"""The rotation function of AWS Secrets Manager: set `genai_credentials.rotate.aws_lambda.handler` as the handler.

AWS calls the handler four times for a rotation, with the steps createSecret, setSecret, testSecret and finishSecret. If
one step fails, AWS calls all four again. Each step can be repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from genai_credentials.errors import ConfigurationError
from genai_credentials.log import logger
from genai_credentials.rotate.aws_steps import StagedRotation
from genai_credentials.rotate.errors import failure
from genai_credentials.rotate.settings import settings
from genai_credentials.sources.aws import AWSSecretsManager

MARGIN = 15.0
"""Seconds before the end of the function's time at which a key that the API does not accept is given up."""


class Context(Protocol):
    """The part of Lambda's context that is used here."""

    def get_remaining_time_in_millis(self) -> int:
        """The milliseconds that the function may still run."""
        ...


def handler(event: Mapping[str, Any], context: Context | None = None) -> dict[str, Any] | None:
    """Do one step of a rotation of the secret that GENAI_CREDENTIALS_ROTATE_URI names.

    An event about any other secret raises `RotationFailed`, and that secret is not changed.

    Args:
        event: The event of AWS, with Step, SecretId and ClientRequestToken.
        context: The context of Lambda; None means that there is no limit of time.

    Returns:
        The fields of `RotateReport` after finishSecret; None after the other steps.

    Raises:
        RotationFailed: The step failed, or the event is about another secret. AWS calls the steps again.
        ConfigurationError: The environment or the event is wrong.
    """
    configured = settings()
    if not isinstance(configured.store, AWSSecretsManager):
        raise ConfigurationError(
            "GENAI_CREDENTIALS_ROTATE_URI does not name a secret of AWS Secrets Manager.",
            remedy="Set it to aws:NAME-OR-ARN.",
        )
    rotation = StagedRotation(configured, configured.store, logger.info, _time_left(context))
    steps = {
        "createSecret": rotation.create,
        "setSecret": rotation.set,
        "testSecret": rotation.test,
        "finishSecret": rotation.finish,
    }
    named = event.get("Step") if isinstance(event, Mapping) else None
    if (step := steps.get(str(named))) is None:
        raise ConfigurationError("The event names none of the four steps.", remedy="Let AWS call this function.")
    try:
        return step(str(event.get("SecretId")), str(event.get("ClientRequestToken")))
    except Exception as error:
        problem = failure(error, changed=rotation.changed)
    raise problem


def _time_left(context: Context | None) -> float | None:
    return None if context is None else max(1.0, context.get_remaining_time_in_millis() / 1000 - MARGIN)
