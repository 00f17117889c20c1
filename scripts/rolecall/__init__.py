"""Rolecall: who switched into which AWS role, answered from CloudTrail logs."""

__version__ = "0.1.0"
