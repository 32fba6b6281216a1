"""The main tables as aligned text, for a terminal."""

from __future__ import annotations

from deepanon.evaluation.report.lookup import Lookup
from deepanon.evaluation.report.results import Results
from deepanon.evaluation.report.table import Cell, Column, Table
from deepanon.evaluation.report.tables import main_tables
from deepanon.evaluation.values import PARTS

WIDE = 6  # columns; what is further to the right stands in the files


def terminal_tables(results: Results) -> str:
    """The first columns of every main table, methods by metrics, intervals in brackets."""
    lookup = Lookup(results)
    return "\n".join(aligned(table) for part in PARTS for table in main_tables(lookup, part))


def aligned(table: Table, wide: int = WIDE) -> str:
    """A table as text, the first `wide` columns of it."""
    head = ["", *(_head(column) for column in table.columns[:wide])]
    lines = [head]
    for group in table.groups:
        lines += [[f"[{group.label}]", *("" for _ in head[1:])]] if group.label else []
        lines += [[row.label, *(_cell(cell) for cell in row.cells[:wide])] for row in group.rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    rows = [
        "  ".join([line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    ]
    return "\n".join([table.title, *(line.rstrip() for line in rows), ""])


def _head(column: Column) -> str:
    return f"{column.label}{f', {column.unit}' if column.unit else ''}"


def _cell(cell: Cell) -> str:
    return f"{cell.text} {cell.interval}".rstrip()
