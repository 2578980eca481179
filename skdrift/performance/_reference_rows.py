"""Training rows that are kept on request, with their out-of-fold answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skdrift.performance._calibration import Response
from skdrift.performance._out_of_fold_rows import OutOfFold
from skdrift.profile._stored import restore_fields

PLAIN: dict[str, type[np.generic]] = {
    "codes": np.uint8,
    "groups": np.int32,
    "seen": np.uint8,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferenceRows:
    """Training rows as codes, with labels and out-of-fold answers.

    These are rows of training: whoever has the model can say of a person, roughly,
    whether they are among them, and what their label is. A number is known to one of
    47 quantile ranges, a category by its rank; identifiers are not kept.

    Stored as the list of its fields: new ones come last and have a default.

    Attributes
    ----------
    codes : ndarray of uint8 of shape (n_used, n_rows)
        See `RowCodes`; of the columns that the losses are learned from.
    outputs : ndarray of float of shape (n_rows, n_outputs)
    labels, answers : ndarray of shape (n_rows,)
        As in `OutOfFold`.
    groups : ndarray of int32 of shape (n_rows,)
        Rows with one number are of one block; all differ where rows count one by one.
    seen : ndarray of uint8 of shape (n_rows,)
        Bit h is set where the models of half h were learned from the row.
    """

    codes: np.ndarray
    outputs: np.ndarray
    labels: np.ndarray
    answers: np.ndarray
    groups: np.ndarray
    seen: np.ndarray

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.labels)

    def seen_by(self, half: int) -> np.ndarray:
        """Rows that the models of one half were learned from: bool, (n_rows,)."""
        return (self.seen >> half & 1).astype(bool)

    def out_of_fold(self, response: Response, n_classes: int) -> OutOfFold:
        """The rows as those of a pass of which nothing else is known."""
        return OutOfFold(
            rows=np.arange(self.n_rows),
            response=response,
            outputs=self.outputs,
            labels=self.labels,
            answers=self.answers,
            n_classes=n_classes,
        )

    def __setstate__(self, state: Sequence[object]) -> None:
        restore_fields(self, state, PLAIN)

    def __repr__(self) -> str:
        return f"ReferenceRows(n_rows={self.n_rows})"


def draw_reference(
    known: OutOfFold,
    codes: np.ndarray,
    groups: np.ndarray,
    halves: np.ndarray,
    n_rows: int,
    seed: int,
) -> ReferenceRows:
    """At most `n_rows` of the out-of-fold rows, at random.

    Parameters
    ----------
    known : OutOfFold
    codes : ndarray of uint8 of shape (n_used, n_known)
    groups : ndarray of int of shape (n_known,)
    halves : ndarray of bool of shape (8, n_known)
        That the models were learned from.
    n_rows : int
    seed : int
    """
    n = len(known.rows)
    drawn = np.arange(n)
    if n > n_rows:
        drawn = np.sort(np.random.default_rng(seed).choice(n, n_rows, replace=False))
    _, numbers = np.unique(groups[drawn], return_inverse=True)
    return ReferenceRows(
        codes=codes[:, drawn],
        outputs=known.outputs[drawn],
        labels=known.labels[drawn],
        answers=known.answers[drawn],
        groups=numbers.astype(np.int32),
        seen=np.packbits(halves[:, drawn], axis=0, bitorder="little")[0],
    )
