"""The main tables as LaTeX (booktabs), to be taken into a paper with `\\input`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from deepanon.evaluation.report.table import Cell, Column, Group, Table

HEAD = """% Needs \\usepackage{booktabs} and \\usepackage{graphicx}; use with \\input{table}.
% Controls and reference rows are set in italics; intervals are 95 %."""
SYMBOLS = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "–": "--", "—": "---", "−": "$-$", "×": r"$\times$", "·": r"$\cdot$", "±": r"$\pm$",
    "≥": r"$\geq$", "≤": r"$\leq$", "→": r"$\rightarrow$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "°": r"$^\circ$",
    "σ": r"$\sigma$", "τ": r"$\tau$", "µ": r"$\mu$", "μ": r"$\mu$", "\u202f": r"\,", "\xa0": "~", "“": "``", "”": "''",
    "’": "'", "…": r"\dots{}", "²": "$^2$",
}  # fmt: skip


def latex(sections: Mapping[str, list[Table]]) -> str:
    """Heading -> tables, as floating tables one after the other; ends in one newline."""
    tables = [_table(heading, table) for heading, tables in sections.items() for table in tables]
    return "\n\n".join([HEAD, *tables]) + "\n"


def escape(text: str) -> str:
    """Text that LaTeX prints as it is."""
    return "".join(SYMBOLS.get(letter, letter) for letter in text)


def _table(heading: str, table: Table) -> str:
    rows = " \\\\\n".join(["Method & " + " & ".join(_head(table, column) for column in table.columns)])
    body = "\n\\midrule\n".join(_group(table, group) for group in table.groups)
    notes = " ".join(f"$^{{{at}}}$ {escape(note)}" for at, note in enumerate(table.notes, 1))
    return "\n".join(
        [
            "\\begin{table}[tbp]",
            "\\centering\\small",
            f"\\caption{{{escape(heading)}. {escape(table.caption)}}}",
            f"\\label{{tab:{re.sub('[^a-z0-9]+', '-', table.key.lower()).strip('-')}}}",
            "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%",
            f"\\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
            "\\toprule",
            f"{rows} \\\\",
            "\\midrule",
            body,
            "\\bottomrule",
            "\\end{tabular}}",
            *(
                [f"\\par\\smallskip\\begin{{minipage}}{{\\linewidth}}\\footnotesize {notes}\\end{{minipage}}"]
                * bool(notes)
            ),
            "\\end{table}",
        ]
    )


def _group(table: Table, group: Group) -> str:
    lines = [f"\\multicolumn{{{len(table.columns) + 1}}}{{l}}{{\\textbf{{{escape(group.label)}}}}} \\\\"] * bool(
        group.label
    )
    for row in group.rows:
        name = f"\\emph{{{escape(row.label)}}}" if row.kind else escape(row.label)
        lines.append(" & ".join([name, *(_cell(table, cell) for cell in row.cells)]) + " \\\\")
    return "\n".join(lines)


def _head(table: Table, column: Column) -> str:
    unit = f" ({escape(column.unit)})" if column.unit else ""
    mark = f"$^{{{table.mark(column)}}}$" if table.mark(column) else ""
    return f"{escape(column.label)}{mark}{unit}{escape(' ' + column.arrow) if column.arrow else ''}"


def _cell(table: Table, cell: Cell) -> str:
    mark = table.mark(cell)
    interval = f" {{\\scriptsize {escape(cell.interval)}}}" if cell.interval else ""
    return escape(cell.text) + (f"$^{{{mark}}}$" if mark else "") + interval
