"""From a run folder to what trainers read: one file a target format, and the dataset card."""

from judgeforge.export.card import write_card
from judgeforge.export.dataset import pairs_dataset
from judgeforge.export.pairs import ExportSummary, export_pairs
from judgeforge.export.parquet import write_pairs_parquet

__all__ = ["ExportSummary", "export_pairs", "pairs_dataset", "write_card", "write_pairs_parquet"]
