"""`rolecall verify`: a trail with digest files, and each thing that can be wrong with it once."""

from __future__ import annotations

import gzip
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import rolecall.verification.public_keys
from local_athena.engine import Addresses, aws
from rolecall.aws.trail_bucket import LogDay
from rolecall.days import Days
from rolecall.errors import FAILED, SKIPPED, RolecallError, UsageError
from rolecall.verification.digests import PublicKeys, read_public_keys
from rolecall.verification.public_keys import key_source
from rolecall.verification.report import Problem, Trust, VerificationReport
from rolecall.verification.text import check_report, report_lines
from rolecall.verification.trail import verify
from rolecall.verification.trail_files import BucketFiles, FolderFiles
from support.command_line import PROJECT, Rolecall
from support.digest_files import (
    ACCOUNT,
    BUCKET,
    HOUR,
    REGION,
    SignedTrail,
    der,
    fingerprint,
    private_key,
)
from support.documents import documented
from support.measured import run_measured

_START = datetime(2026, 3, 1)
_LOG_HOURS = (0, 1, 5, 30)
# The newest digest file of a copy has its signature nowhere.
_UNSIGNED = "signature missing"

Break = Callable[[SignedTrail], None]


def _record(number: int) -> dict[str, Any]:
    return {
        "eventVersion": "1.08",
        "eventID": f"00000000-0000-4000-8000-{number:012d}",
        "eventTime": "2026-03-01T00:00:00Z",
        "eventName": "DescribeInstances",
        "eventSource": "ec2.amazonaws.com",
        "awsRegion": REGION,
        "recipientAccountId": ACCOUNT,
        "userIdentity": {"type": "IAMUser", "userName": "alice", "accountId": ACCOUNT},
    }


def _trail(hours: int = 48, **named: Any) -> SignedTrail:
    """Return a trail of hours from 1 March on, with two log files in some of them."""
    trail = SignedTrail(**named)
    logs = {
        hour: [
            trail.log(_START + hour * HOUR + timedelta(minutes=5 * number), [_record(hour)], number)
            for number in (1, 2)
        ]
        for hour in _LOG_HOURS
        if hour < hours
    }
    trail.hours(_START, hours, logs)
    return trail


def _logs(trail: SignedTrail) -> list[str]:
    return [key for key in trail.objects if "/CloudTrail/" in key]


def _report_on(
    trail: SignedTrail, folder: Path, days: Days | None = None, keys: Any = True
) -> VerificationReport:
    """Return what is found in a copy; ``keys`` are True for the trail's, None for none."""
    trail.write(folder)
    given = PublicKeys()
    if keys is not None:
        given.add((trail.key if keys is True else keys).public_key(), fingerprint(trail.key))
    source = None if keys is None else lambda region, since: given
    return verify(FolderFiles([folder]), days or Days(), source)


def _problems(report: VerificationReport) -> dict[str, int]:
    return {problem.value: count for problem, count in report.problems.items()}


def _files(report: VerificationReport, problem: Problem) -> list[str | None]:
    return [found.file for found in report.findings if found.problem is problem]


def test_an_untouched_copy_is_proved_but_for_its_newest_digest_file(tmp_path: Path) -> None:
    """The signature of each is in the next one, that of the newest in S3's metadata alone."""
    report = _report_on(_trail(), tmp_path)
    assert _problems(report) == {_UNSIGNED: 1}
    assert report.digests == {Trust.SIGNED: 47, Trust.NEWEST: 1}
    assert (report.log_count, report.logs[Trust.SIGNED]) == (8, 8)
    assert not report.has_failed
    assert not report.is_all_proved


def test_without_keys_hashes_are_compared_and_that_is_said(tmp_path: Path) -> None:
    report = _report_on(_trail(96), tmp_path, keys=None)
    assert (_problems(report), report.has_failed) == ({}, False)
    assert not report.is_all_proved
    assert "Signatures were NOT checked" in "\n".join(report_lines(report, "here"))
    assert report.empty_days == set()


def _change_log(trail: SignedTrail) -> None:
    key = _logs(trail)[2]
    trail.objects[key] = gzip.compress(json.dumps({"Records": []}).encode())


def _append_member(trail: SignedTrail) -> None:
    key = _logs(trail)[2]
    trail.objects[key] += gzip.compress(json.dumps({"Records": [_record(9)]}).encode())


def _pack_log_anew(trail: SignedTrail) -> None:
    key = _logs(trail)[2]
    trail.objects[key] = gzip.compress(gzip.decompress(trail.objects[key]), 1, mtime=1)


def _unpack_log(trail: SignedTrail) -> None:
    key = _logs(trail)[2]
    trail.objects[key.removesuffix(".gz")] = gzip.decompress(trail.objects.pop(key))


