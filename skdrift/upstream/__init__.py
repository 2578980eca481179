"""Cause 3: what changed before the data reached the model."""
