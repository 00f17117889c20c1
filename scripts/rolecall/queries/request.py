"""Questions by name, put to the target one after the other, and what is said beside an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from rolecall.errors import RolecallError, UsageError
from rolecall.parameters import (
    Parameter,
    bound_values,
    check_days,
    named_parameters,
    utc_days,
)
from rolecall.project.analyses import analyses, compiled_analysis, reads_the_source
from rolecall.queries.answer import (
    QueryAnswer,
    answer,
    first_kept_day,
    raw_days,
    raw_log_files,
    unbuilt_note,
)
from rolecall.queries.coverage import NOT_LOOKED_UP, forgotten_note
from rolecall.queries.notes import (
    Question,
    check_is_recent,
    coverage_parameters,
    newest_log,
    newest_note,
    note_on_coverage,
    note_on_no_match,
    notes_on_names,
)
from rolecall.result import Result
from rolecall.settings import Settings


class Inquiry:
    """Questions that are put to the target; ``answers`` has the main one first.

    ``allow_files`` lets SQL of the user's own read files of this machine.
    """

    def __init__(self, settings: Settings, *, allow_files: bool = False) -> None:
        self._settings = settings
        self._allow_files = allow_files
        self.answers: list[QueryAnswer] = []

    def ask(self, name: str, given: Mapping[str, str | None]) -> Result:
        """Return the rows of an analysis, or of the SQL file that ``name`` is the path of.

        ``given`` has texts of its parameters. Raises RolecallError.
        """
        self.answers.append(_answer(name, given, self._settings, self._allow_files))
        return self.answers[-1].result

    def answer_with_notes(
        self, name: str, given: Mapping[str, str | None], *, is_stale_fine: bool
    ) -> tuple[Result, list[str]]:
        """Return the rows as ``ask`` does, and sentences on what they do not tell.

        Raises StaleLogsError for a question about a moment that the logs end long before, unless
        that is fine; RolecallError.
        """
        if name not in analyses():
            return self.ask(name, given), self._notes_on_own_sql()
        check_days(given.get("from_day"), given.get("to_day"))
        question = Question(name, analyses()[name].parameters, given, self._settings.zone)
        notes, newest = [], None
        if question.moment is not None:
            newest = newest_log(question, self.ask)
            if not is_stale_fine:
                check_is_recent(question, newest)
            notes.append(newest_note(question, newest))
        result = self.ask(name, given)
        self.answers.insert(0, self.answers.pop())
        notes += self._notes(question, newest, is_empty=not result.rows)
        return result, notes

    def _notes(
        self, question: Question, newest: datetime | None, *, is_empty: bool
    ) -> Iterator[str]:
        if reads_the_source(question.name):
            yield from self._notes_on_raw_logs(question, is_empty=is_empty)
            return
        unbuilt = unbuilt_note(self._settings)
        if unbuilt is not None:
            yield unbuilt
        if question.has_days:
            covered = note_on_coverage(question, self.ask, newest)
            forgotten = self._note_on_what_is_forgotten(question, newest)
            yield from (note for note in (covered, forgotten) if note is not None)
        if is_empty:
            yield from notes_on_names(question, self.ask)
            nothing = note_on_no_match(question)
            if nothing is not None:
                yield nothing

    def _note_on_what_is_forgotten(self, question: Question, newest: datetime | None) -> str | None:
        values = coverage_parameters(question, newest)
        first, last = utc_days(values["from_day"], values["to_day"], question.zone)
        if first is last is None:  # the answer is what there is
            return None
        return forgotten_note(first_kept_day(self._settings), first)

    def _notes_on_raw_logs(self, question: Question, *, is_empty: bool) -> Iterator[str]:
        """Yield what raw logs do not tell; on Athena, where each look costs, by the loaded ones."""
        if self._settings.target == "local":
            from rolecall.queries.raw_notes import notes_on_files

            reads, files = self.answers[0].raw_reads, raw_log_files(self._settings)
            yield from notes_on_files(question, reads, files, self.ask, is_empty=is_empty)
            return
        if question.has_days:
            try:
                covered = note_on_coverage(question, self.ask)
            except RolecallError:
                covered = NOT_LOOKED_UP
            if covered is not None:
                yield covered
        if is_empty:
            with suppress(RolecallError):
                yield from notes_on_names(question, self.ask)

    def _notes_on_own_sql(self) -> list[str]:
        reads = self.answers[-1].raw_reads
        if not reads:
            return []
        from rolecall.queries.raw_notes import unread_note

        note = unread_note(reads)
        return [] if note is None else [note]


def _answer(
    name: str, given: Mapping[str, str | None], settings: Settings, allow_files: bool
) -> QueryAnswer:
    days = None
    if allow_files and (settings.target != "local" or name in analyses()):
        raise UsageError("--allow-files goes with a .sql file and the local target.")
    if name in analyses():
        parameters = analyses()[name].parameters
        values = bound_values(parameters, given, settings.zone)
        sql = compiled_analysis(name, settings)
        if settings.target == "athena":
            days = raw_days(values)
    elif name.endswith(".sql"):
        from rolecall.queries.own_sql import rendered

        sql = rendered(_sql_file(name), settings)
        parameters = {key: Parameter(key, required=True) for key in named_parameters(sql)}
        values = bound_values(parameters, given, settings.zone)
    else:
        raise UsageError(
            f"There is no query {name!r}: `rolecall query` lists them, and a file ends in .sql."
        )
    return answer(sql, values, parameters, settings, days, allow_files=allow_files)


def _sql_file(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"There is no file {name}.") from None
    except (OSError, UnicodeError) as error:
        raise UsageError(f"The file {name} cannot be read: {error}.") from None
