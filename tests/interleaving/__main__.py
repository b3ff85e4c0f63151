"""`python -m tests.interleaving`: random histories in four processes, and whether they hold.

Prints one JSON object. Exits 0 if nothing was permitted after its end was acknowledged, 1 else.
"""

from __future__ import annotations

import argparse
import json
import sys

from cameo import env

env.prepare()

from tests.interleaving.faults import FAULTS  # noqa: E402 - the environment comes first
from tests.interleaving.runner import run  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.interleaving", description=__doc__)
    parser.add_argument("--operations", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--broken",
        nargs="?",
        choices=FAULTS,
        const=FAULTS[0],
        help="run a deliberately broken service instead (%(choices)s)",
    )
    given = parser.parse_args()
    report = run(operations=given.operations, seed=given.seed, fault=given.broken)
    sys.stdout.write(json.dumps(report.document(), indent=2) + "\n")
    return 1 if report.violations or report.misplaced else 0


if __name__ == "__main__":
    sys.exit(main())
