"""The lists of AWS Secrets Manager, with pages: secrets with filters, values of secrets, versions of a secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from genai_credentials.testing.servers import RefusedError
from genai_credentials.testing.stores.aws_secret import Json, Secret
from genai_credentials.testing.stores.aws_secrets import Secrets
from genai_credentials.testing.stores.aws_values import read

__all__ = ["Lists"]

_MOST = 100
_FILTERS = ("description", "name", "tag-key", "tag-value", "primary-region", "owning-service", "all")
_SORTED_BY = {
    "created-date": lambda secret: secret.created,
    "last-accessed-date": lambda secret: secret.accessed or 0.0,
    "last-changed-date": lambda secret: secret.changed,
    "name": lambda secret: secret.name,
}
_SEPARATORS = "/-_+=.@"


class Lists:
    """The functions that answer these actions.

    Args:
        secrets: The secrets of the region.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def actions(self) -> dict[str, Callable[[Json], Json]]:
        """Return the function for each action, by the name of the action on the wire."""
        return {
            "ListSecrets": self._list_secrets,
            "ListSecretVersionIds": self._list_versions,
            "BatchGetSecretValue": self._read_many,
        }

    def _filtered(self, params: Json) -> list[Secret]:
        filters = [_checked(number, one) for number, one in enumerate(params.get("Filters") or (), 1)]
        return [
            secret
            for secret in self._secrets.values()
            if (secret.deletion is None or params.get("IncludePlannedDeletion"))
            and all(_passes(secret, one["Key"], one["Values"]) for one in filters)
        ]

    def _list_secrets(self, params: Json) -> Json:
        found = self._filtered(params)
        found.sort(key=_SORTED_BY[params.get("SortBy", "created-date")], reverse=params.get("SortOrder") == "desc")
        return _page("SecretList", [secret.described("SecretVersionsToStages") for secret in found], params)

    def _list_versions(self, params: Json) -> Json:
        secret = self._secrets.described(params)
        versions = [
            {"VersionId": version.id, "VersionStages": stages, "CreatedDate": version.created}
            for version in secret.versions.values()
            if version.value and ((stages := secret.stages_of(version.id)) or params.get("IncludeDeprecated"))
        ]
        return {**secret.named(), **_page("Versions", versions, params)}

    def _read_many(self, params: Json) -> Json:
        names = params.get("SecretIdList")
        if bool(names) == bool(params.get("Filters")):
            message = "Either 'SecretIdList' or 'Filters' must be provided, but not both."
            raise RefusedError("InvalidParameterException", message)
        if names and "MaxResults" in params:
            message = "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided."
            raise RefusedError("InvalidParameterException", message)
        if not names:
            found = [read(self._secrets, {"SecretId": secret.arn}) for secret in self._filtered(params)]
            return {**_page("SecretValues", found, params), "Errors": []}
        values, errors = [], []
        for name in names:
            try:
                values.append(read(self._secrets, {"SecretId": name}))
            except RefusedError as refusal:
                errors.append({"SecretId": name, "ErrorCode": refusal.code, "Message": refusal.message})
        return {"SecretValues": values, "Errors": errors}


def _passes(secret: Secret, key: str, values: Iterable[str]) -> bool:
    """Whether one of the filter's values is found. A value that begins with '!' must not be found."""
    attributes = _attributes(secret)[key]
    for value in values:
        wanted = value.removeprefix("!")
        found = any(_match(key, wanted, attribute) for attribute in attributes)
        if found != value.startswith("!"):
            return True
    return False


def _attributes(secret: Secret) -> dict[str, list[str]]:
    tags = secret.details.get("Tags", ())
    found = {
        "name": [secret.name],
        "description": [secret.details["Description"]] if "Description" in secret.details else [],
        "tag-key": [tag["Key"] for tag in tags],
        "tag-value": [tag["Value"] for tag in tags],
    }
    everything = [attribute for attributes in found.values() for attribute in attributes]
    return {**found, "all": everything, "primary-region": [], "owning-service": []}


def _match(key: str, wanted: str, attribute: str) -> bool:
    if key not in ("all", "description"):
        return attribute.startswith(wanted)
    # Each word of the filter must begin a word of the attribute. Upper and lower case do not matter.
    words = [word.lower() for word in _words(attribute)]
    parts = [part.lower() for part in _words(wanted)]
    return bool(parts) and all(any(word.startswith(part) for word in words) for part in parts)


def _words(text: str) -> list[str]:
    """Return the words of a name. It is split at white space, at upper case letters, and at one kind of separator."""
    used = {separator for separator in _SEPARATORS if separator in text}
    if len(used) > 1:
        return [text]
    pieces = re.split(rf"[\s{re.escape(''.join(used))}]+", text) if used else text.split()
    return [word for piece in pieces for word in re.findall(r"[^a-z][a-z]+|(?:(?![^a-z][a-z]).)+", piece)]


def _checked(number: int, one: Json) -> Json:
    if not one.get("Key"):
        raise RefusedError("InvalidParameterException", "Invalid filter key")
    if one["Key"] not in _FILTERS:
        raise RefusedError(
            "ValidationException",
            f"1 validation error detected: Value '{one['Key']}' at 'filters.{number}.member.key' failed to satisfy "
            f"constraint: Member must satisfy enum value set: [{', '.join(_FILTERS)}]",
        )
    if not one.get("Values"):
        raise RefusedError("InvalidParameterException", f"Invalid filter values for key: {one['Key']}")
    return one


def _page(name: str, items: list[Json], params: Json) -> Json:
    token, size = params.get("NextToken", "0"), params.get("MaxResults", _MOST)
    if not 1 <= size <= _MOST:
        raise RefusedError("InvalidParameterException", f"MaxResults must be within 1-{_MOST}.")
    if not token.isdecimal() or int(token) > len(items):
        raise RefusedError("InvalidNextTokenException", "The NextToken value is invalid.")
    end = int(token) + size
    return {name: items[int(token) : end], **({"NextToken": str(end)} if end < len(items) else {})}
