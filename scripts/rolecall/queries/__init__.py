"""Questions to the tables, and what is said beside their answers."""
