"""What a person reads: no name, message or setting moves the cursor or forges a line."""

from __future__ import annotations

import ast
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rolecall.text import Screen, clean, fitted, say
from support.command_line import PROJECT, Rolecall
from support.logs import event

ROLE_ACCOUNT, SOURCE_ACCOUNT = "444455556666", "111122223333"
PRINCIPAL = "AROA00000000000000000"

# One of each kind: the screen cleared, its title set, C1, a direction turned, zero width, a tag, a
# line separator, and the ends of lines.
HOSTILE = "\x1b[2J\x1b]0;T\x07\x9b1m\u202e\u200b\U000e0041\u2028\x85\nPassed 38 data tests.\r\t\0"

# What rich writes itself: bold, the colours of a bar, and the cursor of one.
_OF_RICH = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[lh]|2K|1A)|\r|\n")


@pytest.mark.parametrize(
    "char",
    HOSTILE[0]
    + "\x07\x9b\u202e\u200b\U000e0041\u2028\x85\n\r\t\0\ud800\u3164\u115f\uffa0\u2800\u034f\ufe0f",
)
def test_what_is_not_shown_as_itself_is_replaced(char: str) -> None:
    assert clean(f"a{char}b") == "a\ufffdb"


@pytest.mark.parametrize("text", ["山田\u3000太郎", "Zoë, naïve", "a b\u00a0c", "🙂 [red]x[/]"])
def test_what_is_shown_stays(text: str) -> None:
    assert clean(text) == text


def test_a_line_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\nb", "c")
    assert capsys.readouterr().out == "a\ufffdb\nc\n"


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [("abc", 5, "abc  "), ("abcdef", 4, "abc…"), ("山田太郎", 5, "山田…"), ("山田太郎", 4, "山 …")],
)
def test_a_cell_has_its_width(text: str, width: int, shown: str) -> None:
    assert fitted(text, width).rstrip() == shown.rstrip()


_WRITERS = "print|echo|secho|Console|Live|Status|status|pprint|print_exc"


def test_one_module_alone_writes_to_the_terminal() -> None:
    """The Lambda function is another program: what it prints is JSON of ASCII, for CloudWatch."""
    found = set()
    for path in sorted((PROJECT / "scripts" / "rolecall").rglob("*.py")):
        if path.name in ("text.py", "lambda_handler.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if re.search(
                    r"(^|\.)(print|echo|secho|Console|Live|Status|status|pprint|print_exc)$", called
                ):
                    found.add(f"{path.name}: {called}")
                if re.match(r"sys\.(__)?std(out|err)(__)?\.(write|writelines|buffer)", called):
                    found.add(f"{path.name}: {called}")
    assert not found


GUARDED = """
import logging, sys, warnings
from rolecall.text import guard
guard()
hostile = sys.argv[1]
print(hostile)
print(hostile, file=sys.stderr)
warnings.warn(hostile)
logging.getLogger("other").warning(hostile)
raise ValueError(hostile)
"""


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "latin-1", "ascii"])
def test_what_others_print_is_cleaned(encoding: str) -> None:
    hostile = "\x1b[2J\x9b1m\u202e\u2028é山\N{REPLACEMENT CHARACTER}"
    done = subprocess.run(
        [sys.executable, "-c", GUARDED, hostile],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "scripts"), "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    printed = (done.stdout + done.stderr).decode(encoding)
    assert printed.count("[2J") >= 5
    assert b"ValueError" in done.stderr and b"UnicodeEncodeError" not in done.stderr
    assert not [char for char in printed if char != "\n" and not char.isprintable()]


def _switch(number: int, **members: Any) -> dict[str, Any]:
    arn = f"arn:aws:sts::{ROLE_ACCOUNT}:assumed-role/ReadOnly/bob"
    return event(
        number,
        eventSource="signin.amazonaws.com",
        eventName="SwitchRole",
        eventType="AwsConsoleSignIn",
        recipientAccountId=ROLE_ACCOUNT,
        sourceIPAddress="203.0.113.48",
        userIdentity={
            "type": "AssumedRole",
            "principalId": "AROABQIOM2ZEQ4DOWQU4G:bob",
            "arn": arn,
            "accountId": ROLE_ACCOUNT,
        },
        responseElements={"SwitchRole": "Success"},
        additionalEventData={"SwitchFrom": f"arn:aws:iam::{HOSTILE}:user/bob{HOSTILE}"},
        **members,
    )


def _session(name: str, role: str, principal: str, key: str) -> dict[str, Any]:
    return {
        "type": "AssumedRole",
        "principalId": f"{principal}:{name}",
        "arn": f"arn:aws:sts::{ROLE_ACCOUNT}:assumed-role/{role}/{name}",
        "accountId": ROLE_ACCOUNT,
        "accessKeyId": key,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": principal,
                "arn": f"arn:aws:iam::{ROLE_ACCOUNT}:role/{role}",
                "accountId": ROLE_ACCOUNT,
                "userName": role,
            },
            "attributes": {"creationDate": "2026-03-01T00:00:00Z", "mfaAuthenticated": "false"},
        },
    }


