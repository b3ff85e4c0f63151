"""An index that can't be trusted is found out, and rebuilt beside the work that goes on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from django.db import connection, connections, transaction

from accounts.models import User
from common.envelope import SealBroken
from identity.duplicates import add_to_index, index_states, rebuild_duplicates, remove_from_index
from identity.duplicates import index as index_module
from identity.duplicates import rebuild as rebuild_module
from identity.models import Cameo, Template
from identity.protection.templates import store_template
from tests.identity.duplicates.people import (
    FORMAT,
    NOW,
    account,
    enrol,
    face,
    ids,
    keep,
    search,
)


class CutOff(Exception):
    """A worker that is killed."""


def empty_the_index() -> None:
    """What a crash does to an UNLOGGED table."""
    with connection.cursor() as cursor:
        cursor.execute("delete from identity_duplicate_index")


def forget_the_index() -> None:
    empty_the_index()
    with connection.cursor() as cursor:
        cursor.execute("delete from identity_duplicate_state")


@pytest.fixture
def people(db: None) -> list[Cameo]:
    return [enrol(account(f"bob{number}"), face(number)) for number in range(5)]


def in_order(people: list[Cameo]) -> list[Cameo]:
    return sorted(people, key=lambda cameo: cameo.id)


def number_of(people: list[Cameo], cameo: Cameo) -> int:
    return people.index(cameo)


def test_after_a_crash_nothing_is_whole_until_the_rebuild(people: list[Cameo]) -> None:
    assert search(face(3)).whole
    empty_the_index()
    found = search(face(3))
    assert found.whole is False
    assert found.matches == ()
    assert rebuild_duplicates() is True
    found = search(face(3))
    assert found.whole
    assert ids(found) == [people[3].id]
    assert found.gallery_size == 5


def test_a_row_added_after_the_crash_does_not_make_the_index_whole(people: list[Cameo]) -> None:
    empty_the_index()
    enrol(account("late"), face(9))
    assert search(face(9)).whole is False
    assert rebuild_duplicates() is True
    assert search(face(9)).gallery_size == 6


def test_a_whole_index_is_left_alone(people: list[Cameo], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild_module, "_rebuild_some", None)
    assert rebuild_duplicates() is True


def test_without_any_index_there_is_nothing_to_do(db: None) -> None:
    assert index_states() == ()
    assert rebuild_duplicates() is True


def test_people_enrolled_before_there_was_an_index_are_waited_for(people: list[Cameo]) -> None:
    forget_the_index()
    assert search(face(0)).whole is False
    assert rebuild_duplicates(batch=2) is True
    assert ids(search(face(0))) == [people[0].id]


def test_another_projection_secret_begins_the_index_anew(
    people: list[Cameo], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "_secret", lambda: bytes(32))
    assert search(face(0)).whole is False
    assert rebuild_duplicates() is True
    assert ids(search(face(0))) == [people[0].id]
    monkeypatch.undo()
    assert search(face(0)).whole is False


def test_a_rebuild_that_was_cut_off_goes_on_where_it_was(
    people: list[Cameo], monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_the_index()
    opened: list[str] = []
    real = index_module.open_templates

    def note(cameo_ids: list[str]) -> object:
        if len(opened) == 3:
            raise CutOff
        opened.extend(cameo_ids)
        return real(cameo_ids)

    monkeypatch.setattr(rebuild_module, "open_templates", note)
    with pytest.raises(CutOff):
        rebuild_duplicates(batch=1)
    (state,) = index_states()
    assert (state.whole, state.sound, state.size) == (False, True, 3)
    assert state.rebuilt_to == opened[-1] == in_order(people)[2].id
    monkeypatch.setattr(rebuild_module, "open_templates", real)
    assert rebuild_duplicates(batch=1) is True
    assert [len(search(face(number)).matches) for number in range(5)] == [1] * 5


def test_a_rebuild_stops_when_its_time_is_up(people: list[Cameo]) -> None:
    empty_the_index()
    assert rebuild_duplicates(seconds=0.0) is False
    assert search(face(0)).whole is False
    assert rebuild_duplicates(seconds=60.0) is True


@pytest.mark.parametrize("place", [0, 4])
def test_an_erasure_in_the_middle_of_a_rebuild_holds(people: list[Cameo], place: int) -> None:
    empty_the_index()
    rebuild_module._rebuild_some(FORMAT, 2)
    gone = in_order(people)[place]
    with transaction.atomic():
        Cameo.objects.filter(id=gone.id).update(state=Cameo.State.ERASED)
        Template.objects.filter(cameo=gone).delete()
        remove_from_index(gone.id)
    assert rebuild_duplicates() is True
    found = search(face(number_of(people, gone)))
    assert (found.whole, found.matches, found.gallery_size) == (True, (), 4)


@pytest.mark.parametrize("place", [0, 4])
def test_a_re_enrolment_in_the_middle_of_a_rebuild_holds(people: list[Cameo], place: int) -> None:
    empty_the_index()
    rebuild_module._rebuild_some(FORMAT, 2)
    changed = in_order(people)[place]
    keep(changed, face(77))
    assert rebuild_duplicates() is True
    found = search(face(77))
    assert (ids(found), found.gallery_size) == ([changed.id], 5)
    assert search(face(number_of(people, changed))).matches == ()


def test_only_the_enrolled_are_in_the_index(people: list[Cameo]) -> None:
    Cameo.objects.filter(id=people[0].id).update(state=Cameo.State.IN_REVIEW)
    Cameo.objects.filter(id=people[1].id).update(state=Cameo.State.SUSPENDED)
    empty_the_index()
    rebuild_duplicates()
    assert search(face(0)).matches == ()
    assert ids(search(face(1))) == [people[1].id]


def test_who_enrolled_again_with_another_pack_is_not_in_the_old_index(people: list[Cameo]) -> None:
    keep(people[0], face(0), template_format="tf_other")
    empty_the_index()
    assert rebuild_duplicates() is True
    assert search(face(0)).matches == ()
    assert search(face(0)).gallery_size == 4
    assert ids(search(face(0), template_format="tf_other")) == [people[0].id]


@pytest.mark.parametrize("how", ["changed", "missing"])
def test_a_template_that_does_not_open_keeps_the_index_from_being_whole(
    people: list[Cameo], how: str, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Template.objects.filter(cameo=people[2])
    if how == "changed":
        broken.update(sealed=bytes(60))
    else:
        # The key is gone: what a restored backup has of somebody who was erased since.
        from identity.keystore.models import DataKey

        DataKey.objects.filter(cameo_id=people[2].id).delete()
    empty_the_index()
    with caplog.at_level(logging.ERROR), pytest.raises(SealBroken):
        rebuild_duplicates()
    assert [record.fields["id"] for record in caplog.records] == [people[2].id]  # type: ignore[attr-defined]
    assert search(face(0)).whole is False


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    forget_the_index()
    yield
    forget_the_index()


@pytest.mark.usefixtures("committed")
def test_of_two_who_enrol_one_face_at_once_the_later_sees_the_earlier() -> None:
    alice, mallory = account("alice"), account("mallory")
    assert search(face(5)).whole
    seen: dict[str, Sequence[str]] = {}
    ready = threading.Barrier(2)

    def activate(owner: User) -> None:
        try:
            cameo = Cameo.objects.create(owner=owner, created=NOW, state=Cameo.State.PENDING)
            ready.wait()
            with transaction.atomic():
                found = search(face(5), cameo_id=cameo.id, owner_id=str(owner.pk))
                seen[owner.email] = ids(found)
                if not found.matches:
                    Cameo.objects.filter(id=cameo.id).update(state=Cameo.State.ACTIVE)
                    store_template(
                        cameo_id=cameo.id, template_format=FORMAT, vector=face(5), now=NOW
                    )
                    add_to_index(cameo_id=cameo.id, template_format=FORMAT, vector=face(5))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=activate, args=(owner,)) for owner in (alice, mallory)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    winner = Cameo.objects.get(state=Cameo.State.ACTIVE)
    assert sorted(map(len, seen.values())) == [0, 1]
    assert [winner.id] in seen.values()


@pytest.mark.usefixtures("committed")
def test_enrolments_and_a_rebuild_go_on_side_by_side() -> None:
    for number in range(20):
        enrol(account(f"bob{number}"), face(number))
    empty_the_index()
    failed: list[BaseException] = []

    def enrol_more() -> None:
        try:
            for number in range(20, 30):
                enrol(account(f"bob{number}"), face(number))
        except BaseException as error:
            failed.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=enrol_more)
    thread.start()
    done = rebuild_duplicates(batch=1)
    thread.join(timeout=60)
    assert not failed
    assert done
    found = [search(face(number)) for number in range(30)]
    assert [len(one.matches) for one in found] == [1] * 30
    assert {one.gallery_size for one in found} == {30}
    assert np.all([one.whole for one in found])
