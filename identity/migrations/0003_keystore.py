"""Hand wrapped data keys over to the keystore, and make room for erasure receipts."""

from typing import Any

import django.db.models.deletion
from django.db import connections, migrations, models

import identity.models

KEYSTORE = "keystore"


def hand_over(apps: Any, schema_editor: Any) -> None:
    """Copy every wrapped key; while there are any, a keystore that can't take them stops this."""
    ours = list(
        apps.get_model("identity", "DataKey").objects.values_list(
            "cameo_id", "wrapped", "cameo__created"
        )
    )
    if not ours:
        return
    if KEYSTORE not in connections:
        raise RuntimeError("There are data keys, and no keystore to hand them over to.")
    theirs = apps.get_model("keystore", "DataKey").objects.using(KEYSTORE)
    theirs.bulk_create(
        [
            theirs.model(
                cameo_id=cameo_id,
                wrapped=bytes(wrapped),
                kek=bytes(wrapped).partition(b"\x00")[0].decode("ascii"),
                created=created,
            )
            for cameo_id, wrapped, created in ours
        ],
        ignore_conflicts=True,
    )
    kept = dict(theirs.values_list("cameo_id", "wrapped"))
    if any(bytes(kept.get(cameo_id) or b"") != bytes(wrapped) for cameo_id, wrapped, _ in ours):
        raise RuntimeError("The keystore holds other keys for some cameos; nothing was dropped.")


class Migration(migrations.Migration):
    dependencies = [
        ("identity", "0002_decisions"),
        ("keystore", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(hand_over, migrations.RunPython.noop),
        migrations.DeleteModel(name="DataKey"),
        migrations.CreateModel(
            name="ErasureReceipt",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=identity.models._receipt_id,
                        editable=False,
                        max_length=32,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("erased", models.DateTimeField()),
                ("unreadable_by", models.DateTimeField()),
                ("key_destroyed", models.DateTimeField(db_index=True, null=True)),
                ("unreadable_since", models.DateTimeField(db_index=True, null=True)),
                ("body", models.TextField()),
                ("signature", models.TextField()),
                (
                    "cameo",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="erasure_receipt",
                        to="identity.cameo",
                    ),
                ),
            ],
        ),
    ]
