"""The duplicate index: an UNLOGGED table that pgvector scans, and the logged state of it."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.utils import ProgrammingError

from identity.duplicates.errors import DatabaseLacksVector


def create_extension(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        try:
            # Before 0.7 there is no halfvec.
            cursor.execute(
                "select 1 from pg_available_extension_versions where name = 'vector'"
                " and string_to_array(version, '.')::int[] >= array[0, 7]"
            )
            if cursor.fetchone() is None:
                raise DatabaseLacksVector
            cursor.execute("create extension if not exists vector")
            cursor.execute("select 1 from pg_type where typname = 'halfvec'")
            if cursor.fetchone() is None:
                raise DatabaseLacksVector
        except ProgrammingError as error:
            # This role may not create it.
            raise DatabaseLacksVector from error


class Migration(migrations.Migration):
    dependencies = [
        ("identity", "0003_keystore"),
    ]

    operations = [
        # The extension stays when this is undone: something else may use it.
        migrations.RunPython(create_extension, migrations.RunPython.noop),
        migrations.RunSQL(
            [
                "create unlogged table identity_duplicate_index ("
                " cameo_id text primary key,"
                " template_format text not null,"
                " projected halfvec(256))",
                # Beside its row, so that a scan doesn't look every vector up elsewhere.
                "alter table identity_duplicate_index alter column projected set storage plain",
                "create table identity_duplicate_state ("
                " template_format text primary key,"
                " generation text not null,"
                " projection_key text not null,"
                " size bigint not null,"
                " rebuilt_to text not null,"
                " whole boolean not null)",
            ],
            [
                "drop table identity_duplicate_state",
                "drop table identity_duplicate_index",
            ],
        ),
    ]
