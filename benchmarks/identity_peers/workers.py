"""A process for each contender, so that its memory is its own and its libraries are loaded once."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

import psutil

from benchmarks.identity_peers.contenders import Pipeline, Run
from benchmarks.identity_peers.jobs import Job, Mark, Measured

_MIB = 2**20


class WorkerFailed(Exception):
    """A contender could not do it; the message says why."""


class Worker:
    """One contender, started."""

    def __init__(self, name: str, build: Callable[[], Run]) -> None:
        """Starts the process and waits until its models are loaded.

        Args:
            name: of the contender, for messages.
            build: a function of a module, or a `functools.partial` of one.

        Raises:
            WorkerFailed: it can't be built.
        """
        self.name = name
        context = multiprocessing.get_context("spawn")
        self._connection, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, build), daemon=False)
        self._process.start()
        there.close()
        try:
            self._answer()
        except WorkerFailed:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def run(self, job: Job) -> Measured:
        """Runs one clip.

        Raises:
            WorkerFailed: it could not.
        """
        measured: Measured = self._ask("run", job)
        return measured

    def marks(self) -> tuple[int, dict[int, Mark]]:
        """Returns the last clip's rotation, degrees, and its marks; of the pipeline only."""
        answer: tuple[int, dict[int, Mark]] = self._ask("marks", None)
        return answer

    def resident_mb(self) -> tuple[float, float]:
        """Returns the resident size of the process and that of all it started, MiB."""
        process = psutil.Process(self._process.pid)
        children = 0
        for child in process.children(recursive=True):
            try:
                children += child.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return process.memory_info().rss / _MIB, children / _MIB

    def close(self) -> None:
        """Ends the process."""
        self._connection.close()
        self._process.join()

    def _ask(self, what: str, job: Job | None) -> Any:
        try:
            self._connection.send((what, job))
        except OSError:
            raise WorkerFailed(f"{self.name} has ended.") from None
        return self._answer()

    def _answer(self) -> Any:
        try:
            error, answer = self._connection.recv()
        except (EOFError, OSError):
            raise WorkerFailed(f"{self.name} has ended.") from None
        if error:
            raise WorkerFailed(f"{self.name}: {error}")
        return answer


def _serve(connection: Connection, build: Callable[[], Run]) -> None:
    from common.errors import CameoError

    run: Run | None = None
    try:
        run = build()
        connection.send(("", None))
        while True:
            what, job = connection.recv()
            if what == "marks":
                assert isinstance(run, Pipeline)
                connection.send(("", (run.rotation, run.marks)))
            else:
                connection.send(("", run(job)))
    except EOFError:
        pass
    except CameoError as error:
        connection.send((f"{error.code}: {error.message}", None))
    # A peer's library may raise anything; the parent says it and goes on or ends.
    except Exception as error:
        connection.send((f"{type(error).__name__}: {error}", None))
    finally:
        if isinstance(run, Pipeline):
            run.close()
