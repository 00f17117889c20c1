"""The sample trail: small, in AWS's formats, and made by its script."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

from support.command_line import SAMPLE

FILES = sorted(path for path in SAMPLE.rglob("*") if path.is_file() and path.suffix == ".gz")
KEY = re.compile(
    r"AWSLogs/o-[a-z0-9]{10,32}/(\d{12})/CloudTrail/(us-east-1|eu-central-1)/(2026)/(0[345])/(\d\d)/"
    r"\1_CloudTrail_\2_\3\4\5T\d{4}Z_[A-Za-z0-9]{16}\.json\.gz"
)
FORMATS = {
    "eventID": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "requestID": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "sharedEventID": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "eventTime": r"2026-(03|04)-\d\dT\d\d:\d\d:\d\dZ",
    "creationDate": r"2026-(03|04)-\d\dT\d\d:\d\d:\d\dZ",
    "recipientAccountId": r"\d{12}",
    "accountId": r"\d{12}",
    "account_id": r"\d{12}",
    "accessKeyId": r"ASIA[A-Z2-7]{16}",
    "principalId": r"(AIDA[A-Z2-7]{17}|AROA[A-Z2-7]{17}(:[\w+=,.@-]{2,64})?|[\w/+=]{28}:.+)",
    "assumedRoleId": r"AROA[A-Z2-7]{17}:[\w+=,.@-]{2,64}",
    "arn": r"arn:aws:(iam|sts)::\d{12}:(user|role|assumed-role)/[\w+=,.@/-]+",
    "ARN": r"arn:aws:iam::\d{12}:(role|saml-provider)/[\w+=,.@/-]+",
    "roleArn": r"arn:aws:iam::\d{12}:role/[\w+=,.@/-]+",
    "SwitchFrom": r"arn:aws:(iam::\d{12}:user|sts::\d{12}:assumed-role)/[\w+=,.@/-]+",
    "SwitchTo": r"arn:aws:iam::\d{12}:role/[\w+=,.@/-]+",
    "expiration": r"[A-Z][a-z]{2} \d{1,2}, 2026, \d{1,2}:\d\d:\d\d [AP]M",
}


def _records(path: Path) -> list[dict[str, Any]]:
    try:
        text = gzip.decompress(path.read_bytes())
    except EOFError:
        return []
    records: list[dict[str, Any]] = json.loads(text)["Records"]
    return records


def test_keys_have_the_layout_of_an_organisation_trail() -> None:
    assert len(FILES) == 78
    for path in FILES:
        assert KEY.fullmatch(path.relative_to(SAMPLE).as_posix()), path


def test_ids_and_arns_have_the_formats_of_aws() -> None:
    checked: set[str] = set()

    def check(value: object) -> None:
        if isinstance(value, list):
            for item in value:
                check(item)
        elif isinstance(value, dict):
            for name, member in value.items():
                if name in FORMATS and isinstance(member, str):
                    assert re.fullmatch(FORMATS[name], member), f"{name}: {member}"
                    checked.add(name)
                check(member)

    for path in FILES:
        check(_records(path))
    assert checked == set(FORMATS)


def test_three_accounts_two_regions_one_truncated_file() -> None:
    matches = [KEY.fullmatch(path.relative_to(SAMPLE).as_posix()) for path in FILES]
    assert {match[1] for match in matches if match} == {
        "111122223333",
        "444455556666",
        "777788889999",
    }
    assert {match[2] for match in matches if match} == {"us-east-1", "eu-central-1"}
    assert [bool(_records(path)) for path in FILES].count(False) == 1


def test_one_record_is_late_and_some_come_twice() -> None:
    late, ids = set(), []
    for path in FILES:
        for record in _records(path):
            ids.append(record["eventID"])
            if record["eventTime"][:10].replace("-", "/") not in path.as_posix():
                late.add(record["eventName"])
    assert late == {"AssumeRole", "SwitchRole"}
    assert len(ids) - len(set(ids)) == 3


def test_the_sample_is_small() -> None:
    assert sum(path.stat().st_size for path in FILES) < 300_000


def test_the_script_makes_the_sample_as_it_is(tmp_path: Path) -> None:
    import make_sample

    sample = make_sample.Sample()
    sample.tell()
    made = {path.relative_to(tmp_path).as_posix(): path for path in sample.trail.write(tmp_path)}
    assert sorted(made) == [path.relative_to(SAMPLE).as_posix() for path in FILES]
    for path in FILES:
        records = _records(path)
        if records:
            assert records == _records(made[path.relative_to(SAMPLE).as_posix()])
