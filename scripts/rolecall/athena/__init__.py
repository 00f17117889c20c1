"""A load on Athena: slices, lease, statements, compaction."""
