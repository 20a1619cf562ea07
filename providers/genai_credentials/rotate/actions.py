"""The single acts of a rotation. Each act first checks whether it is done already, so it can be repeated."""

from __future__ import annotations

from collections.abc import Callable

from genai_credentials.errors import CredentialsError, PutConflict
from genai_credentials.key import ApiKey
from genai_credentials.provider import Writable
from genai_credentials.rotate import naming
from genai_credentials.rotate.errors import RotationFailed
from genai_credentials.rotate.issuer import IssuedKey, KeyIssuer
from genai_credentials.rotate.proof import prove
from genai_credentials.rotate.snapshot import Snapshot, is_open
from genai_credentials.rotate.stores import Stores, newest
from genai_credentials.rotate.timing import Timing

_MOST_TRIES = 8
GO_ON = "Run the rotation again: it continues from there."


class Overtaken(RotationFailed):
    """Somebody else has stored another key in the meantime.

    Args:
        message: What happened and where.
        remedy: What to do next; empty means a general remedy.
        stored: The version under which this key was stored nevertheless; None if it was not stored.
    """

    def __init__(self, message: str, *, remedy: str = "", stored: str | None = None) -> None:
        self.stored = stored
        super().__init__(message, remedy=remedy or "Look at 'rotate --status', then rotate again.", changed=True)


