"""From what an audit found to pages: `AuditResult` and a folder of sample pictures in, a report out."""

from deepanon.audit.report.rebuilt import add_faces
from deepanon.audit.report.stored import read_result, write_result
from deepanon.audit.report.terminal import terminal_summary
from deepanon.audit.report.write import write_report

__all__ = ["add_faces", "read_result", "terminal_summary", "write_report", "write_result"]
