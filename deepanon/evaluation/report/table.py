"""A table of a report: groups of rows, cells with intervals, and notes that are numbered once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from deepanon.evaluation.report import numbers

MANY = 3  # different notes in a column from which on they would bury the table: they stay in results.json then


@dataclass(frozen=True)
class Cell:
    """What stands in one place: the number, its interval, what to know of it."""

    text: str = numbers.NOTHING
    interval: str = ""
    seeds: str = ""
    note: str = ""
    value: float = float("nan")


@dataclass(frozen=True)
class Column:
    """One metric: heading, unit, which way is better, and a note on all that is in it."""

    key: str
    label: str
    unit: str = ""
    arrow: str = ""
    note: str = ""


@dataclass(frozen=True)
class Row:
    """One method; `kind` as in `Results.methods`."""

    method: str
    label: str
    kind: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Group:
    """Rows of one scope; `label` is empty where there is only one."""

    label: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Table:
    """A table with its caption; notes are numbered from 1, and cells and columns point to them by their text."""

    key: str
    data: str
    by: str
    title: str
    caption: str
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = field(default=())

    def mark(self, what: Cell | Column) -> str:
        """The number of the note of a cell or of a column, or nothing."""
        return str(self.notes.index(what.note) + 1) if what.note in self.notes else ""


def noted(table: Table, always: Collection[str] = ()) -> Table:
    """The table with its notes collected: what all cells of a column say alike goes to its heading.

    A missing number always says why. Notes on numbers that differ from row to row are dropped where there are more
    than a few, unless the column is among `always`: the same words stand in `results.json`.
    """
    columns: list[Column] = []
    dropped: set[int] = set()
    for at, column in enumerate(table.columns):
        cells = [row.cells[at] for group in table.groups for row in group.rows if row.cells[at].text]
        notes = {cell.note for cell in cells}
        columns.append(replace(column, note=notes.pop() if len(notes) == 1 else ""))
        there = {cell.note for cell in cells if cell.value == cell.value}
        if columns[-1].note or (len(there - {""}) > MANY and column.key not in always):
            dropped.add(at)
    groups = tuple(
        replace(group, rows=tuple(replace(row, cells=_kept(row.cells, dropped, columns)) for row in group.rows))
        for group in table.groups
    )
    return _numbered(replace(table, columns=tuple(columns), groups=groups))


def trimmed(table: Table) -> Table:
    """The table without columns in which nothing stands."""
    full = [at for at in range(len(table.columns)) if any(r.cells[at].text for g in table.groups for r in g.rows)]
    groups = tuple(
        replace(group, rows=tuple(replace(row, cells=tuple(row.cells[at] for at in full)) for row in group.rows))
        for group in table.groups
    )
    return _numbered(replace(table, columns=tuple(table.columns[at] for at in full), groups=groups))


def _numbered(table: Table) -> Table:
    cells = [cell.note for group in table.groups for row in group.rows for cell in row.cells]
    notes = dict.fromkeys(note for note in [*(column.note for column in table.columns), *cells] if note)
    return replace(table, notes=tuple(notes))


def _kept(cells: tuple[Cell, ...], dropped: set[int], columns: list[Column]) -> tuple[Cell, ...]:
    """The cells of a row, without the notes of dropped columns; a missing number keeps its own."""
    return tuple(
        replace(cell, note="") if at in dropped and (cell.value == cell.value or columns[at].note) else cell
        for at, cell in enumerate(cells)
    )
