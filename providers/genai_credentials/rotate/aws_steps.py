"""The four steps of a rotation by AWS Secrets Manager. AWS may call each step twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from genai_credentials import redaction
from genai_credentials.key import ApiKey, extract_field
from genai_credentials.rotate.actions import Actions
from genai_credentials.rotate.errors import RotationFailed
from genai_credentials.rotate.google_session import proving_url
from genai_credentials.rotate.rotation import bring_to_an_end, mend
from genai_credentials.rotate.settings import Settings
from genai_credentials.rotate.snapshot import Snapshot, look
from genai_credentials.rotate.stores import Stores
from genai_credentials.sources.aws import AWSSecretsManager
from genai_credentials.writing.aws import CURRENT, PAUSES, PENDING, Refused, StagedVersions
from genai_credentials.writing.documents import Content, document_for


class StagedRotation:
    """A rotation that keeps the new key under AWSPENDING until the API has accepted the key.

    Args:
        configured: The settings of the function.
        store: The secret.
        tell: Called with a text at each step.
        time_left: Seconds that the function may still run; None means no limit.
    """

    def __init__(
        self, configured: Settings, store: AWSSecretsManager, tell: Callable[[str], object], time_left: float | None
    ) -> None:
        timing = configured.timing
        if time_left is not None and time_left < timing.prove_timeout:
            timing = replace(timing, prove_timeout=time_left, prove_for=min(timing.prove_for, time_left / 2))
        self._store, self._issuer = store, configured.issuer
        self._actions = Actions(Stores(store, ()), configured.issuer, timing, proving_url(None), tell)
        self._call = store.calls()
        self._versions = StagedVersions(self._call, store.secret_id, store.name)

    @property
    def changed(self) -> bool:
        """Whether this rotation has changed a key or the secret."""
        return self._actions.changed

    def create(self, secret_id: str, token: str) -> None:
        """Make a new key, or continue with the key of an interrupted run, and store it under AWSPENDING.

        Args:
            secret_id: The secret's ARN, from the event.
            token: The ClientRequestToken of the event, which becomes the version's id.

        Raises:
            RotationFailed: The event is about another secret, or another key was stored in the meantime.
        """
        stages = self._stages(secret_id, token)
        # A version without the label AWSPENDING was current before, or is current now. This call is a repetition.
        if (stages and PENDING not in stages) or CURRENT in stages or self._pending(token, pauses=()):
            return
        snapshot = self._snapshot(token)
        text = self._issuer.read(self._actions.mint(snapshot, token).id)
        current = self._versions.current()
        content = Content(current.content, document_for(self._store.field, self._store.name), self._store.name)
        if not content.holds(snapshot.current.get_secret_value()):
            raise RotationFailed(
                f"{self._store.name}: another key was stored there in the meantime.",
                remedy="Let AWS run the step again: it then starts from that key.",
                changed=True,
            )
        self._versions.stage(current, content.with_key(text.get_secret_value()), token)

    def set(self, secret_id: str, token: str) -> None:
        """Check the event, and do nothing more: a new key is live as soon as Google has made it.

        Raises:
            RotationFailed: The event is about another secret.
        """
        self._stages(secret_id, token)

    def test(self, secret_id: str, token: str) -> None:
        """Prove the staged key.

        A key that cannot be proven stays staged, because AWS calls the steps again for the same version.

        Raises:
            RotationFailed: The event is about another secret, or no key is staged under the version.
            Unproven: The API did not accept the key often enough in time.
        """
        if CURRENT not in self._stages(secret_id, token):
            text = self._staged(token)
            found = self._issuer.find(text)
            self._actions.prove(text, found.id if found else "")

    def finish(self, secret_id: str, token: str) -> dict[str, Any]:
        """Move AWSCURRENT to the staged key, and delete the superseded keys that are due.

        Returns:
            The fields of `RotateReport`.

        Raises:
            RotationFailed: The event is about another secret, no key is staged, or a key could not be deleted.
        """
        if CURRENT not in self._stages(secret_id, token):
            self._staged(token)
            self._promote(token)
        return bring_to_an_end(self._actions, token)._asdict()

    def _snapshot(self, token: str) -> Snapshot:
        """The snapshot, after an interrupted rotation has been completed."""
        snapshot = look(self._actions.stores, self._issuer)
        if snapshot.unfinished:
            bring_to_an_end(self._actions, None)
            snapshot = look(self._actions.stores, self._issuer)
        mend(self._actions, snapshot)
        return snapshot

    def _promote(self, token: str) -> None:
        current = self._versions.current()
        try:
            self._versions.promote(current, token)
        except Refused as refusal:
            problem = refusal
        else:
            self._actions.changed = True
            # AWS considers a rotation to be under way as long as its version has the label AWSPENDING.
            self._versions.unstage(current, token)
            return
        if self._versions.current().version != token:
            raise problem

    def _stages(self, secret_id: str, token: str) -> list[str]:
        """The labels of the version that the event names; an empty list if the version does not exist yet.

        Raises:
            RotationFailed: The event is about another secret than the configured one.
        """
        described = self._call("describe_secret", SecretId=self._store.secret_id)
        if secret_id != described.get("ARN"):
            raise RotationFailed(
                f"The event is about another secret than {self._store.name}. Nothing was changed.",
                remedy="Set GENAI_CREDENTIALS_ROTATE_URI to the secret that this function rotates.",
            )
        stages: list[str] = described.get("VersionIdsToStages", {}).get(token, [])
        return stages

    def _staged(self, token: str) -> ApiKey:
        key = self._pending(token, PAUSES)
        if key is None:
            raise RotationFailed(
                f"{self._store.name}: no key is staged under the version {token}.",
                remedy="Let AWS call createSecret first.",
            )
        return key

    def _pending(self, token: str, pauses: tuple[float, ...]) -> ApiKey | None:
        """The key that is staged under this version; None if there is none.

        Args:
            token: The version's id.
            pauses: Seconds before each further attempt. Directly after a write, AWS may not find the version yet.
        """
        answer = self._ask(token)
        for pause in pauses:
            if answer is None:
                time.sleep(pause)
                answer = self._ask(token)
        if answer is None:
            return None
        text = answer.get("SecretString") or bytes(answer.get("SecretBinary") or b"").decode("utf-8-sig")
        key = ApiKey(extract_field(text, self._store.field, self._store.name), provider=self._store.name, version=token)
        redaction.know(key)
        return key

    def _ask(self, token: str) -> Any:
        try:
            # The version id and the label are both sent. With the id alone, AWS returns the version even without the
            # label.
            return self._call("get_secret_value", SecretId=self._store.secret_id, VersionId=token, VersionStage=PENDING)
        except Refused as refusal:
            # AWS answers with these codes if the version has no value, or does not have the label.
            if refusal.code not in ("ResourceNotFoundException", "InvalidRequestException"):
                raise
        return None
