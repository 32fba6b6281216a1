"""The main tables as Markdown, the way GitHub shows it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from deepanon.evaluation.report.table import Cell, Column, Group, Row, Table

SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#])")


def markdown(sections: Mapping[str, list[Table]], intro: str = "", notes: list[str] | None = None) -> str:
    """Heading -> tables, with an introduction before and notes behind; ends in one newline."""
    lines = [escape(intro), ""] if intro else []
    for heading, tables in sections.items():
        if tables:
            lines += [f"## {escape(heading)}", ""]
        for table in tables:
            lines += _table(table)
    lines += [f"- {escape(note)}" for note in notes or []]
    return "\n".join(lines).rstrip() + "\n"


def escape(text: str) -> str:
    """Text that Markdown leaves alone."""
    return SPECIAL.sub(r"\\\1", text)


def _table(table: Table) -> list[str]:
    head = ["method", *(_head(table, column) for column in table.columns)]
    lines = [f"### {escape(table.title)}", "", _line(head), _line(["---", *("---:" for _ in table.columns)])]
    for group in table.groups:
        lines += _group(table, group)
    lines += ["", escape(table.caption), ""]
    if table.notes:
        lines += [f"<sup>{at}</sup> {escape(note)}  " for at, note in enumerate(table.notes, 1)] + [""]
    return lines


def _group(table: Table, group: Group) -> list[str]:
    lines = [_line([f"**{escape(group.label)}**", *("" for _ in table.columns)])] if group.label else []
    return lines + [_line([_name(row), *(_cell(table, cell) for cell in row.cells)]) for row in group.rows]


def _name(row: Row) -> str:
    return f"*{escape(row.label)}*" if row.kind else escape(row.label)


def _head(table: Table, column: Column) -> str:
    unit = f", {column.unit}" if column.unit else ""
    mark = f"<sup>{table.mark(column)}</sup>" if table.mark(column) else ""
    return f"{escape(column.label)}{mark}{unit}{' ' + column.arrow if column.arrow else ''}"


def _cell(table: Table, cell: Cell) -> str:
    mark = table.mark(cell)
    return " ".join(filter(None, (escape(cell.text) + (f"<sup>{mark}</sup>" if mark else ""), escape(cell.interval))))


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
