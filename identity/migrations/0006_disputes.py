"""Disputes: what a reviewer notes, what the holder goes back to, and holds that never end."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

_STATES = ["pending", "in_review", "active", "suspended", "expired", "erased"]


class Migration(migrations.Migration):
    dependencies = [
        ("identity", "0004_duplicates"),
    ]

    operations = [
        migrations.AlterField(
            model_name="cameo",
            name="held_by",
            field=models.CharField(
                blank=True,
                choices=[("dispute", "Dispute"), ("dispute_lost", "Dispute Lost")],
                default="",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="dispute",
            name="state",
            field=models.CharField(
                choices=[("open", "Open"), ("decided", "Decided"), ("withdrawn", "Withdrawn")],
                default="open",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="dispute",
            name="note",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.AddField(
            model_name="dispute",
            name="holder_was",
            field=models.CharField(
                choices=[(state, state.replace("_", " ").title()) for state in _STATES],
                default="suspended",
                max_length=12,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="dispute",
            name="also_matched",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="identity.cameo",
            ),
        ),
    ]
