"""The data tests find what they are there to find; that they pass is what every refresh shows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import duckdb

from support.command_line import Rolecall

# Each breaks one promise of a table, and should be found by one test of it.
_BROKEN = {
    "primary_key_role_sessions": "insert into role_sessions from role_sessions limit 1",
    "primary_key_log_files": "update log_files set log_file = null where status = 'unreadable'",
    "unique_together_log_coverage": "insert into log_coverage from log_coverage limit 1",
    "unique_role_switches": "insert into role_switches from role_switches limit 1",
    "no_nulls_console_sign_ins": "update console_sign_ins set mfa = null",
    "allowed_values_console_sign_ins": "update console_sign_ins set outcome = 'perhaps'",
    "relationships_role_switches": "update role_switches set session_id = 'none' where mfa = 'yes'",
}


def test_every_kind_of_data_test_fails_where_it_should(sample: Rolecall, tmp_path: Path) -> None:
    database = tmp_path / "broken.duckdb"
    shutil.copy(sample.database, database)
    with duckdb.connect(str(database)) as connection:
        for statement in _BROKEN.values():
            connection.execute(statement)
    # role_entries is a view: it shows what the tables below it have.
    printed = sample.dbt(
        *("test", "--select", "models/marts,test_type:data", "--exclude", "role_entries"),
        database=database,
        exit_code=1,
    )
    found = set(re.findall(r" (?:FAIL|WARN) \d+ (\w+)", printed))
    assert {name for name in _BROKEN if any(test.startswith(name) for test in found)} == set(
        _BROKEN
    )
    assert len(found) == len(_BROKEN), found