def _damage_log(trail: SignedTrail) -> None:
    key = _logs(trail)[2]
    trail.objects[key] = trail.objects[key][:-9]


def _remove_log(trail: SignedTrail) -> None:
    del trail.objects[_logs(trail)[2]]


def _add_log(trail: SignedTrail) -> None:
    trail.log(_START + 2 * HOUR, [_record(99)], number=77)


def _add_log_of_another_name(trail: SignedTrail) -> None:
    trail.objects[f"{trail.root}CloudTrail/{REGION}/2026/03/01/more.json"] = b'{"Records": []}'


def _move_log(trail: SignedTrail) -> None:
    key = _logs(trail)[2]
    trail.objects[key.replace("2026/03/01", "2026/03/02")] = trail.objects.pop(key)


def _change_digest(trail: SignedTrail) -> None:
    digest = trail.digests[1]
    content = json.loads(digest.text) | {"logFiles": []}
    trail.objects[digest.key] = gzip.compress(json.dumps(content).encode())


def _remove_digest(trail: SignedTrail) -> None:
    del trail.objects[trail.digests[5].key]


def _move_digest(trail: SignedTrail) -> None:
    key = trail.digests[5].key
    trail.objects[key.replace("T060000Z", "T063000Z")] = trail.objects.pop(key)


def _damage_digest(trail: SignedTrail) -> None:
    trail.objects[trail.digests[1].key] = b"\x1f\x8bnothing"


@pytest.mark.parametrize("keys", [True, None], ids=["signed", "hashes"])
@pytest.mark.parametrize(
    ("meddle", "found"),
    [
        (_change_log, {"log changed": 1}),
        (_append_member, {"log changed": 1}),
        (_damage_log, {"log unreadable": 1}),
        (_remove_log, {"log missing": 1}),
        (_add_log, {"log unsigned": 1}),
        (_add_log_of_another_name, {"log unsigned": 1}),
        (_move_log, {"log missing": 1, "log unsigned": 1}),
        # The hour that it was about, and its two log files, are not covered any more.
        (_change_digest, {"digest changed": 1, "period not covered": 1}),
        (_remove_digest, {"digest missing": 1, "period not covered": 1}),
        (_move_digest, {"digest missing": 1, "digest unreadable": 1, "period not covered": 1}),
        (_damage_digest, {"digest unreadable": 1, "period not covered": 1}),
        (_pack_log_anew, {}),
        (_unpack_log, {}),
    ],
    ids=lambda value: value.__name__[1:] if callable(value) else "",
)
def test_what_was_meddled_with_is_named(
    meddle: Break, found: Mapping[str, int], keys: Any, tmp_path: Path
) -> None:
    trail = _trail()
    meddle(trail)
    report = _report_on(trail, tmp_path, keys=keys)
    # The signature of the one before is gone with a digest file that is.
    unsigned = 2 if meddle in (_remove_digest, _move_digest, _damage_digest) else 1
    assert _problems(report) == dict(found) | ({_UNSIGNED: unsigned} if keys else {})
    assert report.has_failed is bool(found)


def test_what_is_changed_is_named_by_its_key(tmp_path: Path) -> None:
    trail = _trail()
    changed, removed, *_ = _logs(trail)
    trail.objects[changed] = b"{}"
    del trail.objects[removed]
    added = trail.log(_START + 3 * HOUR)
    report = _report_on(trail, tmp_path)
    assert _files(report, Problem.LOG_CHANGED) == [changed]
    assert _files(report, Problem.LOG_MISSING) == [removed]
    assert _files(report, Problem.LOG_UNSIGNED) == [added]
    with pytest.raises(RolecallError, match=r"^Not verified: 3 files are not what CloudTrail "):
        check_report(report, is_strict=False)


def test_a_chain_that_somebody_made_anew_is_not_signed_by_cloudtrail(tmp_path: Path) -> None:
    """Its hashes agree: the keys alone tell. It names CloudTrail's fingerprint."""
    trail = _trail(3)
    other = _trail(3, key=private_key("of somebody"))
    report = _report_on(other, tmp_path / "hashes", keys=None)
    assert not report.has_failed
    given = PublicKeys()
    given.add(trail.key.public_key(), fingerprint(other.key))
    forged = verify(FolderFiles([other.write(tmp_path / "keys")]), Days(), lambda region, at: given)
    assert forged.has_failed
    assert forged.digests == {Trust.NEWEST: 1, Trust.WRONG: 1, Trust.UNSIGNED: 1}
    assert forged.logs[Trust.SIGNED] == 0


