"""A key for each user, under which the private fields of their events are encrypted.

The key itself is kept encrypted under the service's. Events cannot be changed; a user is forgotten by destroying the
key, after which nobody reads those fields again. (A backup holds the key for as long as the backup is kept.)
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from uuid import UUID

from cryptography.fernet import Fernet

from shared.database import Database
from shared.eventstore import statements
from shared.projection import RowChange, update
from shared.security.fields import FieldCipher

TABLE = "private_keys"
_CACHED = 4096
# The first byte of what is under a user's key; anything else is under the service's.
_OF_USER = b"\x01"


def forget(user_id: UUID) -> RowChange:
    """The user's key is destroyed: what a projection of the event says that ends an account."""
    return update(TABLE, {"user_id": user_id}, sealed=None)


class PrivateKeys:
    """Encrypts under users' keys, which are made when first needed, and decrypts."""

    def __init__(self, database: Database, cipher: FieldCipher) -> None:
        self._database = database
        self._cipher = cipher
        self._of_users: OrderedDict[UUID, Fernet | None] = OrderedDict()
        self._opened: OrderedDict[bytes, Fernet] = OrderedDict()

    async def prepare(self, user_ids: Collection[UUID]) -> None:
        """Have the keys of these users at hand, made if there are none; before the transaction that needs them."""
        missing = sorted(set(user_ids) - self._of_users.keys())
        if not missing:
            return
        sealed = [self._cipher.encrypt(Fernet.generate_key()) for _ in missing]
        for row in await self._database.pool.fetch(statements.ADD_PRIVATE_KEYS, missing, sealed):
            found = row["sealed"]
            self._of_users[row["user_id"]] = None if found is None else self._key(found)
        while len(self._of_users) > max(_CACHED, len(missing)):
            self._of_users.popitem(last=False)

    def encrypt(self, plain: bytes, user_id: UUID | None) -> bytes | None:
        """The ciphertext under the key of this user, for whom `prepare` was called, or of the service; None for a user
        who is forgotten."""
        if user_id is None:
            return self._cipher.encrypt(plain)
        key = self._of_users[user_id]
        return None if key is None else _OF_USER + key.encrypt(plain)

    def decrypt(self, stored: bytes, sealed_key: bytes | None) -> bytes | None:
        """What was encrypted, given the row of the user's key; None when the key was destroyed. Raises NoKeyFits."""
        if stored[:1] != _OF_USER:
            return self._cipher.decrypt(stored)
        return None if sealed_key is None else self._key(sealed_key).decrypt(stored[1:])

    def _key(self, sealed: bytes) -> Fernet:
        key = self._opened.get(sealed)
        if key is None:
            key = self._opened[sealed] = Fernet(self._cipher.decrypt(sealed))
            if len(self._opened) > _CACHED:
                self._opened.popitem(last=False)
        return key
