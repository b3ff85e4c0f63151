"""Entries can be added, never changed or deleted, whatever the application does."""

from django.db import migrations

FORWARD = """
create function audit_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the ledger is append-only' using errcode = 'integrity_constraint_violation';
end $$;
create trigger audit_ledgerentry_append_only
    before update or delete on audit_ledgerentry
    for each row execute function audit_refuse_change();
"""
NO_TRUNCATE = """
create trigger audit_ledgerentry_no_truncate
    before truncate on audit_ledgerentry
    for each statement execute function audit_refuse_change();
"""
BACKWARD = """
drop trigger audit_ledgerentry_no_truncate on audit_ledgerentry;
drop trigger audit_ledgerentry_append_only on audit_ledgerentry;
drop function audit_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD + NO_TRUNCATE, BACKWARD)]
