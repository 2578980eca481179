"""What a row loses with its label, and with each class for a label."""

from __future__ import annotations

import numpy as np

from skdrift.performance._calibration import Response
from skdrift.performance._out_of_fold_rows import OutOfFold

ERRORS = ("absolute", "squared", "relative", "signed")
CLASS_VALUES = ("accuracy", "neg_log_loss", "neg_brier_score")


def class_values(
    labels: np.ndarray,
    answers: np.ndarray,
    outputs: np.ndarray,
    response: Response,
    n_classes: int,
) -> np.ndarray:
    """What each row adds to accuracy, negated log loss and Brier score: (3, n_rows).

    Larger = better. The last two are NaN without probabilities, and where a label is
    no class (-1), which is answered wrong.
    """
    values = np.full((len(CLASS_VALUES), len(labels)), np.nan)
    values[0] = labels == answers
    if response != "predict_proba":
        return values
    known = np.flatnonzero(labels >= 0)
    least = np.finfo(np.float64).eps
    given = outputs[known, labels[known]]
    values[1, known] = np.log(np.clip(given, least, 1.0 - least))
    squares = (outputs[known] ** 2).sum(axis=1) - given**2 + (1.0 - given) ** 2
    values[2, known] = -squares * (0.5 if n_classes == 2 else 1.0)
    return values


def values_by_class(known: OutOfFold) -> np.ndarray:
    """`class_values` if the label is that of each class: (n_classes, 3, n_rows)."""
    found = [
        class_values(
            np.full(len(known.answers), number),
            known.answers,
            known.outputs,
            known.response,
            known.n_classes,
        )
        for number in range(known.n_classes)
    ]
    return np.stack(found)


def errors_of(labels: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Absolute, squared, relative and signed error of each row: (4, n_rows)."""
    signed = labels - answers
    size = np.maximum(np.abs(labels), np.finfo(np.float64).eps)
    return np.stack([np.abs(signed), signed**2, np.abs(signed) / size, signed])


def grown_errors(errors: np.ndarray, total: np.ndarray, spread: float) -> np.ndarray:
    """Errors whose sizes grow by ``exp(total)``; the signed one moves by spreads.

    Parameters
    ----------
    errors : ndarray of float of shape (4, n_rows) or (4, 1)
    total : ndarray of float of shape (4, n_rows)
    spread : float

    Returns
    -------
    ndarray of float of shape (4, n_rows)
    """
    return np.vstack([errors[:3] * np.exp(total[:3]), errors[3:] + spread * total[3:]])


def possible_errors(errors: np.ndarray) -> np.ndarray:
    """The same; no mean square is less than the square of the mean size."""
    squared = np.maximum(errors[1], errors[0] ** 2)
    return np.vstack([errors[:1], squared[None], errors[2:]])
