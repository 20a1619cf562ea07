"""`GoogleApiKeys`, which makes and deletes API keys of a Google Cloud project over REST."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from genai_credentials import redaction
from genai_credentials.errors import ConfigurationError
from genai_credentials.key import ApiKey, refuse_a_key
from genai_credentials.rotate.denials import PERMISSIONS, explained
from genai_credentials.rotate.errors import RotationFailed, after_a_change
from genai_credentials.rotate.google_session import check_base_url, check_credentials, make_session
from genai_credentials.rotate.issuer import Issued, IssuedKey, Restrictions
from genai_credentials.rotate.rest import Json, Reply, Rest

BASE_URL = "https://apikeys.googleapis.com"
OVERRIDE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_APIKEYS"
"""The variable of gcloud that names another endpoint."""

GEMINI = "generativelanguage.googleapis.com"
"""The API target of a new key whose predecessor has no target.

Organisations can forbid keys of service accounts that have no target.
"""

_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|\d{1,19}|[a-z][a-z0-9-]{0,62}")
_EMAIL = re.compile(r"[^@\s/]{1,100}@[^@\s/]{1,200}")
_PAGE, _VISIBLE_WITHIN = "300", 30.0


class GoogleApiKeys:
    """API keys of a Google Cloud project, through the API Keys API.

    The identity needs roles/serviceusage.apiKeysAdmin. For keys that are bound to a service account, it also needs
    iam.serviceAccountApiKeyBindings.create. A call that fails temporarily is repeated for up to 20 s. A call that is
    refused for a quota is repeated for up to 150 s. The quotas are 240 reads and 120 writes a minute (Google's page on
    quotas of the API Keys API).

    Args:
        project: The project's id or number.
        service_account: The e-mail address of the service account for new keys; None means the old key's account.
        credentials: Google credentials with the scope cloud-platform; None means application default credentials.
        base_url: The URL of the API; None means CLOUDSDK_API_ENDPOINT_OVERRIDES_APIKEYS, else Google's.

    Raises:
        ConfigurationError: The project, the account or the URL has a wrong form, or the URL is plain http to another
            machine.
    """

    def __init__(
        self,
        project: str,
        *,
        service_account: str | None = None,
        credentials: Any = None,
        base_url: str | None = None,
    ) -> None:
        redaction.install()
        refuse_a_key(project, service_account)
        if not isinstance(project, str) or not _PROJECT.fullmatch(project):
            raise ConfigurationError(f"{project!r} is not a project's id.", remedy="Write the id, such as acme-prod.")
        if service_account is not None and not (isinstance(service_account, str) and _EMAIL.fullmatch(service_account)):
            raise ConfigurationError(
                "service_account is not an e-mail address.", remedy="Write NAME@PROJECT.iam.gserviceaccount.com."
            )
        check_credentials(credentials)
        url = base_url or os.environ.get(OVERRIDE) or BASE_URL
        check_base_url(url)
        self.project, self.service_account = project, service_account
        self.name = f"apikeys:{project}"
        self._parent = f"projects/{project}/locations/global"
        self._rest = Rest(lambda: make_session(credentials, project, url), url.rstrip("/").removesuffix("/v2"), project)

    def __repr__(self) -> str:
        return f"<GoogleApiKeys {self.name}>"

    def find(self, key: ApiKey) -> IssuedKey | None:
        """The issuer's record of this key; None if the key was purged. See `KeyIssuer.find`.

        Raises:
            RotationFailed: Google has no such key, or the key is in another project.
        """
        query = {"keyString": key.get_secret_value()}
        reply = self._rest.call("keys.lookupKey", "GET", "keys:lookupKey", query=query)
        name = str(reply.body.get("name") or "")
        if reply.status != 200:
            raise _foreign(key, "was not found in", self.project)
        if not name:
            return None
        # A key's name contains the project's number. To compare the number with this project, the key is read by its id
        # in this project.
        path = f"{self._parent}/keys/{name.rsplit('/', 1)[-1]}"
        found = self._rest.call("keys.get", "GET", path)
        if found.status != 200 or not _same_project(name, str(found.body.get("name") or "")):
            raise _foreign(key, "does not belong to", self.project)
        return _issued(found.body)

    def get(self, key_id: str) -> IssuedKey | None:
        """See `KeyIssuer.get`."""
        reply = self._rest.call("keys.get", "GET", f"{self._parent}/keys/{key_id}")
        return _issued(reply.body) if reply.status == 200 else None

    def list(self) -> list[IssuedKey]:
        """See `KeyIssuer.list`."""
        keys: list[IssuedKey] = []
        query = {"pageSize": _PAGE, "showDeleted": "true"}
        while True:
            reply = self._rest.call("keys.list", "GET", f"{self._parent}/keys", query=query)
            if reply.status != 200:
                raise explained("keys.list", reply.status, reply.body, "", changes=False)
            keys += [_issued(part) for part in reply.body.get("keys") or []]
            if not (token := reply.body.get("nextPageToken")):
                return keys
            query["pageToken"] = str(token)

    def issue(self, key_id: str, *, like: IssuedKey | None, annotations: Mapping[str, str], label: str) -> Issued:
        """See `KeyIssuer.issue`."""
        body: Json = {
            "displayName": label,
            "annotations": dict(annotations),
            "restrictions": _with_target(like.restrictions if like else {}),
        }
        if account := self.service_account or (like.service_account if like else None):
            body["serviceAccountEmail"] = account
        reply = self._rest.operate("keys.create", "POST", f"{self._parent}/keys", query={"keyId": key_id}, body=body)
        if reply.status == 404:
            raise explained("keys.create", 404, reply.body, "", changes=False)
        # 409 means that an answer was lost, or that another run was faster. In both cases this key is the result.
        made = _issued(reply.body) if reply.status == 200 and reply.body.get("name") else self._appearing(key_id)
        return Issued(made, new=reply.status == 200)

    def read(self, key_id: str) -> ApiKey:
        """See `KeyIssuer.read`."""
        reply = self._rest.call("keys.getKeyString", "GET", f"{self._parent}/keys/{key_id}/keyString")
        text = reply.body.get("keyString") if reply.status == 200 else None
        if not isinstance(text, str):
            raise explained("keys.getKeyString", reply.status, reply.body, "", changes=False)
        key = ApiKey(text, provider=self.name, version=key_id)
        redaction.know(key)
        return key

    def note(self, key_id: str, changes: Mapping[str, str | None]) -> IssuedKey:
        """See `KeyIssuer.note`."""
        for _ in range(5):
            key = self.get(key_id)
            if key is None:
                raise explained("keys.patch", 404, {}, "", changes=False)
            notes = {**key.annotations, **changes}
            kept = {name: value for name, value in notes.items() if value is not None}
            if kept == dict(key.annotations):
                return key
            # A patch replaces the whole map. With the etag, Google refuses the patch if another run has changed the map
            # since.
            body: Json = {"annotations": kept, **({"etag": key.etag} if key.etag else {})}
            query = {"updateMask": "annotations"}
            reply = self._rest.operate("keys.patch", "PATCH", f"{self._parent}/keys/{key_id}", query=query, body=body)
            if reply.status == 200:
                return _issued(reply.body) if reply.body.get("name") else self._appearing(key_id)
        raise explained("keys.patch", 409, {}, "", changes=True)

    def retire(self, key: IssuedKey) -> None:
        """See `KeyIssuer.retire`."""
        query = {"etag": key.etag} if key.etag else {}
        self._settle("keys.delete", "DELETE", f"{self._parent}/keys/{key.id}", key.id, deleted=True, query=query)

    def restore(self, key_id: str) -> IssuedKey:
        """See `KeyIssuer.restore`."""
        self._settle("keys.undelete", "POST", f"{self._parent}/keys/{key_id}:undelete", key_id, deleted=False, body={})
        return self._appearing(key_id)

    def _settle(self, does: str, method: str, path: str, key_id: str, *, deleted: bool, **options: Any) -> None:
        """Delete or restore a key. If the answer leaves the result open, read the key to find out."""
        problem: RotationFailed | None = None
        try:
            reply = self._rest.operate(does, method, path, **options)
        except RotationFailed as error:
            reply, problem = Reply(0, {}), error
        if reply.status == 200:
            return
        try:
            key = self.get(key_id)
        except RotationFailed as error:
            raise (problem or error).with_traceback(None) from None
        if (key is None or key.deleted is not None) != deleted:
            problem = problem or explained(does, reply.status, reply.body, "", changes=False)
            raise problem.with_traceback(None) from None

    def _appearing(self, key_id: str) -> IssuedKey:
        """The key with this id. Waits while the operation that makes the key is still under way."""
        give_up, pause = time.monotonic() + _VISIBLE_WITHIN, 0.2
        with after_a_change():
            while (key := self.get(key_id)) is None:
                if time.monotonic() > give_up:
                    raise RotationFailed(
                        f"{self.name}: the key {key_id} was made and cannot be read yet.",
                        remedy="Google is still making it. Run the rotation again in a minute.",
                    )
                time.sleep(pause)
                pause = min(pause * 2, 5.0)
        return key


def _issued(body: Json) -> IssuedKey:
    annotations, restrictions = body.get("annotations"), body.get("restrictions")
    return IssuedKey(
        id=str(body.get("name", "")).rsplit("/", 1)[-1],
        created=_time(body.get("createTime")),
        deleted=_time(body.get("deleteTime")),
        annotations=annotations if isinstance(annotations, dict) else {},
        etag=str(body.get("etag") or ""),
        restrictions=restrictions if isinstance(restrictions, dict) else {},
        service_account=body.get("serviceAccountEmail") or None,
    )


def _time(text: object) -> datetime | None:
    if not isinstance(text, str) or not text:
        return None
    # Python reads up to six digits of a second; Google writes up to nine.
    trimmed = re.sub(r"(\.\d{6})\d+", r"\1", text)
    try:
        moment = datetime.fromisoformat(trimmed)
    except ValueError:
        return datetime.now(UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _with_target(restrictions: Restrictions) -> dict[str, object]:
    return {**restrictions, "apiTargets": restrictions.get("apiTargets") or [{"service": GEMINI}]}


def _same_project(one: str, other: str) -> bool:
    """Whether two resource names can belong to one project.

    A name contains the project's number, or repeats the project id of the request.
    """
    numbers = {name.split("/")[1] for name in (one, other) if name.count("/") > 1}
    return len({number for number in numbers if number.isdecimal()}) < 2


def _foreign(key: ApiKey, what: str, project: str) -> RotationFailed:
    return RotationFailed(
        f"{key.provider}: the key {key.fingerprint} {what} the project {project}.",
        remedy=f"Name the key's own project (--project), and grant {PERMISSIONS['keys.lookupKey']} there. Or store a "
        "key of this project with 'genai-credentials put'. A key that was not found is never deleted.",
    )
