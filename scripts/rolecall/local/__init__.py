"""Log files on disk into DuckDB."""
