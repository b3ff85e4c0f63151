"""A made-up world of people, likenesses and grants, and what is right to answer in it.

Everything is a function of the seed: the pairs are drawn at once, all other facts follow from a
number's hash. `permitted` says what the rules of docs/decision.md make of it, from these facts
alone and without a line of the service, so that every contender can be held to it.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

GENERATOR: Final = "benchmark-generator"
POPULAR: Final = 0
"""Whose likeness has the most grants: active, granted, unrestricted."""
COLLECTOR: Final = 1
"""Who was granted many likenesses, plainly: they ask for eight at once."""
MOST_ON_ONE: Final = 10_000
LEAST: Final = 100
_DAY: Final = timedelta(days=1)

Pairs = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: who asks for whom, and for what.

    Attributes:
        requester: number of a person.
        likenesses: numbers of the people whose likenesses they are.
        purpose, labels, seconds: as in a request to render.
        prompt: SHA-256 in hexadecimal.
    """

    requester: int
    likenesses: tuple[int, ...]
    purpose: str
    labels: tuple[str, ...]
    seconds: float
    prompt: str


def name(prefix: str, number: int) -> str:
    """The id of the `number`th thing of a kind: as random as a real one, and always the same."""
    raw = hashlib.blake2b(f"{prefix} {number}".encode(), digest_size=16).digest()
    return f"{prefix}_{base64.b32encode(raw).decode('ascii').rstrip('=').lower()}"


def mix(number: int, salt: int) -> int:
    """A hash of `number`, 32 bits."""
    mixed = (number * 0x9E3779B97F4A7C15 + (salt + 1) * 0xD1B54A32D192ED03) % 2**64
    mixed = (mixed ^ (mixed >> 29)) * 0xBF58476D1CE4E5B9 % 2**64
    return (mixed ^ (mixed >> 32)) % 2**32


