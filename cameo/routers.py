"""Which database a model's rows lie in."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

KEYSTORE = "keystore"


class KeystoreRouter:
    """The app `keystore` in the database `keystore`, everything else out of it."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return KEYSTORE if model._meta.app_label == KEYSTORE else None

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        return self.db_for_read(model)

    def allow_relation(self, one: Model, other: Model, **hints: Any) -> bool | None:
        labels = {one._meta.app_label, other._meta.app_label}
        return False if KEYSTORE in labels and len(labels) == 2 else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return (db == KEYSTORE) == (app_label == KEYSTORE)
