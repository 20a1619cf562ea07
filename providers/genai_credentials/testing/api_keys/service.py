"""The methods of the API Keys API, as far as the fake has them. No network, no planned errors.

Source of paths, parameters and members: its discovery document (apikeys v2, revision 20260818).
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from genai_credentials.testing.servers import RefusedError

__all__ = ["ApiKeysService", "Call", "Key"]

Json = dict[str, Any]
KEPT = timedelta(days=30)
"""How long a deleted key can be restored."""

_KEY_ID = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MUTABLE = ("displayName", "restrictions", "annotations")
_LONGEST_NAME, _LARGEST_PAGE = 63, 300


@dataclass(frozen=True, slots=True)
class Call:
    """A parsed request. `names` are the names in the path. `query` has the last value of each parameter."""

    names: tuple[str, ...]
    query: dict[str, str]
    body: Json


@dataclass(slots=True)
class Key:
    """An API key. `project` is a number. `body` holds the members that the owner may set."""

    id: str
    project: str
    text: str = field(repr=False)
    body: Json
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))
    deleted: datetime | None = None
    uid: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def etag(self) -> str:
        """A tag that changes with each change of the key."""
        state = f"{self.uid} {sorted(self.body.items())} {self.updated} {self.deleted}"
        return f'W/"{base64.b64encode(hashlib.sha256(state.encode()).digest()[:16]).decode()}"'

    @property
    def purged(self) -> bool:
        """Whether the key is deleted for good."""
        return self.deleted is not None and datetime.now(UTC) - self.deleted > KEPT

    def resource(self) -> Json:
        """Return the key as the API shows it: without its text, and with the number of the project."""
        return {
            "name": f"projects/{self.project}/locations/global/keys/{self.id}",
            **self.body,
            "uid": self.uid,
            "createTime": _time(self.created),
            "updateTime": _time(self.updated),
            **({"deleteTime": _time(self.deleted)} if self.deleted else {}),
            "etag": self.etag,
        }


class ApiKeysService:
    """The keys of several projects and the methods of the API. Not thread-safe by itself.

    Args:
        projects: The numbers, by id, of the projects in which the caller has permission.
        polls: How often an operation answers that it is not done.
        changed: Called after each change with the method and the changed key.
    """

    def __init__(self, projects: dict[str, str], polls: int, changed: Callable[[str, Key], None]) -> None:
        self.projects, self.polls = projects, polls
        self.keys: dict[tuple[str, str], Key] = {}
        self._changed = changed
        self._operations: dict[str, tuple[int, Json]] = {}

    def add(self, text: str, key_id: str, project: str, body: Json) -> Key:
        """Store a key that was not made by a call."""
        key = self.keys[project, key_id] = Key(key_id, project, text, body)
        return key

    def answer(self, method: str, path: str, query: str, body: Json) -> Json:
        """Return the answer to a request.

        Raises:
            RefusedError: The service refuses the request.
        """
        values = {name: parts[-1] for name, parts in parse_qs(query, keep_blank_values=True).items()}
        for verb, pattern, name in _ROUTES:
            if verb == method and (found := pattern.fullmatch(path)):
                serve: Callable[[Call], Json] = getattr(self, f"_{name}")
                return serve(Call(found.groups(), values, body))
        raise RefusedError("NOT_FOUND", "The requested URL was not found on this server.", 404)

    def method_of(self, method: str, path: str) -> str:
        """Return the name of the method that a request calls; "" if there is none."""
        return next((name for verb, pattern, name in _ROUTES if verb == method and pattern.fullmatch(path)), "")

    # Reads

    def _lookup(self, call: Call) -> Json:
        text = call.query.get("keyString")
        key = next((key for key in self.keys.values() if key.text == text), None)
        if key is None or key.project not in self.projects.values():
            raise _denied("apikeys.keys.lookup")
        parent = f"projects/{key.project}/locations/global"
        return {"parent": parent} if key.purged else {"parent": parent, "name": key.resource()["name"]}

    def _get(self, call: Call) -> Json:
        return self._key(call).resource()

    def _get_key_string(self, call: Call) -> Json:
        return {"keyString": self._key(call).text}

    def _list(self, call: Call) -> Json:
        project, deleted = self._project(call.names[0]), call.query.get("showDeleted") == "true"
        keys = [key for key in self.keys.values() if key.project == project and not key.purged]
        shown = [key.resource() for key in keys if deleted or key.deleted is None]
        start, size = int(call.query.get("pageToken") or 0), int(call.query.get("pageSize") or 50)
        end = start + min(size, _LARGEST_PAGE)
        return {"keys": shown[start:end], **({"nextPageToken": str(end)} if end < len(shown) else {})}

    def _operation(self, call: Call) -> Json:
        name = f"operations/{call.names[0]}"
        if name not in self._operations:
            raise RefusedError("NOT_FOUND", "Requested entity was not found.", 404)
        left, result = self._operations[name]
        self._operations[name] = max(0, left - 1), result
        return {"name": name} if left else {"name": name, "done": True, **result}

    # Changes

    def _create(self, call: Call) -> Json:
        project, key_id = self._project(call.names[0]), call.query.get("keyId") or str(uuid.uuid4())
        if "keyId" in call.query and (not _KEY_ID.fullmatch(key_id) or _UUID.fullmatch(key_id)):
            raise RefusedError("INVALID_ARGUMENT", "key_id: a user may not specify this id.")
        if (project, key_id) in self.keys:
            raise RefusedError("ALREADY_EXISTS", "Requested entity already exists", 409)
        body = {name: call.body[name] for name in (*_MUTABLE, "serviceAccountEmail") if call.body.get(name)}
        _check(body)
        bound = "serviceAccountEmail" in body
        text = f"AQ.{secrets.token_urlsafe(36)}" if bound else f"AIzaSy{secrets.token_urlsafe(25)[:33]}"
        return self._started("create", self.add(text, key_id, project, body))

    def _patch(self, call: Call) -> Json:
        key = self._live(call)
        _compare(key, call.body.get("etag"))
        mask = call.query.get("updateMask", "")
        names = [name for name in _MUTABLE if name in call.body] if mask in ("", "*") else mask.split(",")
        if unknown := [name for name in names if _camel(name) not in _MUTABLE]:
            raise RefusedError("INVALID_ARGUMENT", f"update_mask: {unknown[0]!r} cannot be changed.")
        body = {**key.body, **{_camel(name): call.body.get(_camel(name)) for name in names}}
        _check(body)
        # Each member is replaced as a whole, including the map of annotations.
        key.body = {name: value for name, value in body.items() if value}
        return self._started("patch", key)

    def _delete(self, call: Call) -> Json:
        key = self._live(call)
        _compare(key, call.query.get("etag"))
        key.deleted = datetime.now(UTC)
        return self._started("delete", key)

    def _undelete(self, call: Call) -> Json:
        key = self._key(call)
        if key.deleted is None:
            raise RefusedError("FAILED_PRECONDITION", "The key is not deleted.")
        key.deleted = None
        return self._started("undelete", key)

    # Helpers

    def _project(self, name: str) -> str:
        number = self.projects.get(name, name)
        if number not in self.projects.values():
            raise _denied("apikeys.keys.get")
        return number

    def _key(self, call: Call) -> Key:
        key = self.keys.get((self._project(call.names[0]), call.names[1]))
        if key is None or key.purged:
            raise RefusedError("NOT_FOUND", "Requested entity was not found.", 404)
        return key

    def _live(self, call: Call) -> Key:
        key = self._key(call)
        if key.deleted is not None:
            raise RefusedError("FAILED_PRECONDITION", "The key is deleted.")
        return key

    def _started(self, method: str, key: Key) -> Json:
        key.updated = datetime.now(UTC)
        self._changed(method, key)
        kind = {"@type": "type.googleapis.com/google.api.apikeys.v2.Key"}
        name = f"operations/akmf.p7-{key.project}-{uuid.uuid4()}"
        self._operations[name] = self.polls, {"response": {**kind, **key.resource(), "keyString": key.text}}
        return {"name": name}


_ROUTES = [
    (verb, re.compile(pattern), name)
    for verb, pattern, name in (
        ("GET", r"/v2/keys:lookupKey", "lookup"),
        ("GET", r"/v2/operations/([^/]+)", "operation"),
        ("GET", r"/v2/projects/([^/]+)/locations/global/keys", "list"),
        ("POST", r"/v2/projects/([^/]+)/locations/global/keys", "create"),
        ("GET", r"/v2/projects/([^/]+)/locations/global/keys/([^/:]+)", "get"),
        ("PATCH", r"/v2/projects/([^/]+)/locations/global/keys/([^/:]+)", "patch"),
        ("DELETE", r"/v2/projects/([^/]+)/locations/global/keys/([^/:]+)", "delete"),
        ("GET", r"/v2/projects/([^/]+)/locations/global/keys/([^/:]+)/keyString", "get_key_string"),
        ("POST", r"/v2/projects/([^/]+)/locations/global/keys/([^/:]+):undelete", "undelete"),
    )
]


def _denied(permission: str) -> RefusedError:
    return RefusedError("PERMISSION_DENIED", f"Permission '{permission}' denied, or the resource may not exist.", 403)


def _compare(key: Key, etag: str | None) -> None:
    if etag and etag != key.etag:
        raise RefusedError("ABORTED", "The etag does not match: another caller has changed the key.", 409)


def _check(body: Json) -> None:
    if len(body.get("displayName") or "") > _LONGEST_NAME:
        raise RefusedError("INVALID_ARGUMENT", f"display_name: at most {_LONGEST_NAME} characters.")
    annotations = body.get("annotations") or {}
    if not all(isinstance(value, str) for value in annotations.values()):
        raise RefusedError("INVALID_ARGUMENT", "annotations: each value must be a text.")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