@pytest.mark.parametrize("hours", [1, 24])
def test_digest_files_that_nobody_signed_prove_nothing(hours: int, tmp_path: Path) -> None:
    """Each says that it is the first one, so that none has the signature of another."""
    trail = SignedTrail()
    for hour in range(0, 48, hours):
        log = trail.log(_START + hour * HOUR)
        trail.digest(_START + hour * HOUR, [log], hours=hours, starts=True)
    report = _report_on(trail, tmp_path)
    assert (report.wrong_count, report.has_failed) == (0, True)
    with pytest.raises(RolecallError, match=r"^Not verified: \d+ log files are in no signed"):
        check_report(report, is_strict=False)
    assert report.logs[Trust.NEWEST] == (1 if hours == 1 else 0)
    assert not report.empty_days


def test_a_key_that_is_not_known_proves_nothing(tmp_path: Path) -> None:
    trail = _trail(3)
    report = verify(FolderFiles([trail.write(tmp_path)]), Days(), lambda region, at: PublicKeys())
    assert _problems(report)["signature invalid"] == 3
    assert report.has_failed


def test_a_wrong_signature_is_invalid_and_proves_no_log(tmp_path: Path) -> None:
    """The next digest file, which has it, is itself rightly signed."""
    trail = SignedTrail()
    first = trail.log(_START)
    trail.digest(_START, [first], starts=True)
    trail.digest(_START + HOUR, previousDigestSignature="ab" * 256)
    trail.digest(_START + 2 * HOUR)
    report = _report_on(trail, tmp_path)
    assert _problems(report)["signature invalid"] == 1
    assert (report.logs[Trust.SIGNED], report.has_failed) == (0, True)


def test_a_log_that_came_late_is_named_by_a_backfill_digest_file(tmp_path: Path) -> None:
    """Backfill digest files are not part of the chain: of a copy they lack the signature."""
    trail = _trail()
    late = trail.log(_START + 2 * HOUR, [_record(7)], number=9)
    written = trail.digest(_START + 2 * HOUR, [late], backfill=True)
    report = _report_on(trail, tmp_path)
    assert _problems(report) == {_UNSIGNED: 2}
    assert report.logs == {Trust.SIGNED: 8, Trust.UNSIGNED: 1}
    assert report.has_failed
    assert written.key in _files(report, Problem.SIGNATURE_MISSING)


def test_a_time_in_which_the_trail_was_stopped_is_named(tmp_path: Path) -> None:
    """The first digest file after it has none before: nothing is missing."""
    trail = _trail(10)
    trail.digest(_START + 20 * HOUR, starts=True)
    trail.digest(_START + 21 * HOUR)
    report = _report_on(trail, tmp_path)
    (gap,) = [each for each in report.findings if each.problem is Problem.PERIOD_NOT_COVERED]
    assert (gap.starts_at, gap.ends_at) == (_START + 10 * HOUR, _START + 20 * HOUR)
    # The last digest file before it is followed by none, as is the newest.
    assert _problems(report) == {"period not covered": 1, _UNSIGNED: 2}
    assert not report.has_failed
    trail.log(_START + 15 * HOUR)
    report = _report_on(trail, tmp_path)
    assert (report.uncovered, report.has_failed) == (1, True)


def test_log_files_that_are_newer_than_the_newest_digest_file_wait_for_theirs(
    tmp_path: Path,
) -> None:
    trail = _trail(10)
    trail.log(_START + 10 * HOUR + timedelta(minutes=20))
    report = _report_on(trail, tmp_path)
    assert (report.waiting, report.uncovered, report.has_failed) == (1, 0, False)
    uncovered = trail.log(_START + 13 * HOUR)
    report = _report_on(trail, tmp_path)
    assert (report.waiting, report.uncovered, report.has_failed) == (1, 1, True)
    assert uncovered in _files(report, Problem.PERIOD_NOT_COVERED)


def test_digest_files_that_were_removed_at_the_end_leave_their_logs_unproved(
    tmp_path: Path,
) -> None:
    trail = _trail()
    for digest in trail.digests[3:]:
        del trail.objects[digest.key]
    report = _report_on(trail, tmp_path)
    assert (report.uncovered, report.has_failed) == (4, True)


def test_a_copy_may_begin_in_the_middle(tmp_path: Path) -> None:
    """That there was more is said; if that was asked for, it is missing."""
    trail = _trail()
    for key in list(trail.objects):
        if "/2026/03/01/" in key:
            del trail.objects[key]
    report = _report_on(trail, tmp_path)
    assert _problems(report) == {"period not covered": 1, _UNSIGNED: 1}
    assert not report.has_failed
    of_one_day = _report_on(trail, tmp_path, Days(date(2026, 3, 1)))
    assert _problems(of_one_day)["digest missing"] == 1