def _refused(number: int, account: str) -> dict[str, Any]:
    """Return a request that was refused; its role's ARN is what the caller typed."""
    return event(
        number,
        eventSource="sts.amazonaws.com",
        eventName="AssumeRole",
        recipientAccountId=ROLE_ACCOUNT,
        errorCode="AccessDenied",
        userIdentity={
            "type": "IAMUser",
            "principalId": "AIDAKN7QMBNLLXFHAUDG2",
            "arn": f"arn:aws:iam::{ROLE_ACCOUNT}:user/bob",
            "accountId": ROLE_ACCOUNT,
            "userName": "bob",
        },
        requestParameters={"roleArn": f"arn:aws:iam::{account}:role/x", "roleSessionName": "bob"},
    )


def _records() -> Iterator[dict[str, Any]]:
    own = _session(f"bob{HOSTILE}", f"Role{HOSTILE}", PRINCIPAL, "ASIA1")
    yield event(1, userIdentity=own, recipientAccountId=ROLE_ACCOUNT, userAgent=HOSTILE)
    yield event(
        2,
        eventSource="sts.amazonaws.com",
        eventName="AssumeRole",
        eventTime="2026-03-01T00:01:00Z",
        recipientAccountId=ROLE_ACCOUNT,
        userIdentity=own,
        requestParameters={
            "roleArn": f"arn:aws:iam::{ROLE_ACCOUNT}:role/Chain{HOSTILE}",
            "roleSessionName": f"c{HOSTILE}",
        },
        responseElements={
            "credentials": {"accessKeyId": "ASIB1", "expiration": "Mar 1, 2026, 1:00:00 AM"},
            "assumedRoleUser": {
                "assumedRoleId": f"AROB00000000000000000:c{HOSTILE}",
                "arn": f"arn:aws:sts::{ROLE_ACCOUNT}:assumed-role/Chain{HOSTILE}/c{HOSTILE}",
            },
        },
    )
    yield _refused(3, f"1{HOSTILE}x")
    yield from (_refused(10 + number, f"99999999999{number}") for number in range(9))
    yield _switch(4)
    # The one account whose logs are missing indeed.
    yield _switch(
        5,
        eventTime="2026-03-01T00:30:00Z",
    ) | {"additionalEventData": {"SwitchFrom": f"arn:aws:iam::{SOURCE_ACCOUNT}:user/bob"}}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Rolecall:
    """Return a command line whose logs have hostile names in every place, loaded."""
    loaded = Rolecall(tmp_path_factory.mktemp("hostile"))
    folder = loaded.folder / "logs" / "AWSLogs" / ROLE_ACCOUNT / "CloudTrail" / "us-east-1"
    folder = folder / "2026" / "03" / "01"
    folder.mkdir(parents=True)
    begin = f"{ROLE_ACCOUNT}_CloudTrail_us-east-1_20260301T0005Z"
    (folder / f"{begin}_a1B2c3D4e5F6g7H8.json").write_text(json.dumps({"Records": [*_records()]}))
    # A file system takes no NUL in a name.
    (folder / f"{begin}_{HOSTILE[:-1]}.json").write_bytes(b'{"Records":[')
    loaded.refresh(loaded.folder / "logs")
    return loaded


def _on_terminal(
    rolecall: Rolecall, *arguments: str | Path, columns: int = 80, **environment: str
) -> str:
    """Return all that the command line writes to a terminal, as it writes it."""
    terminal, end = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with subprocess.Popen(
        [Path(sys.executable).parent / "rolecall", *arguments],
        cwd=rolecall.folder,
        env=rolecall.environment | {"TERM": "xterm-256color"} | environment,
        stdin=end,
        stdout=end,
        stderr=end,
    ):
        os.close(end)
        written = b""
        while True:
            try:
                part = os.read(terminal, 65536)
            except OSError:  # nobody has the other end any more
                break
            if not part:
                break
            written += part
    os.close(terminal)
    return written.decode("utf-8")


def _unsafe(written: str) -> list[str]:
    return [
        f"U+{ord(char):04X}"
        for char in _OF_RICH.sub("", written)
        if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs", "Co")
    ]


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize(
    "arguments",
    [
        ["history"],
        ["session", PRINCIPAL],
        ["query", "who_used_this_role", "--param", "role=*"],
        ["history", "--format", "csv"],
        ["history", "--role", f"nobody{HOSTILE[:-1]}"],
        ["history", f"--{HOSTILE[:-1]}"],
        ["session", f"x{HOSTILE[:-1]}"],
        ["query", f"{HOSTILE[:-1]}.sql"],
    ],
    ids=lambda arguments: clean(" ".join(arguments)),
)
def test_nothing_in_a_log_reaches_the_terminal(
    hostile: Rolecall, arguments: list[str], columns: int
) -> None:
    written = _on_terminal(hostile, *arguments, columns=columns)
    assert "Traceback" not in written
    # Shown instead, but where an error quotes what was given with escapes of Python's.
    assert "\N{REPLACEMENT CHARACTER}" in written or r"\x1b" in written
    assert not _unsafe(written)
    assert not re.search(r"^Passed 38", written, re.MULTILINE)


