"""From results to pages: `results.json` and a folder of sample pictures in, a report out."""

from deepanon.evaluation.report.card import card_table
from deepanon.evaluation.report.drawn import drawn_pictures
from deepanon.evaluation.report.pictures import Pictures, choose_faces, face_pair, worst_cases
from deepanon.evaluation.report.provenance import collect
from deepanon.evaluation.report.results import Results
from deepanon.evaluation.report.terminal import terminal_tables
from deepanon.evaluation.report.write import write_report

__all__ = [
    "Pictures",
    "Results",
    "card_table",
    "choose_faces",
    "collect",
    "drawn_pictures",
    "face_pair",
    "terminal_tables",
    "worst_cases",
    "write_report",
]
