"""Sealed clips, sealed templates, signed records."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from django.db import transaction
from pytest_django.fixtures import Settings

from accounts.models import User
from common.envelope import SealBroken
from common.keyring import KEY_ENCRYPTION, RECORD
from identity.keystore.models import DataKey
from identity.models import Cameo, CaptureSession, Template
from identity.protection import clips
from identity.protection.keyring import keyring
from identity.protection.records import ERASURE, RecordBroken, check_record, sign_record
from identity.protection.templates import read_template, read_templates, store_template
from identity.session_errors import ClipStoreUnavailable

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
VECTOR = np.linspace(-1, 1, 1152, dtype=np.float32)


def test_a_sealed_clip_opens_only_for_its_session() -> None:
    sealed = clips.keep(b"clip", session_id="cap_a")
    assert clips.read(sealed, session_id="cap_a") == b"clip"
    with pytest.raises(SealBroken):
        clips.read(sealed, session_id="cap_b")
    clips.forget(sealed.file)
    clips.forget(sealed.file)
    with pytest.raises(ClipStoreUnavailable):
        clips.read(sealed, session_id="cap_a")


@pytest.mark.parametrize("file", ["", "../keyring.json", "clp_../../etc/passwd", "clp_" + "A" * 26])
def test_a_name_that_is_none_of_ours_reaches_no_file(file: str) -> None:
    with pytest.raises(ClipStoreUnavailable):
        clips.read(clips.SealedClip(file=file, wrapped_key=b""), session_id="cap_a")


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path, settings: Settings) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    settings.CAMEO_CLIP_DIR = blocked
    with pytest.raises(ClipStoreUnavailable):
        clips.keep(b"clip", session_id="cap_a")


@pytest.fixture
def cameos(db: None) -> list[Cameo]:
    return [
        Cameo.objects.create(owner=User.objects.create_user(f"{name}@example.org"), created=NOW)
        for name in ("alice", "mallory")
    ]


def store(cameo: Cameo) -> None:
    with transaction.atomic():
        store_template(cameo_id=cameo.id, template_format="f", vector=VECTOR, now=NOW)


def test_a_template_is_read_back_and_lies_sealed(cameos: list[Cameo]) -> None:
    store(cameos[0])
    template_format, found = read_template(cameos[0].id)
    assert template_format == "f"
    np.testing.assert_array_equal(found, VECTOR)
    assert VECTOR[:16].tobytes() not in bytes(Template.objects.get().sealed)


def test_a_template_moved_to_another_cameo_does_not_open(cameos: list[Cameo]) -> None:
    store(cameos[0])
    store(cameos[1])
    hers = Template.objects.get(cameo=cameos[0])
    Template.objects.filter(cameo=cameos[1]).update(sealed=hers.sealed)
    with pytest.raises(SealBroken):
        read_template(cameos[1].id)
    key = DataKey.objects.get(cameo_id=cameos[0].id)
    DataKey.objects.filter(cameo_id=cameos[1].id).update(wrapped=key.wrapped)
    with pytest.raises(SealBroken):
        read_template(cameos[1].id)


def test_many_templates_are_read_in_one_go_without_who_has_none(cameos: list[Cameo]) -> None:
    store(cameos[0])
    store(cameos[0])
    found = read_templates([*(cameo.id for cameo in cameos), "cam_nobody", cameos[0].id])
    assert set(found) == {cameos[0].id}
    np.testing.assert_array_equal(found[cameos[0].id][1], VECTOR)
    assert read_templates([]) == {}
    with pytest.raises(SealBroken):
        read_template(cameos[1].id)


def test_templates_outlive_a_rotation_of_the_key_encryption_key(cameos: list[Cameo]) -> None:
    store(cameos[0])
    keyring().rotate(KEY_ENCRYPTION, now=NOW)
    store(cameos[0])
    np.testing.assert_array_equal(read_template(cameos[0].id)[1], VECTOR)
    assert Template.objects.count() == 2


def test_a_record_is_checked_after_its_key_was_rotated() -> None:
    body, signature, _ = sign_record({"outcome": "pass", "value": 0.25})
    keyring().rotate(RECORD, now=NOW)
    check_record(body, signature)


@pytest.mark.parametrize("place", [0, 5, -1])
def test_a_changed_record_is_found(place: int) -> None:
    body, signature, _ = sign_record({"outcome": "fail"})
    changed = bytearray(body.encode())
    changed[place] ^= 1
    with pytest.raises(RecordBroken):
        check_record(changed.decode("latin-1"), signature)
    with pytest.raises(RecordBroken):
        check_record(body, signature[:-4] + "AAAA")
    with pytest.raises(RecordBroken):
        check_record(body, "")


def test_one_kind_of_statement_never_passes_for_another() -> None:
    body, signature, _ = sign_record({"outcome": "pass"}, kind=ERASURE)
    check_record(body, signature, kind=ERASURE)
    with pytest.raises(RecordBroken):
        check_record(body, signature)


def test_whether_a_clip_waits_under_a_key_is_seen(cameos: list[Cameo]) -> None:
    session = CaptureSession.objects.create(
        account=cameos[0].owner, cameo=cameos[0], script=[], created=NOW, expires=NOW
    )
    (key,) = keyring().wrapping_keys()[-1:]
    assert not clips.wait_under(key.id)
    session.clip_key = clips.keep(b"clip", session_id=session.id).wrapped_key
    session.save()
    assert clips.wait_under(key.id)
    assert not clips.wait_under("key_other")
