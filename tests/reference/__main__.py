"""Compare production's decision with the reference on generated worlds.

`python -m tests.reference --worlds 1000000 --seed 1 [--processes 2]` compares with the model,
`--against cedar` with Cedar on the fragment it can express. Prints one JSON object; the exit
status is 1 if the two differ on any world.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing import Pool

from tests.reference import cedar
from tests.reference.differential import Tally, blocks, report, run_block


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and say whether they agree."""
    parser = argparse.ArgumentParser(prog="python -m tests.reference", description=__doc__)
    parser.add_argument("--worlds", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--against", choices=("model", "cedar"), default="model")
    said = parser.parse_args(arguments)
    run = cedar.run_block if said.against == "cedar" else run_block
    started, tally = time.monotonic(), Tally()
    work = [(said.seed, number, size) for number, size in blocks(said.worlds)]
    if said.processes == 1:
        for one in work:
            tally.add(run(*one))
    else:
        with Pool(said.processes) as pool:
            for found in pool.imap_unordered(partial(_unpacked, run), work):
                tally.add(found)
    found_all = report(said.seed, said.worlds, tally, started)
    sys.stdout.write(json.dumps(found_all, indent=2, default=str) + "\n")
    return 1 if tally.mismatches else 0


def _unpacked(run: Callable[[int, int, int], Tally], one: tuple[int, int, int]) -> Tally:
    return run(*one)


if __name__ == "__main__":
    sys.exit(main())
