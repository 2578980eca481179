"""Progress of long fits, through scikit-learn's own callbacks.

The callback interface of scikit-learn 1.9 is experimental; this is the only place
that knows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from sklearn.callback import CallbackSupportMixin, with_callbacks

__all__ = ["CallbackSupportMixin", "FitProgress", "drop_callbacks", "with_callbacks"]


class FitProgress:
    """Tasks of one `fit`: the model on all rows, then each fold."""

    def __init__(self, owner: Any, n_folds: int, X: Any, y: Any) -> None:
        self.owner = owner
        self.data = {"X": X, "y": y}
        self.root = owner._init_callback_context(
            max_subtasks=n_folds + 1
        ).call_on_fit_task_begin(estimator=owner, **self.data)

    @contextmanager
    def model(self, estimator: Any) -> Iterator[None]:
        """Fit of the model itself, which may report its own progress below."""
        task = self.root.subcontext(task_name="model")
        below = nullcontext()
        if hasattr(estimator, "set_callbacks"):
            below = task.propagate_callback_context(estimator)
        with below:
            task.call_on_fit_task_begin(estimator=self.owner, **self.data)
            yield
        task.call_on_fit_task_end(estimator=self.owner, **self.data)

    def fold_done(self) -> None:
        """One more fold was fitted and judged."""
        task = self.root.subcontext(task_name="fold")
        task.call_on_fit_task_begin(estimator=self.owner, **self.data)
        task.call_on_fit_task_end(estimator=self.owner, **self.data)

    def done(self) -> None:
        """All is fitted."""
        self.root.call_on_fit_task_end(estimator=self.owner, **self.data)


def drop_callbacks(estimator: Any) -> Any:
    """The estimator itself, its own callbacks taken off: a bar a fold is no help."""
    if hasattr(estimator, "set_callbacks"):
        estimator.set_callbacks()
    return estimator