def test_only_the_days_that_are_asked_for_are_looked_at(tmp_path: Path) -> None:
    trail = _trail(96)
    trail.log(_START + 3 * HOUR)  # forged, on the day before
    second = Days(date(2026, 3, 2), date(2026, 3, 2))
    report = _report_on(trail, tmp_path, second)
    assert (_problems(report), report.log_count) == ({}, 2)
    assert report.is_all_proved
    forged = trail.log(_START + 27 * HOUR)
    assert _files(_report_on(trail, tmp_path, second), Problem.LOG_UNSIGNED) == [forged]


def test_the_last_log_of_a_day_is_named_on_the_day_after(tmp_path: Path) -> None:
    trail = SignedTrail()
    last = trail.log(_START + 23 * HOUR + timedelta(minutes=55))
    for hour in range(-1, 40):
        started_at = _START + hour * HOUR + timedelta(minutes=57)
        trail.digest(started_at, [last] if hour == 23 else [], starts=hour == -1)
    day = Days(date(2026, 3, 1), date(2026, 3, 1))
    report = _report_on(trail, tmp_path, day)
    assert report.is_all_proved
    assert report.logs[Trust.SIGNED] == 1


def test_each_account_region_and_organization_has_its_own_digest_files(tmp_path: Path) -> None:
    good = _trail(organization="o-a1b2c3d4e5/")
    other = _trail(account="444455556666", organization="o-a1b2c3d4e5/")
    west = _trail(region="eu-west-1", organization="o-a1b2c3d4e5/")
    _change_log(other)
    west.write(tmp_path)
    other.write(tmp_path)
    report = _report_on(good, tmp_path)
    assert {(each.account, each.problem) for each in report.findings} == {
        *((account, Problem.SIGNATURE_MISSING) for account in (ACCOUNT, "444455556666")),
        ("444455556666", Problem.LOG_CHANGED),
    }
    assert len(report.regions) == 3
    del_all = [key for key in good.objects if "CloudTrail-Digest" in key]
    for key in del_all:
        (tmp_path / key).unlink()
        del good.objects[key]
    assert _report_on(good, tmp_path).uncovered == 8


def test_two_trails_may_deliver_into_one_folder(tmp_path: Path) -> None:
    """Each has a chain of its own, and log files that the other's digest files do not name."""
    one, two = _trail(), SignedTrail(name="other_trail")
    second = two.log(_START + 4 * HOUR, number=88)
    two.hours(_START, 48, {4: [second]})
    two.write(tmp_path)
    report = _report_on(one, tmp_path)
    assert _problems(report) == {_UNSIGNED: 2}
    assert report.logs[Trust.SIGNED] == 9


def test_files_in_one_flat_folder_are_known_by_their_names(tmp_path: Path) -> None:
    trail = _trail()
    for key, body in trail.objects.items():
        (tmp_path / key.rpartition("/")[2]).write_bytes(body)
    given = PublicKeys()
    given.add(trail.key.public_key())
    report = verify(FolderFiles([tmp_path]), Days(), lambda region, since: given)
    assert _problems(report) == {_UNSIGNED: 1}
    assert report.logs[Trust.SIGNED] == 8


def test_every_copy_of_a_log_is_compared(tmp_path: Path) -> None:
    """A refresh may read the other one."""
    trail = _trail()
    trail.write(tmp_path / "one")
    key = _logs(trail)[0]
    (tmp_path / "two" / key).parent.mkdir(parents=True)
    (tmp_path / "two" / key).write_bytes(gzip.compress(b'{"Records": []}'))
    report = _report_on(trail, tmp_path / "one")
    assert not report.has_failed
    given = PublicKeys()
    given.add(trail.key.public_key())
    both = verify(FolderFiles([tmp_path]), Days(), lambda region, since: given)
    assert _files(both, Problem.LOG_CHANGED) == [key]


def test_a_folder_without_digest_files_cannot_be_verified(tmp_path: Path) -> None:
    trail = _trail()
    for key in list(trail.objects):
        if "CloudTrail-Digest" in key:
            del trail.objects[key]
    with pytest.raises(RolecallError, match="no digest file"):
        _report_on(trail, tmp_path)


# --- what others may have put there ---------------------------------------------------------------

_DEEP = b'{"logFiles":' + b"[" * 200_000


def _with(**changed: Any) -> Callable[[Mapping[str, Any]], bytes]:
    return lambda content: json.dumps({**content, **changed}).encode()


