"""The model's output as the learned models take it: on a line, and as codes."""

from __future__ import annotations

import numpy as np

from skdrift.performance._calibration import on_line
from skdrift.performance._out_of_fold_rows import OutOfFold
from skdrift.performance._row_codes import N_CODES, number_codes


def output_line(known: OutOfFold) -> np.ndarray:
    """Output on a line: log odds, or the value that a regressor predicts."""
    if known.n_classes == 0:
        return known.outputs
    if known.response == "predict":
        return known.outputs
    return on_line(known.outputs, known.response)


def output_codes(
    line: np.ndarray, answers: np.ndarray, edges: np.ndarray, n_classes: int
) -> np.ndarray:
    """Codes of the model's output, of shape (n_columns, n_rows).

    One column for each output, at most ten, and for more than two classes one more
    for the answer.
    """
    columns = [
        number_codes(line[:, j], own[np.isfinite(own)]) for j, own in enumerate(edges)
    ]
    if n_classes > 2 or not columns:
        columns.append(np.minimum(answers + 1, N_CODES - 1).astype(np.uint8))
    return np.stack(columns)


def with_output(
    known: OutOfFold, codes: np.ndarray, edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Output of rows on a line, and their codes followed by those of the output.

    Parameters
    ----------
    known : OutOfFold
    codes : ndarray of uint8 of shape (n_used, n_known)
        Of the columns.
    edges : ndarray of float of shape (n_output_columns, 46)
        Between the codes of the output.
    """
    line = output_line(known)
    own = output_codes(line, known.answers, edges, known.n_classes)
    return line, np.vstack([codes, own])
