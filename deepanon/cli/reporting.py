"""What is said about many files: failures as they happen, the sum at the end, a line each in a JSON file."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from deepanon.cli import selecting
from deepanon.cli.shared import FAILED

if TYPE_CHECKING:
    from deepanon.folders import Outcome, Plan

T = TypeVar("T")


class FileReport:
    """Counts outcomes, names failures, and writes all of them to a JSON file; nothing grows with the number of files.

    Args:
        path: JSON file, written whole or not at all; None writes none.
        about: what comes before the files in it.
        why: why files are left out, in words.
    """

    def __init__(
        self, path: str | None = None, about: dict[str, Any] | None = None, why: str = "not a supported picture"
    ) -> None:
        self.path, self.about, self.why = path, about or {}, why
        self.counts: Counter[str] = Counter()
        self.faces = self.earlier = self.left = 0
        self.stream: TextIO | None = None
        self.stack = ExitStack()

    def __enter__(self) -> FileReport:
        from deepanon.files import replacing

        if self.path is not None:
            temporary = self.stack.enter_context(replacing(self.path))
            self.stream = self.stack.enter_context(temporary.open("w", encoding="utf-8"))
            self.stream.write(json.dumps(self.about)[:-1] + (", " if self.about else "") + '"files": [')
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if self.stream is not None and error is None:
            self.stream.write("\n]}\n")
        return self.stack.__exit__(kind, error, trace)

    def counted(self, steps: Iterable[T], plan: Plan, outcome_of: Callable[[T], Outcome]) -> Iterator[T]:
        """Yield `steps` with a bar on a terminal; what is known of each is counted, told and written."""
        from tqdm import tqdm

        with tqdm(total=plan.total, unit="file", disable=None if plan.total > 1 else True) as bar:
            for step in steps:
                self._add(outcome_of(step))
                bar.update()
                yield step

    def watch(self, outcomes: Iterable[Outcome], plan: Plan) -> int:
        """Go through all outcomes, say what happened, and return the exit code."""
        for _ in self.counted(outcomes, plan, lambda outcome: outcome):
            pass
        return self.summary(plan)

    def _add(self, outcome: Outcome) -> None:
        from tqdm import tqdm

        if outcome.status == "failed":
            tqdm.write(f"deepanon: FAILED {outcome.name}: {outcome.error}", file=sys.stderr)
        for line in selecting.left_open(outcome):
            tqdm.write(f"deepanon: {line}", file=sys.stderr)
        if self.stream is not None:
            self.stream.write((",\n" if self.counts else "\n") + json.dumps(outcome.to_json()))
        self.counts[outcome.status] += 1
        self.faces += outcome.faces
        self.earlier += outcome.earlier
        self.left += len(outcome.facts.get("left", []))

    def summary(self, plan: Plan) -> int:
        """Say what happened, what was left out on stderr, and return the exit code."""
        from deepanon.folders.outcome import FINISHED

        for path in plan.left_out():
            print(f"deepanon: left out ({self.why}): {path}", file=sys.stderr)
        if self.left:
            print(f"deepanon: {self.left} faces were LEFT OPEN on purpose", file=sys.stderr)
        parts = [f"{self.counts[status]} {status}" for status in FINISHED if self.counts[status]]
        earlier = f" ({self.earlier} in an earlier run)" if self.earlier else ""
        failed = self.counts["failed"]
        print(f"{self.counts.total()} files: {', '.join([*parts, f'{failed} failed'])}{earlier}; {self.faces} faces")
        return FAILED if failed else 0