class Actions:
    """The acts of a run, and the stores, issuer and durations that they use.

    Args:
        stores: The stores of the key.
        issuer: The service that makes keys.
        timing: The durations.
        base_url: The API at which a key is proven; None means Google's.
        tell: Called with a text at each step.

    `changed` says whether this run has changed a key or a store.
    """

    def __init__(
        self,
        stores: Stores,
        issuer: KeyIssuer,
        timing: Timing,
        base_url: str | None,
        tell: Callable[[str], object],
    ) -> None:
        self.stores, self.issuer, self.timing, self.base_url, self.tell = stores, issuer, timing, base_url, tell
        self.changed = False

    def mint(self, snapshot: Snapshot, rotation_id: str | None) -> IssuedKey:
        """The key after the current key: the key of an interrupted run, or a new one.

        Args:
            snapshot: The state of the secret and its keys.
            rotation_id: See `Rotate.run`.

        Raises:
            RotationFailed: The issuer failed, or no id is free for a new key.
        """
        notes = _notes(snapshot, rotation_id)
        for _ in range(_MOST_TRIES):
            if (begun := snapshot.begun()) is not None:
                self.tell(f"Continuing with the key {begun.id}, which exists already.")
                return begun
            key_id = snapshot.next_id()
            self.tell(f"Making the key {key_id}.")
            label = naming.label(snapshot.place, key_id)
            key, new = self.issuer.issue(key_id, like=snapshot.held, annotations=notes, label=label)
            if is_open(key):
                self.changed = True
                if not new:
                    self.tell(f"Continuing with the key {key_id}, which exists already.")
                return key
            # Another run has made this key and deleted or superseded it since.
            snapshot.keys[key.id] = key
        raise RotationFailed(
            f"{self.issuer.name}: no id is free for a new key.", remedy="Run the rotation again later."
        )

    def prove(self, text: ApiKey, key_id: str) -> None:
        """Prove a key.

        Args:
            text: The key.
            key_id: The key's id at its issuer.

        Raises:
            Unproven: The API did not accept the key often enough in time, or the key was deleted.
        """

        def is_gone() -> bool:
            key = self.issuer.get(key_id)
            return key is None or key.deleted is not None

        prove(
            text,
            base_url=self.base_url,
            prove_for=self.timing.prove_for,
            timeout=self.timing.prove_timeout,
            tell=self.tell,
            is_gone=is_gone,
        )
        self.tell(f"The key {text.fingerprint} is live.")

    def strangers(self, *known: ApiKey) -> list[str]:
        """The names of the stores that hold none of the known keys. Somebody has stored another key there by hand."""
        return [store.name for store in self.stores if newest(store) not in known]

    def holders(self, text: ApiKey) -> list[str]:
        """The names of the stores that hold this key."""
        return [store.name for store in self.stores if newest(store) == text]

    def store(self, text: ApiKey) -> ApiKey:
        """Put a key into each store that doesn't hold it. Returns the key as it is read back from the primary store.

        Args:
            text: The key.

        Raises:
            RotationFailed: A store could not be written, or another key is there afterwards.
            Overtaken: Somebody else has written to a store at the same moment.
        """
        for store in self.stores:
            if newest(store) == text:
                self.tell(f"{store.name} already holds the key {text.fingerprint}.")
            else:
                self.tell(f"Storing the key {text.fingerprint} in {store.name}.")
                self._put(store, text)
        stored = self.stores.newest()
        if stored != text:
            raise RotationFailed(
                f"{self.stores.primary.name}: {text.fingerprint} was stored, but {stored.fingerprint} is there now.",
                remedy="Somebody else stored a key at the same moment. Look at 'rotate --status', then rotate again.",
                changed=True,
            )
        return stored

    def _put(self, store: Writable, text: ApiKey) -> None:
        try:
            store.put(text)
        except CredentialsError as error:
            problem = error
        else:
            self.changed = True
            return
        # The answer may have been lost, or another run may have stored the key first.
        if _holds(store, text):
            self.tell(f"{store.name} holds the key {text.fingerprint} nevertheless.")
            self.changed = True
            return
        if isinstance(problem, PutConflict):
            raise Overtaken(problem.message, stored=problem.stored)
        raise _unwritten(store, text, problem)

    def supersede(self, key: IssuedKey) -> None:
        """Mark a key as superseded. A key that is deleted or marked already is left alone."""
        fresh = self.issuer.get(key.id)
        if fresh is None or fresh.deleted is not None or naming.superseded_at(fresh) is not None:
            return
        self.tell(f"Marking the key {key.id} as superseded.")
        place = naming.digest(self.stores.identity())
        self.issuer.note(key.id, {naming.SECRET: place, naming.SUPERSEDED: naming.now()})
        self.changed = True

    def unmark(self, key: IssuedKey) -> None:
        """Remove the mark of a key that serves again."""
        self.issuer.note(key.id, {naming.SUPERSEDED: None})
        self.changed = True

    def finish(self, key: IssuedKey, rotation_id: str | None) -> None:
        """Note on a key that the rotation which made the key is complete.

        Args:
            key: The key.
            rotation_id: See `Rotate.run`.
        """
        ids = naming.rotations(key) | ({rotation_id} if rotation_id else frozenset())
        if naming.FINISHED in key.annotations and ids == naming.rotations(key):
            return
        joined = " ".join(sorted(ids)) or None
        self.issuer.note(key.id, {naming.FINISHED: naming.now(), naming.ROTATION: joined})
        self.changed = True

    def keep_live(self, key: IssuedKey) -> None:
        """Restore a key that serves now, if another run gave the key up and deleted it."""
        fresh = self.issuer.get(key.id)
        if fresh is not None and fresh.deleted is not None:
            self.tell(f"Restoring the key {key.id}, which another run deleted.")
            self.issuer.restore(key.id)

    def give_up(self, key: IssuedKey, text: ApiKey, reason: CredentialsError, *, changed: bool) -> RotationFailed:
        """Delete a key that never served, and return the error to raise.

        If a store holds the key, the key is kept.

        Args:
            key: The issuer's record of the key.
            text: The key.
            reason: The error because of which the key is given up.
            changed: Whether this run had changed something before it made the key.
        """
        if self.holders(text):
            return RotationFailed(reason.message, remedy=f"{reason.remedy} {GO_ON}".strip(), changed=True)
        self.tell(f"Deleting the key {key.id}, which never served.")
        try:
            self.issuer.retire(key)
        except RotationFailed as error:
            message = f"{reason.message} The new key {key.id} could not be deleted: {error.message}"
            return RotationFailed(message, remedy=f"{reason.remedy} {GO_ON}".strip(), changed=True)
        if self.holders(text):
            self.issuer.restore(key.id)
            return RotationFailed(reason.message, remedy=f"{reason.remedy} {GO_ON}".strip(), changed=True)
        self.changed = changed
        return RotationFailed(reason.message, remedy=reason.remedy, changed=changed)


def _notes(snapshot: Snapshot, rotation_id: str | None) -> dict[str, str]:
    before, name = snapshot.held.id if snapshot.held else None, rotation_id
    notes = {naming.SECRET: snapshot.secret, naming.PREDECESSOR: before, naming.ROTATION: name}
    return {name: value for name, value in notes.items() if value}


def _holds(store: Writable, text: ApiKey) -> bool:
    try:
        return newest(store) == text
    except CredentialsError:
        return False


def _unwritten(store: Writable, text: ApiKey, error: CredentialsError) -> RotationFailed:
    proven = f"The key {text.fingerprint} is proven and kept. {GO_ON}"
    return RotationFailed(
        f"{store.name}: the key {text.fingerprint} could not be stored. {error.message}",
        remedy=f"{error.remedy} {proven}".strip(),
        changed=True,
    )
