"""Whoever speaks to AWS: clients, errors, the catalogue, buckets."""
