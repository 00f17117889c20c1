"""Whoever speaks to dbt: where the project lies, runs, analyses."""
