"""Tables: a CSV or Parquet file becomes a trained network with its proof, and predictions."""

from typing import TYPE_CHECKING

from cvxnn.names import export_lazily, keep_old_names

if TYPE_CHECKING:
    from cvxnn.atomic_files import require_folder, require_writable
    from cvxnn.tables.fitting import TableReport, fit_table
    from cvxnn.tables.plain_words import columns_in_words, data_in_words, proof_in_words
    from cvxnn.tables.reading import predictions_as_csv, read_table, write_predictions
    from cvxnn.tables.report import write_report
    from cvxnn.tables.scores import Scores
    from cvxnn.tables.table_model import TableModel, load_table_model

__all__ = [
    "Scores",
    "TableModel",
    "TableReport",
    "columns_in_words",
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

export_lazily(
    __name__,
    {
        "cvxnn.atomic_files": (
            "require_folder",
            "require_writable",
        ),
        "cvxnn.tables.columns.encoding": (
            "CategoricalColumn",
            "EncodedTable",
            "Encoding",
            "NumericColumn",
        ),
        "cvxnn.tables.fitting": (
            "TableReport",
            "fit_table",
        ),
        "cvxnn.tables.plain_words": ("columns_in_words", "data_in_words", "proof_in_words"),
        "cvxnn.tables.reading": (
            "predictions_as_csv",
            "read_table",
            "write_predictions",
        ),
        "cvxnn.tables.report": ("write_report",),
        "cvxnn.tables.scores": ("Scores",),
        "cvxnn.tables.table_model": (
            "TableModel",
            "load_table_model",
        ),
    },
)

keep_old_names(
    __name__,
    {
        "CategoricalColumn": "cvxnn.tables.columns.encoding.CategoricalColumn",
        "EncodedTable": "cvxnn.tables.columns.encoding.EncodedTable",
        "Encoding": "cvxnn.tables.columns.encoding.Encoding",
        "NumericColumn": "cvxnn.tables.columns.encoding.NumericColumn",
    },
)
