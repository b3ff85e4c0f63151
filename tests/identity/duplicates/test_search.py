"""Who is enrolled twice, and who isn't."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from django.db import connection, transaction

from accounts.models import User
from audit.interface import NoTransaction
from common.keyring import KeyringError
from identity.comparison import UnusableVector
from identity.duplicates import (
    add_to_index,
    find_duplicates,
    index_states,
    lock_duplicates,
    remove_from_index,
)
from identity.duplicates import index as index_module
from identity.duplicates.search import shortlist
from identity.models import Cameo, Template
from tests.identity.duplicates.people import (
    CALIBRATION,
    FORMAT,
    account,
    enrol,
    face,
    ids,
    keep,
    like,
    search,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return account("alice")


@pytest.fixture
def mallory() -> User:
    return account("mallory")


@pytest.fixture
def hers(alice: User) -> Cameo:
    return enrol(alice, face(1))


def test_the_first_enrolment_of_all_finds_a_whole_and_empty_index() -> None:
    found = search(face(1))
    assert found.whole
    assert found.matches == ()
    assert found.gallery_size == 0


def test_a_face_that_is_enrolled_already_is_found_with_its_exact_score(hers: Cameo) -> None:
    found = search(like(face(1), 7.0))
    assert ids(found) == [hers.id]
    assert found.matches[0].score == pytest.approx(7.0, abs=1e-3)
    assert (found.gallery_size, found.threshold) == (1, 3.0)


@pytest.mark.parametrize(("score", "count"), [(2.99, 0), (3.01, 1)])
def test_a_match_is_one_at_or_above_the_threshold(hers: Cameo, score: float, count: int) -> None:
    assert len(search(like(face(1), score)).matches) == count


def test_somebody_else_is_not_found(hers: Cameo) -> None:
    found = search(face(2))
    assert found.whole
    assert found.matches == ()


def test_the_accounts_own_cameo_is_no_duplicate(alice: User, hers: Cameo) -> None:
    assert search(face(1), owner_id=str(alice.pk)).matches == ()
    assert search(face(1), cameo_id=hers.id).matches == ()


def test_matches_come_highest_first(hers: Cameo) -> None:
    nearer = enrol(account("bob"), like(face(1), 10.0))
    assert ids(search(like(like(face(1), 10.0), 12.0))) == [nearer.id, hers.id]


def test_own_cameos_take_no_place_in_the_shortlist(
    alice: User, hers: Cameo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("identity.duplicates.search.SHORTLIST", 1)
    bobs = enrol(account("bob"), like(face(1), 9.0))
    assert ids(search(face(1), owner_id=str(alice.pk))) == [bobs.id]


@pytest.mark.parametrize("state", [Cameo.State.SUSPENDED, Cameo.State.EXPIRED])
def test_a_cameo_that_may_not_be_used_still_guards_its_face(hers: Cameo, state: str) -> None:
    Cameo.objects.filter(id=hers.id).update(state=state)
    assert ids(search(face(1))) == [hers.id]


def test_an_erased_cameo_is_not_found(hers: Cameo) -> None:
    with transaction.atomic():
        Cameo.objects.filter(id=hers.id).update(state=Cameo.State.ERASED)
        Template.objects.filter(cameo=hers).delete()
        remove_from_index(hers.id)
        remove_from_index(hers.id)
    found = search(face(1))
    assert found.whole
    assert (found.matches, found.gallery_size) == ((), 0)


def test_an_erased_cameo_that_was_left_in_the_index_is_passed_over(hers: Cameo) -> None:
    Cameo.objects.filter(id=hers.id).update(state=Cameo.State.ERASED)
    found = search(face(1))
    assert found.whole
    assert found.matches == ()


def test_a_candidate_whose_template_does_not_open_stops_the_search(hers: Cameo) -> None:
    Template.objects.filter(cameo=hers).update(sealed=bytes(60))
    assert search(face(2)).whole is False


def test_a_candidate_of_another_length_stops_the_search(hers: Cameo) -> None:
    assert search(np.concatenate([face(1), face(2)])).whole is False


def test_re_enrolment_replaces_the_row(hers: Cameo) -> None:
    keep(hers, face(2))
    assert search(face(1)).matches == ()
    found = search(face(2))
    assert ids(found) == [hers.id]
    assert found.gallery_size == 1


def test_formats_are_kept_apart(hers: Cameo) -> None:
    bobs = enrol(account("bob"), face(1), template_format="tf_other")
    assert ids(search(face(1))) == [hers.id]
    assert ids(search(face(1), template_format="tf_other")) == [bobs.id]
    keep(hers, face(1), template_format="tf_other")
    assert [(s.template_format, s.size) for s in index_states()] == [("tf_other", 2), (FORMAT, 0)]


def test_an_index_row_holds_no_template(hers: Cameo) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select projected::text from identity_duplicate_index where cameo_id = %s", [hers.id]
        )
        row = np.fromstring(cursor.fetchone()[0].strip("[]"), sep=",")
        cursor.execute(
            "select relpersistence, attstorage from pg_class join pg_attribute on attrelid = oid"
            " where relname = 'identity_duplicate_index' and attname = 'projected'"
        )
        assert cursor.fetchone() == ("u", "p")
    assert row.shape == (256,)
    assert abs(np.corrcoef(row, face(1)[:256])[0, 1]) < 0.4


def test_what_the_database_keeps_is_what_was_projected(hers: Cameo) -> None:
    row = index_module.projected(face(1)[np.newaxis], FORMAT)[0]
    with connection.cursor() as cursor:
        cursor.execute(
            "select projected <-> %s::halfvec from identity_duplicate_index where cameo_id = %s",
            [index_module.as_text(row), hers.id],
        )
        assert cursor.fetchone() == (0.0,)


def test_the_shortlist_is_nearest_first() -> None:
    bobs = account("bob")
    names = []
    for number, score in enumerate((4.0, 8.0, 12.0)):
        owner = bobs if number == 0 else account(f"gen{number}")
        names.append(enrol(owner, like(face(1), score, seed=number)).id)
    row = index_module.projected(face(1)[np.newaxis], FORMAT)[0]
    with transaction.atomic():
        assert shortlist(row, FORMAT, 2) == [names[2], names[1]]


@pytest.mark.parametrize(
    "vector",
    [
        np.full(300, np.nan, np.float32),
        np.zeros((1, 300), np.float32),
        np.zeros(0, np.float32),
        np.full(300, 1e38, np.float32),
    ],
)
def test_a_vector_that_is_none_is_refused(hers: Cameo, vector: np.ndarray) -> None:
    with np.errstate(all="ignore"), pytest.raises(UnusableVector):
        search(vector)


def test_a_keyring_without_the_secret_stops_the_search(
    hers: Cameo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> bytes:
        raise KeyringError

    monkeypatch.setattr(index_module, "_secret", none)
    with pytest.raises(KeyringError):
        search(face(1))


@pytest.fixture
def no_transaction(django_db_blocker: object) -> Iterator[None]:
    """As pytest's own transaction would be one."""
    connection.in_atomic_block = False
    try:
        yield
    finally:
        connection.in_atomic_block = True


@pytest.mark.usefixtures("no_transaction")
def test_nothing_is_done_outside_a_transaction() -> None:
    with pytest.raises(NoTransaction):
        lock_duplicates()
    with pytest.raises(NoTransaction):
        remove_from_index("cam_a")
    with pytest.raises(NoTransaction):
        add_to_index(cameo_id="cam_a", template_format=FORMAT, vector=face(1))
    with pytest.raises(NoTransaction):
        find_duplicates(
            cameo_id="cam_a",
            owner_id="",
            template_format=FORMAT,
            vector=face(1),
            calibration=CALIBRATION,
        )
