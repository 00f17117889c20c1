"""What several commands print beside their answer."""

from __future__ import annotations

from rolecall.queries.answer import QueryAnswer
from rolecall.queries.coverage import coverage_note
from rolecall.result import Result
from rolecall.sizes import price_text, size_text
from rolecall.text import note


def note_uncovered_days(gaps: Result) -> None:
    """Print, beside what was done, which days have no logs."""
    uncovered = coverage_note(gaps)
    if uncovered is not None:
        note(uncovered)


def note_scan(*answers: QueryAnswer) -> None:
    """Print, beside the result, what questions to Athena scanned and where the first result is."""
    took = [answer.statistics for answer in answers if answer.statistics is not None]
    if took:
        note(
            f"Scanned {size_text(sum(each.scanned_bytes for each in took))} for"
            f" {price_text(sum(each.price for each in took))} in"
            f" {sum(each.total_ms for each in took) / 1000:.1f} s. The whole result as CSV:"
            f" {answers[0].output_location}"
        )
