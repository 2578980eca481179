"""Every error and warning that skdrift raises.

::

    Exception
    └── SkdriftError
        ├── ParameterError          (ValueError)      an argument breaks its rule
        ├── InputError              (ValueError)      a table cannot be read
        │   └── InvalidInputError                     on_invalid="raise"
        ├── InputTypeError          (TypeError)       not a table at all
        │   └── ComplexInputError                     complex numbers; a ValueError too
        ├── DriftError              (ValueError)      on_shift="raise"
        ├── NotFittedError          (sklearn's)       used before ``fit``
        ├── EstimatorError          (TypeError)       the wrapped object is no estimator
        ├── GridMismatchError       (ValueError)      profiles on different grids
        ├── FormatError             (ValueError)      a stored form cannot be read
        ├── MissingDependencyError  (ImportError)     an extra is not installed
        └── ArtifactError           (ValueError)      dump and load
            ├── ArtifactNotFoundError (FileNotFoundError)
            ├── ArtifactReadError                     damaged, foreign or unreadable
            ├── ArtifactSizeError                     larger than the limit
            ├── ArtifactVersionError                  written by a newer format
            ├── ArtifactWriteError                    nothing was written
            └── UntrustedTypeError                    types outside the allow-list

    UserWarning
    └── SkdriftWarning
        ├── DriftWarning            the batch is not distributed like training
        ├── InvalidInputWarning     rows hold values that training never had
        │   └── DriftAndInvalidInputWarning           both at once, one warning
        ├── BaselineWarning         ``fit`` could not learn a part of the baseline
        ├── OptimisticScoreWarning  cross-validation promises too much
        └── ArtifactVersionWarning  library versions differ from those that wrote

Errors that a report is the reason for (`InvalidInputError`, `DriftError`) carry
it as ``report``.
"""

from __future__ import annotations

from typing import Any

from sklearn.exceptions import NotFittedError as _SklearnNotFittedError

__all__ = [
    "ArtifactError",
    "ArtifactNotFoundError",
    "ArtifactReadError",
    "ArtifactSizeError",
    "ArtifactVersionError",
    "ArtifactVersionWarning",
    "ArtifactWriteError",
    "BaselineWarning",
    "ComplexInputError",
    "DriftAndInvalidInputWarning",
    "DriftError",
    "DriftWarning",
    "EstimatorError",
    "FormatError",
    "GridMismatchError",
    "InputError",
    "InputTypeError",
    "InvalidInputError",
    "InvalidInputWarning",
    "MissingDependencyError",
    "NotFittedError",
    "OptimisticScoreWarning",
    "ParameterError",
    "SkdriftError",
    "SkdriftWarning",
    "UntrustedTypeError",
]


class SkdriftError(Exception):
    """Base of every error that skdrift raises."""


class ParameterError(SkdriftError, ValueError):
    """An argument breaks its rule."""


class InputError(SkdriftError, ValueError):
    """A table that cannot be read: no columns, duplicate names, unhashable cells."""


class InputTypeError(SkdriftError, TypeError):
    """An object of the wrong type, such as no table where one is needed."""


class ComplexInputError(InputTypeError, InputError):
    """Complex numbers, which have no order; a ValueError as in scikit-learn."""


class _ReportError(SkdriftError, ValueError):
    """An error whose reason is a report."""

    def __init__(self, message: str, report: Any = None) -> None:
        super().__init__(message)
        self.report = report


class InvalidInputError(_ReportError, InputError):
    """Rows hold values that training never had, and ``on_invalid="raise"``.

    Attributes
    ----------
    report : DriftReport or None
        The report that is the reason.
    """


class DriftError(_ReportError):
    """The batch is not distributed like training, and ``on_shift="raise"``.

    Attributes
    ----------
    report : DriftReport or None
        The report that is the reason.
    """


class NotFittedError(SkdriftError, _SklearnNotFittedError):
    """An estimator was used before ``fit``."""


class EstimatorError(SkdriftError, TypeError):
    """The wrapped object does not follow scikit-learn's estimator interface."""


class GridMismatchError(SkdriftError, ValueError):
    """Two profiles were counted on different grids and cannot be combined."""


class FormatError(SkdriftError, ValueError):
    """A stored form is damaged, or was written by a newer version."""


class MissingDependencyError(SkdriftError, ImportError):
    """A library that an optional part needs is not installed."""


class ArtifactError(SkdriftError, ValueError):
    """Base of everything that `skdrift.dump` and `skdrift.load` raise."""


class ArtifactNotFoundError(ArtifactError, FileNotFoundError):
    """There is no file at the path."""


class ArtifactReadError(ArtifactError):
    """The file is damaged, is not an artifact, or cannot be opened."""


class ArtifactSizeError(ArtifactError):
    """The file would unpack to more than the limit; nothing was unpacked."""


class ArtifactVersionError(ArtifactError):
    """The file was written in a format newer than this skdrift reads."""


class ArtifactWriteError(ArtifactError):
    """The artifact could not be written; a file that was there is unchanged."""


class UntrustedTypeError(ArtifactError):
    """The file holds types that are not trusted; nothing was built from it."""


class SkdriftWarning(UserWarning):
    """Base of every warning that skdrift gives."""


class DriftWarning(SkdriftWarning):
    """The batch is not distributed like the training data."""


class InvalidInputWarning(SkdriftWarning):
    """Rows of the batch hold values that training never had."""


class DriftAndInvalidInputWarning(DriftWarning, InvalidInputWarning):
    """Both at once, so that one call gives one warning."""


class BaselineWarning(SkdriftWarning):
    """``fit`` could not learn a part of the baseline; the reason is in the text."""


class OptimisticScoreWarning(SkdriftWarning):
    """Folds of whole blocks score worse than the folds of `cv`, which part blocks."""


class ArtifactVersionWarning(SkdriftWarning):
    """Library versions differ from those that wrote the artifact."""
