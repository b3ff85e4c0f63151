"""Is a face enrolled twice? The index, the search, and what keeps the index whole."""

from __future__ import annotations

from identity.duplicates.index import (
    IndexState,
    add_to_index,
    index_states,
    lock_duplicates,
    remove_from_index,
)
from identity.duplicates.rebuild import rebuild_duplicates
from identity.duplicates.search import Duplicates, Match, find_duplicates
from identity.duplicates.threshold import (
    duplicate_threshold,
    false_match_rate,
    false_positive_identification_rate,
)

__all__ = [
    "Duplicates",
    "IndexState",
    "Match",
    "add_to_index",
    "duplicate_threshold",
    "false_match_rate",
    "false_positive_identification_rate",
    "find_duplicates",
    "index_states",
    "lock_duplicates",
    "rebuild_duplicates",
    "remove_from_index",
]
