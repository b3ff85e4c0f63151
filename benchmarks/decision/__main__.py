"""`python -m benchmarks.decision [--json] [--sizes N,N…] [--rest]`: what a decision costs.

For each size a deployment with an embedded database of its own, all at once, and measured in
turns, so that a noisy minute falls on every size and on every contender: the service's own
decision read fresh from PostgreSQL, one for eight people, a bare look-up by an index, a plain
Django implementation, cedarpy on the same facts, and pycasbin with the grants as rules in memory.
Then withdrawals, and with `--rest` the same over HTTP. Answers are held to what is right by the
made-up world itself; one that is wrong ends the run with 1.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks.decision.deployment import environment
from benchmarks.decision.results import CASBIN_RULES, report, table
from benchmarks.decision.world import LEAST
from benchmarks.machine import machine

SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
REQUESTS: Final = 10_000
ROUNDS: Final = 20
PEOPLE: Final = 8
WITHDRAWALS: Final = 100
REST_REQUESTS: Final = 400
_PROJECT: Final = Path(__file__).resolve().parents[2]


class Failed(Exception):
    """A size's process could not do its part."""


class Process:
    """One size's process, and the folder of its deployment."""

    def __init__(self, size: int, home: Path, options: argparse.Namespace) -> None:
        self.size = size
        common = [*_command(size, home, options.now), "--requests", str(options.requests)]
        loaded = subprocess.run([*common, "--load"], cwd=_PROJECT, env=environment(home))
        if loaded.returncode != 0:
            raise Failed(f"{size} grants could not be loaded.")
        self._child = subprocess.Popen(
            [*common, "--serve"],
            cwd=_PROJECT,
            env=environment(home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, do: str, **members: Any) -> Any:
        """Have a command done; see benchmarks/decision/serve.py.

        Raises:
            Failed: the process has ended.
        """
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        try:
            self._child.stdin.write(json.dumps({"do": do, **members}) + "\n")
            self._child.stdin.flush()
        except BrokenPipeError as error:
            raise Failed(f"{self.size} grants: {do} failed.") from error
        line = self._child.stdout.readline()
        if not line:
            raise Failed(f"{self.size} grants: {do} failed.")
        return json.loads(line)

    def close(self) -> None:
        """End the process; its database goes with it."""
        if self._child.stdin is not None:
            self._child.stdin.close()
        self._child.wait(60)
        if self._child.stdout is not None:
            self._child.stdout.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    options = _options(arguments)
    if options.load or options.serve:
        return _child(options)
    try:
        found = measure(options)
    except Failed as error:
        print(f"The decision could not be measured. {error}", file=sys.stderr)
        return 1
    print(json.dumps(found) if options.json else table(found))
    return 1 if found["mismatches"] else 0


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the report.

    Raises:
        Failed: a part of it could not be measured.
    """
    began = os.getloadavg()
    rows: dict[int, dict[str, Any]] = {}
    with ExitStack() as stack:
        processes = []
        for size in options.sizes:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cameo-decide-")))
            _tell(f"{size} grants: loading")
            processes.append(Process(size, home, options))
            stack.callback(processes[-1].close)
        for process in processes:
            rows[process.size] = process.ask("warm_up")
        for number in range(options.rounds):
            _tell(f"round {number + 1} of {options.rounds}")
            for process in processes:
                process.ask("round", number=number, rounds=options.rounds)
        for process in processes:
            rows[process.size] |= process.ask("figures")
        for process in processes:
            if process.size <= CASBIN_RULES and not options.no_casbin:
                _tell(f"{process.size} rules: pycasbin")
                count = max(10, min(200, 2_000_000 // process.size))
                rows[process.size]["casbin"] = process.ask("casbin", count=count)
        largest, wanted = processes[-1], options.withdrawals
        if options.rest:
            _tell("over REST")
            rows[largest.size]["rest"] = largest.ask(
                "rest", first=wanted, count=wanted, asks=min(REST_REQUESTS, options.requests)
            )
        _tell("withdrawals")
        rows[largest.size]["revoke"] = largest.ask("revoke", count=wanted)
    return {
        **report(rows),
        "machine": machine(),
        "packages": {name: version(name) for name in ("cedarpy", "pycasbin", "psycopg", "Django")},
        "load_average": {"before": round(began[0], 2), "after": round(os.getloadavg()[0], 2)},
    }


def _child(options: argparse.Namespace) -> int:
    from benchmarks.decision.deployment import set_up
    from benchmarks.decision.load import REQUESTS_FILE, fill, write_requests
    from benchmarks.decision.serve import serve
    from benchmarks.decision.world import World

    (size,) = options.sizes
    home, now = Path(os.environ["CAMEO_HOME"]), datetime.fromisoformat(options.now)
    set_up(migrate=options.load)
    if options.serve:
        serve(size, home, now)
        return 0
    world = World(size, now=now)
    fill(world)
    write_requests(
        world,
        home / REQUESTS_FILE,
        count=options.requests,
        many=max(50, options.requests // 5),
        people=PEOPLE,
        popular=2 * WITHDRAWALS,
    )
    return 0


def _command(size: int, home: Path, now: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.decision", "--sizes", str(size), "--now", now]


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _sizes(text: str) -> list[int]:
    found = sorted({int(one) for one in text.split(",")})
    if min(found) < LEAST:
        raise argparse.ArgumentTypeError(f"at least {LEAST} grants")
    return found


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decision", description=__doc__)
    parser.add_argument("--sizes", type=_sizes, default=list(SIZES), metavar="N,N…")
    parser.add_argument("--json", action="store_true", help="one JSON object, nothing else")
    parser.add_argument("--rest", action="store_true", help="also over HTTP, at the largest size")
    parser.add_argument("--requests", type=int, default=REQUESTS, help="for each size")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="that sizes take turns in")
    parser.add_argument("--withdrawals", type=int, default=WITHDRAWALS, help="each way")
    parser.add_argument("--no-casbin", action="store_true", help="without pycasbin")
    parser.add_argument("--now", default=datetime.now(UTC).isoformat(), help=argparse.SUPPRESS)
    parser.add_argument("--load", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.load or options.serve:
        return options
    if options.requests < 100 or not 1 <= options.rounds <= options.requests // 50:
        parser.error("at least 100 requests, and a round for every 50 at most")
    if not 1 <= options.withdrawals <= WITHDRAWALS:
        parser.error(f"1 to {WITHDRAWALS} withdrawals")
    return options


if __name__ == "__main__":
    sys.exit(main())
