"""Answers as tables, CSV, JSON and Parquet."""
