"""The events of AWS Secrets Manager, as EventBridge delivers them: its own events, and events of CloudTrail.

Sources: https://docs.aws.amazon.com/secretsmanager/latest/userguide/monitoring-eventbridge.html, and for the entries of
CloudTrail https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from genai_credentials.provider import Provider
from genai_credentials.pushes.change import Document, part, text, texts
from genai_credentials.sources.aws import AWSSecretsManager
from genai_credentials.sources.aws_agent import AWSAgent
from genai_credentials.sources.aws_names import CURRENT, PREVIOUS

_CALLS = {"PutSecretValue", "UpdateSecret", "UpdateSecretVersionStage", "RotationSucceeded"}
_PLACES = ("requestParameters", "responseElements", "additionalEventData", "serviceEventDetails")
# Before February 2024, some calls wrote "aRN".
_NAMES = {"arn", "secretid", "name"}
_ARN = re.compile(r"arn:[a-z-]+:secretsmanager:(?P<region>[a-z0-9-]*):\d*:secret:(?P<name>.+)")
_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}$")


class AWSChange(NamedTuple):
    """A change of a secret: its names and ARNs, its region, the labels that moved, and the new version.

    `stages` is None if any label may have moved. `region` and `version` are None if the event does not contain them.
    """

    names: frozenset[str]
    region: str | None
    stages: frozenset[str] | None
    version: str | None

    @classmethod
    def of(cls, document: Document) -> AWSChange | None:
        """Return the change in an event of EventBridge or an entry of CloudTrail.

        None if the document is no such event, or if no label moved.
        """
        if text(document, "source") != "aws.secretsmanager":
            return _of_entry(document, document)
        detail = part(document, "detail")
        if (label := text(detail, "labelUpdated")) is None:
            return _of_entry(document, detail)
        names = frozenset([*texts(document.get("resources")), *_names_in(detail)])
        return cls(names, text(document, "region"), _moved([label]), text(detail, "versionId"))

    def is_about(self, provider: Provider) -> bool:
        """Whether the event is about the secret and the label of this provider. A pinned version never changes."""
        if not isinstance(provider, (AWSSecretsManager, AWSAgent)) or provider.version_id:
            return False
        if self.stages is not None and provider.stage not in self.stages:
            return False
        region = provider.region if isinstance(provider, AWSSecretsManager) else None
        regions = {match["region"] for name in self.names if (match := _ARN.fullmatch(name))} or {self.region}
        if region is not None and regions.isdisjoint({region, None}):
            return False
        return any(_is_same(provider.secret_id, name) for name in self.names)


def _of_entry(document: Document, entry: Document) -> AWSChange | None:
    call = text(entry, "eventName")
    if text(entry, "eventSource") != "secretsmanager.amazonaws.com" or call not in _CALLS:
        return None
    if entry.get("errorCode") or entry.get("errorMessage"):
        return None
    places = [part(entry, place) for place in _PLACES]
    names = [name for place in places for name in _names_in(place)]
    names += [name for thing in _listed(entry.get("resources")) for name in _names_in(thing)]
    region = text(entry, "awsRegion") or text(document, "region")
    asked, answered = places[:2]
    version = text(answered, "versionId") or text(asked, "moveToVersionId", "clientRequestToken")
    return AWSChange(frozenset(names), region, _stages(call, asked), version)


def _stages(call: str | None, asked: Document) -> frozenset[str] | None:
    if call == "PutSecretValue":
        return _moved([*texts(asked.get("versionStages"))] or [CURRENT])
    stage = text(asked, "versionStage")
    return _moved([stage]) if stage else None


def _moved(stages: list[str]) -> frozenset[str]:
    # If AWSCURRENT moves, AWS itself moves AWSPREVIOUS to the former version.
    return frozenset([*stages, PREVIOUS] if CURRENT in stages else stages)


def _names_in(document: Document) -> Iterator[str]:
    for name, value in document.items():
        if isinstance(name, str) and name.lower() in _NAMES and isinstance(value, str):
            yield value


def _listed(value: object) -> Iterator[Document]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _is_same(secret_id: str, name: str) -> bool:
    """Whether the id of a link and a name or an ARN of an event mean the same secret.

    An ARN may end in six random characters, or these characters may be missing.
    """
    ours, theirs = _ARN.fullmatch(secret_id), _ARN.fullmatch(name)
    if bool(ours) == bool(theirs):
        return secret_id == name or (ours is not None and (secret_id in _forms(name) or name in _forms(secret_id)))
    arn, plain = (ours, name) if ours else (theirs, secret_id)
    return arn is not None and plain in _forms(arn["name"])


def _forms(name: str) -> tuple[str, str]:
    return name, _SUFFIX.sub("", name)
