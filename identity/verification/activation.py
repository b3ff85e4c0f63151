"""What a capture that passed does to a cameo: it becomes active, or its template is renewed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings

from common.envelope import SealBroken
from events.interface import EventKind
from identity.chronicle import tell
from identity.comparison import (
    Template,
    UnusableVector,
    compare_vectors,
    comparison_vector,
)
from identity.duplicates import Match, add_to_index, find_duplicates
from identity.models import Cameo
from identity.protection.templates import read_template, store_template
from identity.runtime.deployment import engines
from identity.selectors import bump_epochs
from identity.session_errors import DuplicateCheckPending
from identity.types import Assurance
from identity.verification.findings import Compared

RENEWABLE = (Cameo.State.ACTIVE, Cameo.State.SUSPENDED, Cameo.State.EXPIRED)


def compare_with_own(cameo_id: str, template: Template) -> Compared | None:
    """Compare a capture with the cameo's template; None where the two can't be compared.

    That is so if there is none that opens, or it is of another format.

    Raises:
        Unavailable: if keystore or key-encryption key can't be reached.
    """
    calibration = engines().calibration
    try:
        template_format, own = read_template(cameo_id)
        if template_format != template.template_format:
            return None
        score = compare_vectors(own, comparison_vector(template, calibration), calibration)
    except (SealBroken, UnusableVector):
        return None
    return Compared(score, calibration.template_threshold)


def duplicates_of(cameo_id: str, owner_id: str, template: Template) -> tuple[Match, ...]:
    """Other accounts' cameos that the template matches; holds the index's lock from here on.

    Raises:
        DuplicateCheckPending: if not everybody could be compared; nobody passes meanwhile.
        Unavailable: if keystore or key-encryption key can't be reached.
    """
    found = find_duplicates(
        cameo_id=cameo_id,
        owner_id=owner_id,
        template_format=template.template_format,
        vector=comparison_vector(template, engines().calibration),
    )
    if not found.whole:
        raise DuplicateCheckPending
    return found.matches


def activate(cameo_id: str, template: Template, assurance: Assurance, *, now: datetime) -> None:
    """Make a cameo active with its first template; the caller holds its lock."""
    _enrol(
        cameo_id,
        template,
        assurance,
        now=now,
        kind=EventKind.CAMEO_ACTIVATED,
        changes={"state": Cameo.State.ACTIVE, "activated": now},
    )


def renew(row: Cameo, template: Template, assurance: Assurance, *, now: datetime) -> None:
    """Replace a cameo's template and begin its time anew; the caller holds its lock.

    One that has expired is active again; one that its owner suspended stays so.
    """
    changes: dict[str, Any] = {}
    if row.state == Cameo.State.EXPIRED:
        changes = {"state": Cameo.State.ACTIVE, "activated": now}
    _enrol(row.id, template, assurance, now=now, kind=EventKind.CAMEO_RENEWED, changes=changes)


def _enrol(
    cameo_id: str,
    template: Template,
    assurance: Assurance,
    *,
    now: datetime,
    kind: EventKind,
    changes: dict[str, Any],
) -> None:
    vector = comparison_vector(template, engines().calibration)
    version = store_template(
        cameo_id=cameo_id, template_format=template.template_format, vector=vector, now=now
    )
    add_to_index(cameo_id=cameo_id, template_format=template.template_format, vector=vector)
    Cameo.objects.filter(id=cameo_id).update(
        assurance=assurance.value,
        expires=now + settings.CAMEO_LIFE,
        reminded=None,
        **changes,
    )
    bump_epochs([cameo_id])
    body = {
        "assurance": assurance.value,
        "template_format": template.template_format,
        "template_version": version,
    }
    tell(cameo_id, kind, body, now=now)
