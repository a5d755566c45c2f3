"""The HTML report: ``report.html`` of a run folder, one page that needs nothing else."""

from judgeforge.report.writing import write_report

__all__ = ["write_report"]
