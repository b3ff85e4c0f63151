"""`manage.py keys`: make, list and rotate the keys of the deployment. No secret is ever shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, transaction

import audit.interface as audit
from common.clock import utcnow
from common.errors import CameoError
from common.keyring import ROTATED, FileKeyring, Key
from identity.interface import keyless_cameos, keyring, reapply_erasures, renew_keys


class Command(BaseCommand):
    """Keys of the file that `CAMEO_KEYRING_FILE` names."""

    help = "Make, list, rotate and renew signing and key-encryption keys."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("init", help="make a keyring unless there is one")
        actions.add_parser("upgrade", help="add what a keyring of an older version lacks")
        listed = actions.add_parser("list", help="which keys there are")
        listed.add_argument("--json", action="store_true", help="one JSON array")
        actions.add_parser(
            "renew",
            help="renew the key-encryption key now and wrap every data key under it, or go on "
            "with a renewal that was cut off",
        )
        reapply = actions.add_parser(
            "reapply-erasures",
            help="after an older state of the main database was restored: erase again what was "
            "erased since",
        )
        reapply.add_argument("--json", action="store_true", help="one JSON object")
        rotate = actions.add_parser("rotate", help="make the next key of a purpose active")
        rotate.add_argument("--purpose", required=True, choices=ROTATED)
        rotate.add_argument(
            "--emergency",
            action="store_true",
            help="forget the old token key at once: unredeemed tokens die. If the whole file "
            "leaked, do it twice, since the key that was waiting leaked with it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["action"] == "init":
                self._init()
            elif options["action"] == "upgrade":
                self._upgrade()
            elif options["action"] == "renew":
                self._renew()
            elif options["action"] == "reapply-erasures":
                self._reapply(as_json=options["json"])
            elif options["action"] == "list":
                self._list(as_json=options["json"])
            else:
                self._rotate(options["purpose"], emergency=options["emergency"])
        except CameoError as error:
            raise CommandError(f"{error.message} ({error.code})") from error

    def _init(self) -> None:
        path = Path(settings.CAMEO_KEYRING_FILE)
        if path.exists():
            FileKeyring(path).check()
            self.stdout.write("There is a keyring already; it is as it must be.")
            return
        FileKeyring.create(path, now=utcnow())
        self.stdout.write("Made a keyring. Keep a copy of it apart from the database's.")

    def _upgrade(self) -> None:
        added = keyring().upgrade(now=utcnow())
        for key in added:
            self.stdout.write(f"Added {key.kid}, the {key.purpose} secret.")
        if not added:
            self.stdout.write("Nothing is missing.")

    def _renew(self) -> None:
        done = renew_keys(now=utcnow(), at_once=True)
        self.stdout.write(f"{done.active} is the active key-encryption key.")
        self.stdout.write(f"Data keys wrapped anew: {done.rewrapped}.")
        for kid in done.destroyed:
            self.stdout.write(f"Destroyed {kid}. Destroy it in every copy of the keyring, too.")
        for kid in done.kept:
            self.stdout.write(
                f"Kept {kid}: a data key or a clip is under it, or it was just retired. The "
                "hourly job destroys it when nothing is."
            )
        if done.broken:
            raise CommandError(
                f"{done.broken} data keys don't open under the key they name, which is kept for "
                "them. Erasing their cameos lets it go. (seal_broken)"
            )

    def _reapply(self, *, as_json: bool) -> None:
        erased, keyless = reapply_erasures(now=utcnow()), keyless_cameos()
        if as_json:
            self.stdout.write(json.dumps({"erased": erased, "keyless": keyless}))
            return
        self.stdout.write(f"Erased again: {len(erased)}.")
        for cameo_id in keyless:
            self.stdout.write(
                f"{cameo_id} has a template and no key: its owner has to erase it and enrol again."
            )

    def _list(self, *, as_json: bool) -> None:
        found = keyring().keys()
        keys = [_shown(key) for key in found]
        if as_json:
            self.stdout.write(json.dumps(keys))
            return
        for key in keys:
            retired = f"  retired {key['retired']}" if key["retired"] else ""
            self.stdout.write(
                f"{key['kid']}  {key['purpose']:<14}  {key['state']:<7}  {key['created']}{retired}"
            )

    def _rotate(self, purpose: str, *, emergency: bool) -> None:
        now = utcnow()
        key = keyring().rotate(purpose, now=now, remove_old=emergency)
        self.stdout.write(f"{key.kid} is the active {purpose} key.")
        body = {"emergency": emergency, "kid": key.kid, "purpose": purpose}
        try:
            with transaction.atomic():
                audit.append(chain=audit.SERVICE_CHAIN, kind="key.rotated", body=body, now=now)
        except DatabaseError as error:
            # A key that leaked must go even while the database is down.
            raise CommandError("Rotated, but the ledger could not be written.") from error


def _shown(key: Key) -> dict[str, str | None]:
    return {
        "kid": key.kid,
        "purpose": key.purpose,
        "state": key.state,
        "created": key.created,
        "retired": key.retired,
    }
