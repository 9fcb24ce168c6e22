"""Tables: a CSV or Parquet file becomes a trained network with its proof, and predictions."""

from cvxnn.atomic_files import require_writable
from cvxnn.tables.columns import CategoricalColumn, EncodedTable, Encoding, NumericColumn
from cvxnn.tables.fitting import TableReport, fit_table
from cvxnn.tables.plain_words import data_in_words, proof_in_words
from cvxnn.tables.reading import predictions_as_csv, read_table, write_predictions
from cvxnn.tables.report import require_folder, write_report
from cvxnn.tables.scores import Scores
from cvxnn.tables.table_model import TableModel
from cvxnn.tables.table_model_files import load_table_model

__all__ = [
    "CategoricalColumn",
    "EncodedTable",
    "Encoding",
    "NumericColumn",
    "Scores",
    "TableModel",
    "TableReport",
    "data_in_words",
    "fit_table",
    "load_table_model",
    "predictions_as_csv",
    "proof_in_words",
    "read_table",
    "require_folder",
    "require_writable",
    "write_predictions",
    "write_report",
]