def test_json_on_a_terminal_is_exact(hostile: Rolecall) -> None:
    written = _on_terminal(hostile, "session", PRINCIPAL, "--format", "json")
    assert not _unsafe(written)
    assert json.loads(written)["session"]["role_session_name"] == f"bob{HOSTILE}"


def test_no_name_of_a_file_reaches_the_terminal(hostile: Rolecall, tmp_path: Path) -> None:
    written = _on_terminal(
        hostile, "refresh", "--logs", "logs", "--database", tmp_path / "new.duckdb", columns=120
    )
    assert "Skipped AWSLogs" in written
    assert not _unsafe(written)
    assert not re.search(r"^Passed 38", written, re.MULTILINE)
    other = tmp_path / "other"
    other.mkdir()
    for folder, text in ((tmp_path / "one", "1"), (other, "2")):
        folder.mkdir(exist_ok=True)
        record = event(1, eventName=text)
        (folder / f"a{HOSTILE[:-1]}.json").write_text(json.dumps({"Records": [record]}))
    database = ["--database", str(tmp_path / "new.duckdb"), "--add-logs"]
    hostile.run("refresh", "--logs", tmp_path / "one", *database)
    done = hostile.run("refresh", "--logs", other, *database, exit_code=1)
    assert "have a log file a\N{REPLACEMENT CHARACTER}[2J" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not _unsafe(done.stderr)


def test_what_is_not_an_account_is_not_shown_as_one(hostile: Rolecall) -> None:
    """Nor does one that a caller made up, and was refused, stand for one without logs."""
    done = hostile.run("history", "--format", "json")
    assert f"no logs at all of {SOURCE_ACCOUNT}, which" in done.stderr
    accounts = {
        row[name]
        for row in json.loads(done.stdout)
        for name in ("role_account_id", "source_account_id")
    }
    assert all(account is None or re.fullmatch("[0-9]{12}", account) for account in accounts)
    assert {ROLE_ACCOUNT, SOURCE_ACCOUNT} <= accounts


@pytest.mark.parametrize("encoding", ["cp932", "latin-1", "ascii"])
def test_a_terminal_that_is_not_utf_8_gets_replacements(hostile: Rolecall, encoding: str) -> None:
    for arguments in (["history"], ["session", PRINCIPAL]):
        done = subprocess.run(
            [Path(sys.executable).parent / "rolecall", *arguments],
            cwd=hostile.folder,
            env=hostile.environment | {"PYTHONIOENCODING": encoding},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
        assert "bob" in done.stdout.decode(encoding)
        assert "`-- Chain" in done.stdout.decode(encoding) or arguments == ["history"]


def test_data_are_utf_8_whatever_the_encoding(hostile: Rolecall) -> None:
    sql = hostile.folder / "name.sql"
    sql.write_text("select '山\N{REPLACEMENT CHARACTER}' as name", encoding="utf-8")
    for format_, wanted in (("csv", "name\n山\ufffd\n"), ("json", '[\n {"name": "山\ufffd"}\n]\n')):
        done = subprocess.run(
            [Path(sys.executable).parent / "rolecall", "query", sql, "--format", format_],
            cwd=hostile.folder,
            env=hostile.environment | {"PYTHONIOENCODING": "latin-1"},
            capture_output=True,
            check=True,
        )
        assert done.stdout.decode("utf-8") == wanted


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "rolecall.toml, or a setting of the environment, cannot be read"),
        (
            b'"a\\u001b[2Jb" = 1\n',
            "rolecall.toml has a\ufffd[2Jb, which is not a setting of Rolecall.",
        ),
        (b'target = "a\\u001b[2J\\nb"\n', "The setting target is wrong"),
        (b"a = \x1b[2J\n", "rolecall.toml is not TOML"),
    ],
)
def test_settings_that_are_wrong_are_told_in_a_line(
    rolecall: Rolecall, content: bytes, said: str
) -> None:
    (rolecall.folder / "rolecall.toml").write_bytes(content)
    done = rolecall.run("history", exit_code=2)
    assert done.stderr.startswith(f"Error: {said}")
    assert done.stderr.count("\n") == 1
    assert not _unsafe(done.stderr)


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1"])
def test_nobody_waits_for_ever(rolecall: Rolecall, seconds: str) -> None:
    done = rolecall.run("history", exit_code=2, ROLECALL_WAIT_SECONDS=seconds)
    assert "The setting wait_seconds is wrong" in done.stderr


def test_a_screen_takes_any_line(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(sys.stdout)
    screen.line(HOSTILE)
    screen.line("[bold]x[/bold]", is_bold=True)
    assert capsys.readouterr().out == f"{clean(HOSTILE)}\n[bold]x[/bold]\n"
