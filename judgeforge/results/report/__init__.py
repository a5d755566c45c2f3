"""The HTML report: ``report.html`` of a run folder, one page that needs nothing else."""
