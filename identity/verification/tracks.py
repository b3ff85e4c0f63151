"""Stored tracks: what was measured of a capture, sealed under the cameo's data key for a while."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from common.envelope import SealBroken
from identity.models import CaptureSession, StoredTrack
from identity.protection.data_keys import open_for, seal_for
from identity.runtime.trackfile import FORMAT, TrackBroken, load_track
from identity.session_errors import TrackGone
from identity.types import Track


def keep_track(session: CaptureSession, plain: bytes, *, now: datetime) -> None:
    """Keep a track, in the caller's transaction, which holds the cameo's lock.

    Args:
        session: whose.
        plain: as `identity.runtime.trackfile.dump_track` wrote it.
        now: when.

    Raises:
        SealBroken: if the cameo's key was destroyed.
        Unavailable: if keystore or key-encryption key can't be reached.
    """
    StoredTrack.objects.create(
        session=session,
        sealed=seal_for(session.cameo_id, plain, _bound_to(session.id, FORMAT)),
        format=FORMAT,
        created=now,
        expires=now + settings.CAMEO_TRACK_LIFE,
    )


def read_track(session_id: str, *, now: datetime) -> Track:
    """The track of a session.

    Raises:
        TrackGone: if it is not kept any more: it expired, was erased, or there never was one.
        TrackBroken: if it was kept in a form that isn't read any more, or is damaged.
        Unavailable: if keystore or key-encryption key can't be reached.
    """
    row = StoredTrack.objects.select_related("session").filter(session_id=session_id).first()
    if row is None or now >= row.expires:
        raise TrackGone
    if row.format != FORMAT:
        raise TrackBroken
    bound_to = _bound_to(row.session_id, row.format)
    try:
        plain = open_for(row.session.cameo_id, bytes(row.sealed), bound_to)
    except SealBroken as error:
        raise TrackGone from error
    return load_track(plain)


def forget_tracks(*, now: datetime) -> int:
    """Delete the tracks whose time is over; gives how many."""
    gone, _ = StoredTrack.objects.filter(expires__lte=now).delete()
    return gone


def _bound_to(session_id: str, version: int) -> bytes:
    return f"track|{session_id}|{version}".encode("ascii")
