"""A world that a test keeps in plain data, beside the one that PostgreSQL keeps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from common.canonical import sha256_hex
from consent.interface import Outputs, RenderRequest
from tests.reference.model import World

Shape = dict[str, Any]


class KeptWorld:
    """What a test did to consent, in plain data.

    Uses carry the day they were counted on, approvals the request they are of, so that a world
    as the model reads it can be made of any request at any time.
    """

    def __init__(self, accounts: World, cameos: dict[str, str], generator: str) -> None:
        """`accounts` as the model knows them; `cameos`: id → owner."""
        self.accounts = accounts
        self.generator = generator
        self.cameos: World = {
            cameo: {
                "owner": owner,
                "state": "active",
                "expires": None,
                "audience": "only_me",
                "restrictions": {},
            }
            for cameo, owner in cameos.items()
        }
        self.grants: dict[str, World] = {}
        self.approvals: dict[tuple[str, str, str], World] = {}
        self.friends: set[frozenset[str]] = set()
        self.blocks: set[tuple[str, str]] = set()
        self.uses: dict[str, list[datetime]] = {}

    def owner(self, cameo: str) -> str:
        return str(self.cameos[cameo]["owner"])

    def of(
        self, requester: str, cameos: tuple[str, ...], shape: Shape, at: datetime
    ) -> tuple[RenderRequest, World]:
        """A request, and the world as it is for it."""
        render = RenderRequest(
            likenesses=cameos,
            purpose=shape["purpose"],
            labels=frozenset(shape["labels"]),
            prompt_digest=sha256_hex(b"Alice rides a whale"),
            inputs_digest="1" * 64 if shape["inputs"] else None,
            outputs=Outputs(shape["count"], 8.0),
        )
        digest = render.digest()
        return render, {
            "request": {
                "requester": requester,
                "generator": self.generator,
                "at": at,
                "likenesses": list(cameos),
                "purpose": render.purpose,
                "labels": shape["labels"],
                "prompt_digest": render.prompt_digest,
                "inputs_digest": render.inputs_digest,
                "count": render.outputs.count,
                "seconds": render.outputs.seconds,
            },
            "accounts": self.accounts,
            "generators": {self.generator: {"suspended": False, "renders": True}},
            "cameos": {
                cameo: known | self._counts(cameo, at) for cameo, known in self.cameos.items()
            },
            "grants": [
                grant | {"id": name} | self._counts(name, at) for name, grant in self.grants.items()
            ],
            "approvals": {
                cameo: approval
                for (cameo, asker, of), approval in self.approvals.items()
                if asker == requester and of == digest
            },
            "friends": [tuple(pair) for pair in self.friends],
            "blocks": list(self.blocks),
        }

    def _counts(self, subject: str, at: datetime) -> World:
        used = self.uses.get(subject, [])
        today = [moment for moment in used if moment.date() == at.date()]
        return {"uses": len(used), "uses_today": len(today)}

    def knows_of(self, requester: str, cameo: str) -> bool:
        """Whether a search of one may find the other: oneself, a friend, or by a live grant."""
        owner = self.owner(cameo)
        if owner == requester or frozenset((owner, requester)) in self.friends:
            return True
        return any(
            grant["cameo"] == cameo and grant["grantee"] == requester
            for grant in self.grants.values()
        )
