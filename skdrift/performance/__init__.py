"""Cause 2: what score cross-validation promises, and what came true."""