class World:
    """`size` live grants among `size // 5` people who all have a likeness.

    Grants per likeness are skewed: one has `MOST_ON_ONE` (a tenth of all in a smaller world),
    the others' counts follow a log-normal distribution.

    Args:
        size: live grants, `LEAST` at least.
        now: the moment that windows and days are built around, aware.
        seed: of all that is drawn.
    """

    def __init__(self, size: int, *, now: datetime, seed: int = 4) -> None:
        if size < LEAST:
            raise ValueError(f"{size} grants are too few")
        self.size = size
        self.now = now
        self.people = max(40, size // 5)
        rng = np.random.default_rng(seed)
        self.popular = min(MOST_ON_ONE, size // 10, self.people - 2)
        self.grants = self._grants(rng)
        self._grant_keys, self._grant_order = _index(self.grants, self.people)
        self.friendships = self._related(rng, share=0.4, more=self.people * 2, ordered=True)
        self._friend_keys, self._friend_order = _index(self.friendships, self.people)
        self.blocks = self._related(rng, share=0.005, more=self.people // 20, ordered=False)
        self._block_keys, self._block_order = _index(self.blocks, self.people)

    def _grants(self, rng: np.random.Generator) -> Pairs:
        """Pairs (whose likeness, grantee): the popular one's, the collector's, all others."""
        popular = rng.choice(np.arange(2, self.people), self.popular, replace=False)
        fit = [i for i in range(2, min(self.people, 2_000)) if self.is_open(i)]
        collected = np.array(fit[: max(8, min(500, self.size // 20))], dtype=np.int64)
        parts = [
            np.column_stack([np.full(len(popular), POPULAR), popular]),
            np.column_stack([collected, np.full(len(collected), COLLECTOR)]),
        ]
        fixed = np.concatenate(parts).astype(np.int64)
        weights = rng.lognormal(0.0, 1.2, self.people)
        weights[POPULAR] = 0
        weights /= weights.sum()
        keys = np.empty(0, dtype=np.int64)
        while len(keys) < self.size - len(fixed):
            owners = rng.choice(self.people, self.size, p=weights)
            grantees = rng.integers(2, self.people, self.size)
            fresh = (owners * self.people + grantees)[owners != grantees]
            keys = np.unique(np.concatenate([keys, fresh]))
        keys = rng.permutation(keys)[: self.size - len(fixed)]
        drawn = np.column_stack([keys // self.people, keys % self.people])
        return np.concatenate([fixed, drawn])

    def _related(
        self, rng: np.random.Generator, *, share: float, more: int, ordered: bool
    ) -> Pairs:
        """Pairs of people: a `share` of those with a grant, and `more` at random."""
        near = self.grants[rng.random(len(self.grants)) < share]
        far = rng.integers(0, self.people, (more, 2))
        pairs = np.concatenate([near, far])
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
        if ordered:
            pairs = np.sort(pairs, axis=1)
        keys = np.unique(pairs[:, 0] * self.people + pairs[:, 1])
        return np.column_stack([keys // self.people, keys % self.people])

    # --- facts of a person and their likeness, by number ------------------------------------

    def is_closed(self, person: int) -> bool:
        """Whether the account is closed."""
        return person > COLLECTOR and mix(person, 1) % 100 == 0

    def state(self, person: int) -> str:
        """Of the likeness."""
        return "suspended" if person > COLLECTOR and mix(person, 2) % 100 < 3 else "active"

    def audience(self, person: int) -> str:
        """Whom the likeness is for."""
        drawn = 50 if person <= COLLECTOR else mix(person, 3) % 100
        return ("granted", "mutuals", "anyone", "only_me")[
            (drawn >= 80) + (drawn >= 90) + (drawn >= 95)
        ]

    def restrictions(self, person: int) -> dict[str, Any] | None:
        """The owner's terms over every use, if any."""
        drawn = 9 if person <= COLLECTOR else mix(person, 4) % 10
        if drawn == 0:
            return {"forbid_labels": ["violence"]}
        if drawn == 1:
            return {"max_duration_s": 30.0, "co_appear": "friends"}
        return {"visible_mark": True, "max_uses_per_day": 50} if drawn == 2 else None

    def birth_date(self, person: int) -> date | None:
        """A minor's, or a grown-up's who was one here."""
        drawn = 40 if person <= COLLECTOR else mix(person, 5) % 50
        if drawn < 2:
            return self.now.date() - timedelta(days=6_200)
        return date(1990, 1, 1 + drawn) if drawn < 10 else None

    def is_guarded(self, person: int) -> bool:
        """Whether the popular one's account stands by them as a guardian's."""
        return self.birth_date(person) is not None and mix(person, 5) % 50 == 0

    def uses(self, person: int) -> tuple[int, int] | None:
        """Uses of the likeness so far and today, where there were any."""
        if person <= COLLECTOR or mix(person, 6) % 5 > 1:
            return None
        today = mix(person, 7) % 60
        return today + mix(person, 8) % 40, today

    def is_open(self, person: int) -> bool:
        """Whether nothing but a grant is needed."""
        return (
            not self.is_closed(person)
            and self.state(person) == "active"
            and self.audience(person) == "granted"
            and self.restrictions(person) is None
            and self.birth_date(person) is None
        )

    # --- facts of a grant, a friendship, a block, by place ----------------------------------

    def terms(self, grant: int) -> dict[str, Any]:
        """Of the `grant`th grant; a third name moments that no other grant names."""
        owner, grantee = (int(one) for one in self.grants[grant])
        kind = mix(grant, 10) % 12
        if grantee == COLLECTOR:
            return {"purposes": ["personal"]}
        if owner == POPULAR:
            kind %= 4
        moment = timedelta(seconds=mix(grant, 11) % (300 * 86_400))
        later, earlier = self.now + 2 * _DAY + moment, self.now - 2 * _DAY - moment
        return (
            {"purposes": ["personal"]},
            {"purposes": ["parody", "personal"], "attribution": True, "visible_mark": True},
            {"purposes": ["personal"], "not_after": _text(later), "max_duration_s": 30.0},
            {"purposes": ["personal"], "not_before": _text(earlier), "max_outputs": 4},
            {"purposes": ["education", "personal"], "max_uses": 100, "max_uses_per_day": 5},
            {"purposes": ["personal"], "not_after": _text(earlier)},
            {"purposes": ["personal"], "forbid_labels": ["nudity", "violence"]},
            {"purposes": ["personal"], "generators": [GENERATOR], "remix": False},
            {"purposes": ["advertising"], "price": {"amount": 500, "currency": "EUR"}},
            {"purposes": ["personal"], "co_appear": "friends", "note": "Ask me first."},
            {"purposes": ["personal"], "approval_each_time": True},
            {"purposes": ["personal"], "generators": {"refuse": ["another-generator"]}},
        )[kind]

    def grant_uses(self, grant: int) -> tuple[int, int] | None:
        """Uses of the grant so far and today, where there were any."""
        if mix(grant, 10) % 12 != 4 and mix(grant, 12) % 5:
            return None
        today = mix(grant, 13) % 7
        return today + mix(grant, 14) % 105, today

    def friendship_state(self, place: int) -> str:
        """Most are accepted."""
        drawn = mix(place, 20) % 20
        return "ended" if drawn < 2 else "asked" if drawn < 3 else "accepted"

    def is_lifted(self, place: int) -> bool:
        """Whether the block was taken back."""
        return mix(place, 21) % 5 == 0

    # --- what is right ------------------------------------------------------------------------

    def grant_of(self, owner: int, grantee: int) -> int | None:
        """Place of the live grant between the two, if there is one."""
        return _find(self._grant_keys, self._grant_order, owner * self.people + grantee)

    def are_friends(self, one: int, two: int) -> bool:
        """Whether an accepted friendship joins them."""
        key = min(one, two) * self.people + max(one, two)
        place = _find(self._friend_keys, self._friend_order, key)
        return place is not None and self.friendship_state(place) == "accepted"

    def blocks_whom(self, one: int, two: int) -> bool:
        """Whether `one` blocks `two`."""
        place = _find(self._block_keys, self._block_order, one * self.people + two)
        return place is not None and not self.is_lifted(place)

    def permitted(self, ask: Ask) -> bool:
        """Whether the request is permitted; pending is not."""
        return all(self._covers(ask, owner) for owner in ask.likenesses)

    def _covers(self, ask: Ask, owner: int) -> bool:
        if not self.is_clear(ask, owner):
            return False
        audience = self.audience(owner)
        if ask.requester == owner or audience == "anyone":
            return True
        if audience == "mutuals" and self.are_friends(owner, ask.requester):
            return True
        grant = self.grant_of(owner, ask.requester)
        if audience == "only_me" or grant is None:
            return False
        return self.meets(self.terms(grant), ask, owner, self.grant_uses(grant))

    def is_clear(self, ask: Ask, owner: int) -> bool:
        """Whether the likeness lacks nothing but a way: state, blocks, age, restrictions."""
        company = [other for other in ask.likenesses if other != owner]
        if self.is_closed(ask.requester) or self.is_closed(owner):
            return False
        if self.state(owner) != "active":
            return False
        if any(self.blocks_whom(owner, other) for other in (ask.requester, *company)):
            return False
        born = self.birth_date(owner)
        minor = born is not None and born.year > 2000
        if minor and not self.is_guarded(owner):
            return False
        if ask.requester == owner:
            return not minor or ask.purpose == "personal"
        # Somebody else's use of a minor's likeness needs an approval, and nobody has one here.
        restrictions = self.restrictions(owner)
        return not minor and (
            restrictions is None or self.meets(restrictions, ask, owner, self.uses(owner))
        )

    def meets(
        self, terms: dict[str, Any], ask: Ask, owner: int, uses: tuple[int, int] | None
    ) -> bool:
        """Whether terms of `owner`, used so often so far and today, allow the request."""
        whole, today = uses or (0, 0)
        company = [other for other in ask.likenesses if other != owner]
        return (
            ask.purpose in terms.get("purposes", [ask.purpose])
            and ("not_after" not in terms or _text(self.now) < terms["not_after"])
            and ask.seconds <= terms.get("max_duration_s", 3_600)
            and whole < terms.get("max_uses", whole + 1)
            and today < terms.get("max_uses_per_day", today + 1)
            and not set(ask.labels) & set(terms.get("forbid_labels", ()))
            and not terms.get("approval_each_time", False)
            and (
                terms.get("co_appear") != "friends"
                or all(self.are_friends(owner, other) for other in company)
            )
        )

    # --- what is asked ------------------------------------------------------------------------

    def asks(self, count: int, *, seed: int) -> list[Ask]:
        """Requests for one likeness each: 75 in 100 along a grant, 5 for one's own, 20 anybody."""
        rng = np.random.default_rng(seed)
        found = []
        for kind, place in zip(rng.random(count), rng.integers(0, self.size, count), strict=True):
            owner, asker = (int(one) for one in self.grants[place])
            if kind >= 0.80:
                asker = int(rng.integers(0, self.people))
                owner = (asker + 1 + int(rng.integers(0, self.people - 1))) % self.people
            elif kind >= 0.75:
                owner = asker
            found.append(self._ask(rng, asker, (owner,)))
        return found

    def asks_of_many(self, count: int, people: int, *, seed: int) -> list[Ask]:
        """Requests of the collector for `people` of the likenesses they were granted."""
        rng = np.random.default_rng(seed)
        owners = self.grants[self.grants[:, 1] == COLLECTOR][:, 0]
        chosen = [rng.choice(owners, people, replace=False) for _ in range(count)]
        return [self._ask(rng, COLLECTOR, tuple(int(o) for o in some)) for some in chosen]

    def popular_asks(self, count: int) -> list[tuple[int, Ask]]:
        """Grants on the popular likeness that permit, each with a request that they permit."""
        found = []
        for place in range(self.popular):
            asker = int(self.grants[place][1])
            ask = Ask(asker, (POPULAR,), "personal", (), 8.0, _digest(place))
            if self.permitted(ask):
                found.append((place, ask))
            if len(found) == count:
                break
        return found

    def _ask(self, rng: np.random.Generator, asker: int, owners: tuple[int, ...]) -> Ask:
        drawn = rng.random(3)
        return Ask(
            requester=asker,
            likenesses=owners,
            purpose="personal" if drawn[0] < 0.9 else "education" if drawn[0] < 0.95 else "news",
            labels=("violence",) if drawn[1] < 0.05 else (),
            seconds=60.0 if drawn[2] < 0.05 else 8.0,
            prompt=_digest(int(rng.integers(0, 2**62))),
        )


def _index(pairs: Pairs, people: int) -> tuple[Pairs, Pairs]:
    keys = pairs[:, 0] * people + pairs[:, 1]
    order = np.argsort(keys, kind="stable")
    return keys[order], order


def _find(keys: Pairs, order: Pairs, key: int) -> int | None:
    place = int(np.searchsorted(keys, key))
    return int(order[place]) if place < len(keys) and keys[place] == key else None


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _digest(number: int) -> str:
    return hashlib.sha256(f"prompt {number}".encode()).hexdigest()
