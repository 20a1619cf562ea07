"""The rules for the name and the ARN of a secret in AWS Secrets Manager."""

from __future__ import annotations

import re

from genai_credentials.errors import ConfigurationError

CURRENT = "AWSCURRENT"
PREVIOUS = "AWSPREVIOUS"

_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:(?P<region>[a-z0-9-]+):\d{12}:secret:[A-Za-z0-9/_+=.@!-]+")
_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]{1,512}")


_REGION = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def checked_region(region: object) -> str | None:
    """Return the name of a region after a check; None if it is empty.

    Raises:
        ConfigurationError: No region can have this name.
    """
    if region is None or region == "":
        return None
    if not isinstance(region, str) or not _REGION.fullmatch(region):
        raise ConfigurationError(
            f"region={region!r} is not the name of a region.", remedy="Write eu-west-1, for example."
        )
    return region


def checked_secret(secret_id: str, stage: object, version_id: object = None) -> str | None:
    """Return the region in the ARN of a secret; None if the id is a name.

    Raises:
        ConfigurationError: The id is neither a name nor an ARN, the stage is empty, or one of the two is no text.
    """
    arn = _ARN.fullmatch(secret_id) if isinstance(secret_id, str) else None
    if arn is None and (not isinstance(secret_id, str) or not _NAME.fullmatch(secret_id)):
        raise ConfigurationError(
            f"{secret_id!r} is neither the name nor the ARN of a secret.",
            remedy="Write prod/gemini, or arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX.",
        )
    for name, value in (("stage", stage), ("version_id", version_id)):
        if value is not None and not isinstance(value, str):
            raise ConfigurationError(f"{name} is {type(value).__name__}, not text.", remedy="Pass it as AWS shows it.")
    if not stage:
        raise ConfigurationError("stage is empty.", remedy=f"Pass a staging label, or leave stage out for {CURRENT}.")
    return arn["region"] if arn else None
