"""`python -m benchmarks.duplicates [--json] [SIZE…]`: who is in a gallery of made-up templates.

For each size, in an embedded PostgreSQL of its own: the shortlist (halfvec scan) and the whole
search with the exact comparison of its candidates, beside an exact scan of the full vectors by
NumPy and by faiss (IndexFlatIP). Queries are planted at scores 5 to 12. The templates are
synthetic (benchmarks/synthetic_templates.py): times are real, recall is as good as that model.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import machine

SIZES = (1_000, 100_000)
QUERIES = 2_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.duplicates", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=list(SIZES), metavar="SIZE")
    parser.add_argument("--million", action="store_true", help="also 1,000,000 (7 GB, minutes)")
    parser.add_argument("--json", action="store_true", help="one JSON object, nothing else")
    parser.add_argument("--queries", type=int, default=QUERIES, help="planted, in each gallery")
    parser.add_argument("--spread", type=float, default=1.0, help="of scores; 1.26 is wide")
    parser.add_argument("--no-faiss", action="store_true", help="without the peer")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child is not None:
        from benchmarks.duplicates_run import run

        row = run(
            options.child,
            queries=options.queries,
            spread=options.spread,
            peer=not options.no_faiss,
        )
        print(json.dumps(row))
        return 0
    sizes = [*options.sizes, *([1_000_000] if options.million else [])]
    if min(sizes) < 100 or options.queries < 8 or not 0.2 <= options.spread <= 2:
        parser.error("at least 100 templates and 8 queries, and a spread of 0.2 to 2")
    rows = [
        measure(size, queries=options.queries, spread=options.spread, peer=not options.no_faiss)
        for size in sizes
    ]
    if options.json:
        print(json.dumps({"machine": machine(), "duplicates": rows}))
    else:
        _print_table(rows)
    return 0


def measure(
    size: int, *, queries: int = QUERIES, spread: float = 1.0, peer: bool = True
) -> dict[str, Any]:
    """Returns one size's row, as docs/duplicates.md says.

    It is measured by a child with a database and a keyring of its own in a temporary folder.

    Args:
        size: templates in the gallery.
        queries: planted, an eighth of them at each score from 5 to 12.
        spread: of non-mated scores, in units of what was measured (2.0).
        peer: also measure faiss on the full vectors (4.6 kB for each template).
    """
    with tempfile.TemporaryDirectory(prefix="cameo-duplicates-") as folder:
        command = [sys.executable, "-m", "benchmarks.duplicates", "--child", str(size)]
        command += ["--queries", str(queries), "--spread", str(spread)]
        command += [*([] if peer else ["--no-faiss"])]
        kept = {k: v for k, v in os.environ.items() if not k.endswith("DATABASE_URL")}
        done = subprocess.run(
            command,
            cwd=Path(__file__).resolve().parent.parent,
            env=kept
            | {"CAMEO_HOME": folder, "XDG_RUNTIME_DIR": folder, "CAMEO_LOG_LEVEL": "ERROR"},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise SystemExit(f"The gallery of {size} could not be measured.")
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def _print_table(rows: list[dict[str, Any]]) -> None:
    columns = (
        ("size", "size"),
        ("threshold", "threshold"),
        ("shortlist p50 ms", "shortlist_p50_ms"),
        ("p99", "shortlist_p99_ms"),
        ("search p50 ms", "search_p50_ms"),
        ("most", "search_most_ms"),
        ("recall", "recall"),
        ("of", "above_threshold"),
        ("table MB", "table_mb"),
    )
    print("".join(f"{head:>18}" for head, _ in columns))
    for row in rows:
        print("".join(f"{row[key]:>18}" for _, key in columns))
        print(f"  by score {row['recall_by_score']}, faiss {row['faiss']}, ratios {row['ratios']}")


if __name__ == "__main__":
    sys.exit(main())