@pytest.mark.parametrize(
    "make",
    [
        lambda content: b"",
        lambda content: b"[]",
        lambda content: _DEEP,
        lambda content: b"\xff\xfe",
        lambda content: b" " * (33 << 20),
        _with(digestEndTime=7),
        _with(digestEndTime="9999-12-31T23:59:59Z"),
        _with(digestStartTime="2026-02-30T00:00:00Z"),
        _with(digestStartTime="2027-01-01T00:00:00Z"),
        _with(digestS3Object="AWSLogs/../../etc/passwd"),
        _with(digestS3Object="x" * 2000),
        _with(digestS3Bucket="\ud800"),
        _with(digestSignatureAlgorithm="none"),
        _with(logFiles=None),
        _with(logFiles=[None]),
        _with(logFiles=[{"s3Bucket": BUCKET, "s3Object": "a", "hashValue": 1}]),
        _with(
            logFiles=[
                {"s3Bucket": "b", "s3Object": "k", "hashValue": "zz", "hashAlgorithm": "SHA-256"}
            ]
        ),
        _with(previousDigestHashValue=None),
        _with(previousDigestHashAlgorithm="MD5"),
    ],
)
def test_a_file_that_is_not_a_digest_file_is_one_named_problem(
    make: Callable[[Mapping[str, Any]], bytes], tmp_path: Path
) -> None:
    trail = _trail(3)
    digest = trail.digests[1]
    trail.objects[digest.key] = gzip.compress(make(json.loads(digest.text)), 1)
    report = _report_on(trail, tmp_path, keys=None)
    assert _files(report, Problem.DIGEST_UNREADABLE) == [digest.key]
    assert report.logs[Trust.UNSIGNED] == 2  # of the first hour


def test_nothing_outside_of_the_folder_is_opened(tmp_path: Path) -> None:
    """A path in a digest file is looked up among the files that are there."""
    outside = tmp_path / "outside.json"
    outside.write_text("{}")
    folder = tmp_path / "logs"
    trail = _trail(3)
    names = [
        f"{trail.root}CloudTrail/{REGION}/../../../../../outside.json",
        str(outside),
        "../outside.json",
        f"{ACCOUNT}_CloudTrail_{REGION}_20260301T0000Z_../../outside.json",
    ]
    signed = [
        {"s3Bucket": "b", "s3Object": name, "hashValue": "0" * 64, "hashAlgorithm": "SHA-256"}
        for name in names
    ]
    trail.digest(_START + 3 * HOUR, logFiles=signed)
    trail.write(folder)
    opened: list[str] = []
    sys.addaudithook(
        lambda event, arguments: (
            opened.append(os.path.realpath(arguments[0]))
            if event == "open" and isinstance(arguments[0], str)
            else None
        )
    )
    _report_on(trail, folder, keys=None)
    assert str(outside) not in opened
    assert any(path.startswith(str(folder)) for path in opened)


def test_memory_is_bounded_whatever_the_files_unpack_to(tmp_path: Path) -> None:
    """A log of 700 MB and a digest file of 100,000 names, each packed to little."""
    trail = _trail(3)
    trail.objects[_logs(trail)[0]] = gzip.compress(bytes(700_000_000), 1)
    many = [
        {
            "s3Bucket": "b",
            "s3Object": f"{trail.root}CloudTrail/{REGION}/2026/03/01/{ACCOUNT}_CloudTrail_{REGION}"
            f"_20260301T0400Z_{number:016d}.json.gz",
            "hashValue": "0" * 64,
            "hashAlgorithm": "SHA-256",
        }
        for number in range(100_000)
    ]
    trail.digest(_START + 3 * HOUR, logFiles=many)
    trail.write(tmp_path)
    done, peak = run_measured(
        [sys.executable, "-m", "rolecall", "verify", "--logs", tmp_path, "--output", "out.csv"],
        tmp_path,
        os.environ | {"PYTHONPATH": str(PROJECT / "scripts")},
    )
    assert "100,000 logs missing" in done.stderr
    assert peak < 400_000_000


# --- public keys ----------------------------------------------------------------------------------


def test_keys_are_read_as_aws_prints_them_and_as_pem(tmp_path: Path) -> None:
    trail = _trail(3)
    trail.write(tmp_path / "logs")
    files = FolderFiles([tmp_path / "logs"])
    listed = trail.keys_file(tmp_path)
    pem = tmp_path / "keys.pem"
    pem.write_bytes(
        private_key("of somebody").public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1)
        + trail.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    for path in (listed, pem):
        report = verify(files, Days(), key_source([str(path)]))
        assert _problems(report) == {_UNSIGNED: 1}
    assert key_source([]) is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[]",
        b"[" * 100_000,
        b'{"PublicKeyList": []}',
        b'{"PublicKeyList": [7]}',
        b'{"PublicKeyList": [{"Value": "!", "Fingerprint": "aa"}]}',
        b'{"PublicKeyList": [{"Value": "AAAA", "Fingerprint": "aa"}]}',
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
    ],
)
def test_a_file_without_keys_is_refused(text: bytes, tmp_path: Path) -> None:
    """Else nothing would be checked, and that passed for a proof."""
    path = tmp_path / "keys"
    path.write_bytes(text)
    with pytest.raises(UsageError, match="no public keys"):
        read_public_keys(path, PublicKeys())


