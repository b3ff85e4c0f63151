"""The file keyring."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from common.envelope import SealBroken, new_key
from common.key_encryption import active_key
from common.keyring import (
    KEY_ENCRYPTION,
    PROJECTION,
    PURPOSES,
    RECORD,
    TOKEN,
    TOKEN_KEY_OVERLAP,
    FileKeyring,
    KeyringError,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = NOW + timedelta(days=30)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "keyring.json"


@pytest.fixture
def ring(path: Path) -> FileKeyring:
    return FileKeyring.create(path, now=NOW)


def test_a_new_keyring_serves_every_purpose_and_is_private(ring: FileKeyring, path: Path) -> None:
    ring.check()
    assert path.stat().st_mode & 0o777 == 0o600
    assert {key.purpose for key in ring.keys()} == set(PURPOSES)  # noqa: SIM118 - no dict


def test_a_keyring_is_never_overwritten(ring: FileKeyring, path: Path) -> None:
    with pytest.raises(KeyringError):
        FileKeyring.create(path, now=NOW)


def test_a_keyring_that_others_can_read_is_refused(ring: FileKeyring, path: Path) -> None:
    path.chmod(0o640)
    with pytest.raises(KeyringError):
        FileKeyring(path).check()


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"version":2,"keys":[]}', '{"version":1,"keys":[{"kid":"a"}]}']
)
def test_a_file_that_is_no_keyring_is_refused(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.touch(mode=0o600)
    path.write_text(text)
    with pytest.raises(KeyringError):
        FileKeyring(path).check()


def test_a_missing_keyring_is_refused(path: Path) -> None:
    with pytest.raises(KeyringError):
        FileKeyring(path).check()


def test_a_wrapped_key_opens_only_for_what_it_is_bound_to(ring: FileKeyring) -> None:
    key = new_key()
    wrapped = ring.wrap(key, bound_to=b"alice")
    assert ring.unwrap(wrapped, bound_to=b"alice") == key
    with pytest.raises(SealBroken):
        ring.unwrap(wrapped, bound_to=b"mallory")
    with pytest.raises(SealBroken):
        ring.unwrap(b"key_unknown\x00" + wrapped[30:], bound_to=b"alice")


def test_what_was_wrapped_before_a_rotation_still_opens(ring: FileKeyring) -> None:
    key = new_key()
    wrapped = ring.wrap(key, bound_to=b"a")
    ring.rotate(KEY_ENCRYPTION, now=NOW)
    assert ring.unwrap(wrapped, bound_to=b"a") == key
    assert ring.wrap(key, bound_to=b"a").partition(b"\x00")[0] != wrapped.partition(b"\x00")[0]


def test_the_next_token_key_is_published_before_it_signs(ring: FileKeyring) -> None:
    before = {key.kid for key in ring.public_keys(TOKEN, now=NOW)}
    signing = ring.signing_key(TOKEN).kid
    ring.rotate(TOKEN, now=NOW)
    promoted = ring.signing_key(TOKEN).kid
    assert promoted != signing
    assert {signing, promoted} <= before


def test_a_retired_token_key_is_published_until_its_last_token_is_dead(ring: FileKeyring) -> None:
    old = ring.signing_key(TOKEN).kid
    ring.rotate(TOKEN, now=NOW)

    def published(after: timedelta) -> set[str | None]:
        return {key.kid for key in ring.public_keys(TOKEN, now=NOW + after)}

    assert old in published(timedelta(seconds=130))
    assert old not in published(TOKEN_KEY_OVERLAP)


def test_an_emergency_removal_forgets_the_old_token_key_at_once(ring: FileKeyring) -> None:
    old = ring.signing_key(TOKEN).kid
    ring.rotate(TOKEN, now=NOW, remove_old=True)
    assert old not in {key.kid for key in ring.public_keys(TOKEN, now=NOW)}
    ring.check()


@pytest.mark.parametrize("purpose", [RECORD, KEY_ENCRYPTION])
def test_keys_that_are_needed_for_years_are_not_removed(ring: FileKeyring, purpose: str) -> None:
    with pytest.raises(KeyringError):
        ring.rotate(purpose, now=NOW, remove_old=True)


def test_record_keys_stay_published(ring: FileKeyring) -> None:
    old = ring.signing_key(RECORD).kid
    ring.rotate(RECORD, now=NOW)
    later = NOW + timedelta(days=3000)
    assert old in {key.kid for key in ring.public_keys(RECORD, now=later)}


def test_another_process_sees_a_rotation_without_a_restart(ring: FileKeyring, path: Path) -> None:
    other = FileKeyring(path)
    before = other.signing_key(TOKEN).kid
    ring.rotate(TOKEN, now=NOW)
    assert other.signing_key(TOKEN).kid != before


def test_the_text_of_a_key_shows_no_secret(ring: FileKeyring, path: Path) -> None:
    secrets = [entry["secret"] for entry in json.loads(path.read_text())["keys"]]
    assert not any(secret in repr(ring.keys()) for secret in secrets)


def test_a_renewed_key_wraps_and_the_old_one_opens_until_it_is_destroyed(
    ring: FileKeyring, path: Path
) -> None:
    (old,) = ring.wrapping_keys()
    wrapped = ring.wrap(b"k" * 32, bound_to=b"a")
    assert ring.wrapped_by(wrapped) == old.id
    new = ring.renew(replacing=old.id, now=LATER)
    assert (new.created, new.retired) == (LATER, None)
    assert [key.retired for key in ring.wrapping_keys()] == [LATER, None]
    assert ring.wrapped_by(ring.wrap(b"k" * 32, bound_to=b"a")) == new.id
    assert ring.unwrap(wrapped, bound_to=b"a") == b"k" * 32
    ring.destroy(old.id)
    ring.destroy(old.id)
    assert ring.wrapping_keys() == (new,) == FileKeyring(path).wrapping_keys()
    with pytest.raises(SealBroken):
        ring.unwrap(wrapped, bound_to=b"a")
    ring.check()


def test_who_renews_second_gets_the_key_of_who_was_first(ring: FileKeyring, path: Path) -> None:
    (old,) = ring.wrapping_keys()
    first = ring.renew(replacing=old.id, now=NOW)
    assert FileKeyring(path).renew(replacing=old.id, now=LATER) == first
    assert len(ring.wrapping_keys()) == 2


def test_the_active_key_and_keys_of_other_purposes_are_not_destroyed(ring: FileKeyring) -> None:
    (active,) = ring.wrapping_keys()
    with pytest.raises(KeyringError):
        ring.destroy(active.id)
    before = ring.keys()
    for key in before:
        if key.purpose != KEY_ENCRYPTION:
            ring.destroy(key.kid)
    assert ring.keys() == before


def test_a_destroyed_keys_bytes_are_written_over(ring: FileKeyring, path: Path) -> None:
    (old,) = ring.wrapping_keys()
    secret = next(key.secret for key in ring.keys() if key.kid == old.id)  # noqa: SIM118
    ring.renew(replacing=old.id, now=NOW)
    with path.open("rb") as replaced:
        ring.destroy(old.id)
        assert set(replaced.read()) == {0}
    assert secret not in path.read_text()


def test_readers_never_stumble_over_a_file_that_is_being_replaced(
    ring: FileKeyring, path: Path
) -> None:
    stop, wrong = threading.Event(), []

    def read() -> None:
        other = FileKeyring(path)
        while not stop.is_set():
            try:
                other.check()
            except KeyringError as error:
                wrong.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(100):
        old = active_key(ring).id
        ring.renew(replacing=old, now=NOW)
        ring.destroy(old)
    stop.set()
    reader.join()
    assert wrong == []


@pytest.mark.parametrize("wrapped", [b"", b"\x00", b"\xff\xfe\x00abc", b"key_x"])
def test_what_was_never_wrapped_is_under_no_key(ring: FileKeyring, wrapped: bytes) -> None:
    assert ring.wrapped_by(wrapped) not in {key.id for key in ring.wrapping_keys()}
    with pytest.raises(SealBroken):
        ring.unwrap(wrapped, bound_to=b"a")


def without_projection(path: Path) -> None:
    document = json.loads(path.read_text())
    document["keys"] = [key for key in document["keys"] if key["purpose"] != PROJECTION]
    path.write_text(json.dumps(document))


def test_the_projection_secret_is_the_deployments_own_and_stays(
    ring: FileKeyring, path: Path, tmp_path: Path
) -> None:
    secret = ring.secret(PROJECTION)
    assert len(secret) == 32
    assert FileKeyring.create(tmp_path / "other.json", now=NOW).secret(PROJECTION) != secret
    assert ring.upgrade(now=NOW) == ()
    with pytest.raises(KeyringError):
        ring.rotate(PROJECTION, now=NOW)
    assert FileKeyring(path).secret(PROJECTION) == secret


def test_a_keyring_of_an_older_version_is_refused_by_name_until_it_is_upgraded(
    ring: FileKeyring, path: Path
) -> None:
    without_projection(path)
    for use in (ring.check, lambda: ring.secret(PROJECTION)):
        with pytest.raises(KeyringError, match="keys upgrade"):
            use()
    before = ring.keys()
    (added,) = ring.upgrade(now=NOW)
    assert ring.keys() == (*before, added)
    ring.check()
    assert ring.secret(PROJECTION) == FileKeyring(path).secret(PROJECTION)


def test_an_upgrade_does_not_paper_over_a_missing_key(ring: FileKeyring, path: Path) -> None:
    document = json.loads(path.read_text())
    document["keys"] = [key for key in document["keys"] if key["purpose"] != KEY_ENCRYPTION]
    path.write_text(json.dumps(document))
    ring.upgrade(now=NOW)
    with pytest.raises(KeyringError):
        ring.check()


@pytest.mark.parametrize("purpose", [TOKEN, RECORD, KEY_ENCRYPTION, "", "unknown"])
def test_keys_are_not_given_out_as_secrets(ring: FileKeyring, purpose: str) -> None:
    with pytest.raises(KeyringError):
        ring.secret(purpose)
