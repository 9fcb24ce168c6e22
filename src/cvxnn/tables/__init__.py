"""Tables: a CSV or Parquet file becomes a trained network with its proof, and predictions."""

from typing import TYPE_CHECKING

from cvxnn.names import export_lazily, keep_old_names

if TYPE_CHECKING:
    from cvxnn.tables.fitting import TableReport, fit_table
    from cvxnn.tables.reading import read_table, write_predictions
    from cvxnn.tables.report import write_report
    from cvxnn.tables.scores import Scores
    from cvxnn.tables.table_model import TableModel, load_table_model

__all__ = [
    "Scores",
    "TableModel",
    "TableReport",
    "fit_table",
    "load_table_model",
    "read_table",
    "write_predictions",
    "write_report",
]

export_lazily(
    __name__,
    {
        "cvxnn.tables.fitting": (
            "TableReport",
            "fit_table",
        ),
        "cvxnn.tables.reading": (
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
        "require_folder": "cvxnn.atomic_files.require_folder",
        "require_writable": "cvxnn.atomic_files.require_writable",
        "columns_in_words": "cvxnn.tables.plain_words.columns_in_words",
        "data_in_words": "cvxnn.tables.plain_words.data_in_words",
        "proof_in_words": "cvxnn.tables.plain_words.proof_in_words",
        "predictions_as_csv": "cvxnn.tables.reading.predictions_as_csv",
        "CategoricalColumn": "cvxnn.tables.columns.encoding.CategoricalColumn",
        "EncodedTable": "cvxnn.tables.columns.encoding.EncodedTable",
        "Encoding": "cvxnn.tables.columns.encoding.Encoding",
        "NumericColumn": "cvxnn.tables.columns.encoding.NumericColumn",
    },
)