class _CloudTrail:
    """Plays ListPublicKeys, of one region, in two pages."""

    def __init__(self, region: str | None, answer: Any) -> None:
        self.region, self.answer = region, answer
        self.asked: list[dict[str, Any]] = []

    def list_public_keys(self, **asked: Any) -> Any:
        self.asked.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        if "NextToken" not in asked:
            return {"PublicKeyList": [], "NextToken": "more"}
        return {"PublicKeyList": self.answer}


def _playing(
    monkeypatch: pytest.MonkeyPatch, answers: Mapping[str, Any]
) -> dict[str | None, _CloudTrail]:
    clients: dict[str | None, _CloudTrail] = {}

    def aws_in(region: str | None) -> SimpleNamespace:
        assert region is not None
        cloudtrail = clients.setdefault(region, _CloudTrail(region, answers[region]))
        return SimpleNamespace(cloudtrail=cloudtrail)

    monkeypatch.setattr(rolecall.verification.public_keys, "aws_in", aws_in)
    return clients


def test_aws_is_asked_for_the_keys_of_each_region(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each region has its own keys; the API gives them in bytes."""
    east = _trail(3)
    west = _trail(3, region="eu-west-1", key=private_key("of the west"))
    answers = {
        trail.region: [{"Value": der(trail.key), "Fingerprint": fingerprint(trail.key)}]
        for trail in (east, west)
    }
    clients = _playing(monkeypatch, answers)
    west.write(tmp_path)
    report = verify(FolderFiles([east.write(tmp_path)]), Days(), key_source(["aws"]))
    assert _problems(report) == {_UNSIGNED: 2}
    first, _ = clients["us-east-1"].asked
    assert first["StartTime"].replace(tzinfo=None) <= _START
    west.key = east.key
    answers["eu-west-1"] = answers["us-east-1"]
    clients.clear()
    wrong = verify(FolderFiles([tmp_path]), Days(), key_source(["aws"]))
    assert _problems(wrong)["signature invalid"] == 3


@pytest.mark.parametrize(
    "error",
    [
        ClientError(
            {"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "ListPublicKeys"
        ),
        EndpointConnectionError(endpoint_url="https://cloudtrail.us-evil-1.amazonaws.com"),
    ],
)
def test_a_region_that_gives_no_keys_is_not_verified(
    error: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Somebody may have made the region up."""
    good, evil = _trail(3), _trail(3, region="us-evil-1")
    answers: dict[str, Any] = {"us-evil-1": error}
    answers["us-east-1"] = [{"Value": der(good.key), "Fingerprint": fingerprint(good.key)}]
    _playing(monkeypatch, answers)
    evil.write(tmp_path)
    report = verify(FolderFiles([good.write(tmp_path)]), Days(), key_source(["aws"]))
    assert _problems(report)["keys missing"] == 1
    assert _problems(report)["signature invalid"] == 3
    assert report.logs[Trust.SIGNED] == 4


# --- S3 -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    """Run S3; what AWS's clients read goes back to what it was."""
    with patch.dict(os.environ), aws() as url:
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield url


@pytest.fixture
def s3_environment(s3_url: str) -> Mapping[str, str]:
    """Return what leads AWS's clients there."""
    return Addresses(s3_url, s3_url, "").environment()


@pytest.fixture
def bucket(s3_environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a client of the bucket, which is emptied afterwards."""
    for name, value in s3_environment.items():
        monkeypatch.setenv(name, value)
    yield boto3.client("s3")
    boto3.resource("s3").Bucket(BUCKET).objects.delete()


def _upload(trail: SignedTrail, s3: Any) -> None:
    for key, body in trail.objects.items():
        metadata = trail.metadata.get(key, {})
        s3.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata=metadata)


def _report_on_s3(
    trail: SignedTrail, s3: Any, folder: str = "", days: Days | None = None
) -> VerificationReport:
    given = PublicKeys()
    given.add(trail.key.public_key(), fingerprint(trail.key))
    days = days or Days(date(2026, 3, 1), date(2026, 3, 2))
    return verify(BucketFiles(s3, BUCKET, folder), days, lambda region, since: given)


@pytest.mark.parametrize("organization", ["", "o-a1b2c3d4e5/"])
@pytest.mark.parametrize("prefix", ["", "some/logs/"])
def test_all_of_a_bucket_is_proved(prefix: str, organization: str, bucket: Any) -> None:
    """The newest signature is in the metadata of its object."""
    trail = _trail(prefix=prefix, organization=organization)
    _upload(trail, bucket)
    for folder in (prefix, f"{prefix}AWSLogs/", trail.root):
        report = _report_on_s3(trail, bucket, folder)
        if organization and folder == trail.root:
            assert report.regions == {(ACCOUNT, REGION)}
        assert report.is_all_proved, folder
        assert report.digests == {Trust.SIGNED: 48}
        assert report.logs == {Trust.SIGNED: 8}


def test_what_was_meddled_with_in_a_bucket_is_named(bucket: Any) -> None:
    trail = _trail()
    changed, removed, _, kept, *_ = _logs(trail)
    late = trail.log(_START + 2 * HOUR, [_record(7)], number=9)
    trail.digest(_START + 2 * HOUR, [late], backfill=True)
    _upload(trail, bucket)
    assert _report_on_s3(trail, bucket).is_all_proved
    bucket.put_object(Bucket=BUCKET, Key=changed, Body=b"{}")
    bucket.delete_object(Bucket=BUCKET, Key=removed)
    forged = kept.replace("Random", "Forged")
    bucket.put_object(Bucket=BUCKET, Key=forged, Body=trail.objects[kept])
    newest = trail.digests[-1]
    bucket.put_object(Bucket=BUCKET, Key=newest.key, Body=trail.objects[newest.key])
    report = _report_on_s3(trail, bucket)
    assert [_files(report, problem) for problem in Problem if _files(report, problem)] == [
        *([changed], [removed], [forged], [newest.key]),
        [None],  # the hour that it was about is covered no more
    ]
    assert report.problems[Problem.SIGNATURE_INVALID] == 1


def test_logs_in_glacier_are_not_proved_and_not_wrong(bucket: Any) -> None:
    trail = _trail(3)
    _upload(trail, bucket)
    key = _logs(trail)[0]
    bucket.put_object(Bucket=BUCKET, Key=key, Body=trail.objects[key], StorageClass="GLACIER")
    report = _report_on_s3(trail, bucket, days=Days(date(2026, 3, 1), date(2026, 3, 1)))
    assert report.problems[Problem.LOG_ARCHIVED] == 1
    assert not report.wrong_count


def test_the_command_verifies_a_bucket(
    rolecall: Rolecall, bucket: Any, s3_environment: Mapping[str, str], tmp_path: Path
) -> None:
    trail = _trail(prefix="logs/")
    _upload(trail, bucket)
    keys = trail.keys_file(tmp_path)
    window = ("--from", "2026-03-01", "--to", "2026-03-02", "--keys", keys, "--strict")
    place = f"s3://{BUCKET}/logs"
    done = rolecall.run("verify", "--logs", place, *window, exit_code=0, **s3_environment)
    assert done.stdout == (
        "Checked 48 digest files and 8 log files of 1 account and 1 region in"
        f" {place}/, delivered 2026-03-01 to 2026-03-02.\n"
        "Proved: 48 digest files by the signature, 8 log files by the hash in them.\n"
    )
    wrong = rolecall.run(
        *("verify", "--logs", f"s3://{BUCKET}/elsewhere/", *window),
        exit_code=FAILED,
        **s3_environment,
    )
    assert "no folder AWSLogs/" in wrong.stderr


# --- the command, and what it enters --------------------------------------------------------------


def test_the_command_says_what_is_wrong_and_exits_with_1(
    rolecall: Rolecall, tmp_path: Path
) -> None:
    trail = _trail()
    logs, keys = trail.write(tmp_path / "logs"), trail.keys_file(tmp_path)
    proved = rolecall.run("verify", "--logs", logs, "--keys", keys)
    assert "Proved: 47 digest files by the signature, 8 log files" in proved.stdout
    strict = rolecall.run("verify", "--logs", logs, "--keys", keys, "--strict", exit_code=SKIPPED)
    assert "Not all is proved" in strict.stderr
    hashes = rolecall.run("verify", "--logs", logs)
    assert "Signatures were NOT checked" in hashes.stdout
    rolecall.run("verify", "--logs", logs, "--strict", exit_code=SKIPPED)
    removed = _logs(trail)[0]
    (logs / removed).unlink()
    wrong = rolecall.run("verify", "--logs", logs, "--keys", keys, exit_code=FAILED)
    assert "Wrong: 1 log missing." in wrong.stdout
    assert removed in wrong.stdout
    options = ("--logs", logs, "--keys", keys, "--format")
    rows = json.loads(rolecall.run("verify", *options, "json", exit_code=FAILED).stdout)
    assert {(row["problem"], row["file"]) for row in rows} == {
        ("log missing", removed),
        ("signature missing", trail.digests[-1].key),
    }
    lines = rolecall.run("verify", *options, "csv", exit_code=FAILED).stdout.splitlines()
    assert lines[0] == "problem,account_id,aws_region,starts_at,ends_at,file,detail"
    assert len(lines) == 3
    day = ("--from", "2026-03-02", "--to", "2026-03-02")
    rolecall.run("verify", "--logs", logs, "--keys", keys, *day)


def test_days_that_are_proved_empty_count_as_covered(rolecall: Rolecall, tmp_path: Path) -> None:
    """Those of signed digest files alone; a second time there is nothing to enter."""
    trail, west = _trail(96), SignedTrail(region="eu-west-1")
    west.hours(_START, 96)
    trail.log(_START + 80 * HOUR, [_record(80)])
    west.write(tmp_path / "logs")
    logs = trail.write(tmp_path / "logs")
    rolecall.refresh(logs)
    coverage = (
        "select aws_region, cast(delivered_date as varchar), file_count, status, is_account_logged"
        " from log_coverage order by 1, 2"
    )
    assert [row[2:4] for row in rolecall.query(coverage)] == [
        *((6, "logged"), (2, "logged"), (0, "no logs"), (1, "logged")),
    ]
    rolecall.run("verify", exit_code=FAILED)
    assert rolecall.query("select count(*) from empty_days") == [(0,)]
    (logs / next(key for key in trail.objects if "T0800Z" in key and "20260304" in key)).unlink()
    trail.objects = {}
    keys = trail.keys_file(tmp_path)
    done = rolecall.run("verify", "--keys", keys)
    assert done.stderr.splitlines()[-1] == (
        "Entered in log_coverage: 4 days of a region proved to have no log file."
    )
    assert rolecall.query(coverage) == [
        *(("eu-west-1", f"2026-03-0{day}", 0, "logged", True) for day in (1, 2, 3)),
        ("us-east-1", "2026-03-01", 6, "logged", True),
        ("us-east-1", "2026-03-02", 2, "logged", True),
        ("us-east-1", "2026-03-03", 0, "logged", True),
        ("us-east-1", "2026-03-04", 1, "logged", True),
    ]
    gaps = rolecall.run("query", "coverage_gaps", "--format", "csv").stdout.splitlines()
    assert gaps[1:] == ["111122223333,,2026-03-01,2026-03-04,4,0,0,0"]
    assert rolecall.run("verify", "--keys", keys).stderr == ""
    assert rolecall.refresh(logs).startswith("Nothing new to load.")
    assert rolecall.query("select count(*) from empty_days") == [(4,)]


def test_a_day_that_had_a_log_after_all_is_covered_no_more(
    rolecall: Rolecall, tmp_path: Path
) -> None:
    trail = _trail(96)
    logs, keys = trail.write(tmp_path / "logs"), trail.keys_file(tmp_path)
    rolecall.refresh(logs)
    rolecall.run("verify", "--keys", keys)
    status = "select status from log_coverage where delivered_date = date '2026-03-03'"
    assert rolecall.query(status) == [("logged",)]
    late = trail.log(_START + 50 * HOUR, [_record(50)])
    trail.digest(_START + 96 * HOUR, [late])
    trail.digest(_START + 97 * HOUR)
    trail.write(logs)
    (logs / late).unlink()
    done = rolecall.run("verify", "--keys", keys, exit_code=FAILED)
    assert "had one after all" in done.stderr
    assert _files_named(done.stdout) == {late}
    assert rolecall.query("select count(*) from empty_days where not is_empty") == [(1,)]


def _files_named(table: str) -> set[str]:
    return {
        word
        for line in table.splitlines()
        if line.startswith("log ")
        for word in line.split()
        if word.startswith("AWSLogs/") and "CloudTrail-Digest" not in word
    }


def test_a_day_is_empty_only_if_all_of_it_is_covered(tmp_path: Path) -> None:
    trail = SignedTrail()
    trail.hours(_START + 12 * HOUR, 61)
    report = _report_on(trail, tmp_path)
    day = LogDay("AWSLogs/", ACCOUNT, REGION, date(2026, 3, 2))
    assert report.empty_days == {day, day._replace(day=date(2026, 3, 3))}
    del trail.objects[trail.digests[20].key]
    (tmp_path / trail.digests[20].key).unlink()
    assert _report_on(trail, tmp_path).empty_days == {day._replace(day=date(2026, 3, 3))}


def test_the_documented_command_runs(rolecall: Rolecall, tmp_path: Path) -> None:
    trail = SignedTrail()
    trail.hours(datetime(2026, 3, 31, 23), 24 * 31 + 4)
    trail.write(tmp_path / "logs")
    trail.keys_file(tmp_path)
    program, *words = shlex.split(documented("docs/verify.md", "rolecall verify"))
    assert program == "rolecall"
    done = rolecall.run(*words)
    assert "Proved: 720 digest files by the signature" in done.stdout
