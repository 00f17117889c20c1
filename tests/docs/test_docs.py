"""The README's commands print what it says they print, and no block of a document goes untried."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import click
import pytest
from botocore import xform_name

from rolecall.commands.main import cli
from support.cloudformation import template
from support.command_line import PROJECT, SAMPLE, Rolecall
from support.documents import AWS_ALONE, RUN, TRIED, Block, blocks, commands, documented

# Whose commands run in one folder, in this order: the first one loads the sample.
DOCUMENTS = ("docs/local.md", "README.md", "docs/questions.md")
MAKE_RUN = "make run"


def _console_commands(document: str) -> list[tuple[str, str]]:
    return [
        command
        for block in blocks()
        if block.document == document and block.language == "console"
        for command in commands(block.text)
    ]


def _run(command: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _shortened(printed: str) -> str:
    """Return what the README prints: the key of the file that is cut short is a long one."""
    key = re.compile(r"AWSLogs/\S+/(444455556666_CloudTrail_)\S+(?=json\.gz)")
    shortened, count = key.subn(r"AWSLogs/.../\1...", printed)
    assert count == 1
    return shortened


def test_the_documents_have_commands() -> None:
    assert MAKE_RUN in [command for command, _ in _console_commands("README.md")]
    block_count = sum(
        block.document in DOCUMENTS and block.language == "console" for block in blocks()
    )
    assert block_count > 4


def test_make_run_prints_what_the_readme_says(rolecall: Rolecall) -> None:
    expected = dict(_console_commands("README.md"))[MAKE_RUN]
    # In this environment, on a database that is not there yet.
    options = f"RUN_ENV= BIN='{Path(sys.executable).parent}' SAMPLE_DATABASE='{rolecall.database}'"
    command = f"make --no-print-directory -C '{PROJECT}' run {options}"
    printed = _run(command, rolecall.folder, rolecall.environment)
    printed = printed.replace(str(rolecall.database), "target/sample.duckdb")
    assert _shortened(printed) == expected


def test_the_other_commands_print_what_their_documents_say(rolecall: Rolecall) -> None:
    (rolecall.folder / "sample").symlink_to(SAMPLE)
    # At home, the sample stands for the reader's logs.
    (rolecall.folder / "logs").symlink_to(SAMPLE)
    path = f"{Path(sys.executable).parent}{os.pathsep}{rolecall.environment['PATH']}"
    environment = rolecall.environment | {"PATH": path, "HOME": str(rolecall.folder)}
    for document in DOCUMENTS:
        for command, expected in _console_commands(document):
            if command != MAKE_RUN:
                printed = _run(command, rolecall.folder, environment)
                assert printed == expected, command
    own_logs = documented("README.md", "rolecall refresh --logs ~/logs")
    environment["ROLECALL_DATABASE"] = "other.duckdb"
    assert "ReadOnly" in _run(f"set -e\n{own_logs}", rolecall.folder, environment)


def test_both_readmes_show_the_same() -> None:
    english, japanese = (
        [(block.language, block.text) for block in blocks() if block.document == document]
        for document in ("README.md", "README.ja.md")
    )
    assert english == japanese
    assert documented("README.ja.md", "rolecall refresh --logs ~/logs")


@pytest.mark.parametrize("document", ["README.md", "README.ja.md"])
def test_each_readme_names_every_command(document: str) -> None:
    text = (PROJECT / document).read_text(encoding="utf-8")
    assert set(re.findall(r"\brolecall ([a-z]+)", text)) >= set(
        cli.list_commands(click.Context(cli))
    )


@pytest.mark.parametrize(
    "document", sorted(PROJECT.glob("*.md")) + sorted(PROJECT.glob("docs/**/*.md"))
)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


# --- blocks -----------------------------------------------------------------------------------

AWS_BLOCKS = [block for block in blocks() if block.text.startswith("aws ")]
# Commands of the AWS CLI of its own: its model of the API does not have them.
CLI_ALONE = {("s3", "cp"), ("s3", "rb"), ("s3", "rm"), ("s3", "sync"), ("cloudformation", "deploy")}


def _entries(block: Block) -> list[tuple[str, str]]:
    """Return the entries of the lists that say what becomes of a block."""
    return [
        (document, beginning)
        for document, beginning in (*TRIED, *AWS_ALONE)
        if block.document == document and block.text.startswith(beginning)
    ]


@pytest.mark.parametrize(
    "block", blocks(), ids=lambda block: f"{block.document}: {block.text[:30]!r}"
)
def test_every_block_is_tried_or_has_a_reason(block: Block) -> None:
    if block.language == "console":
        assert block.document in RUN, "say what runs the commands of this document"
    else:
        assert len(_entries(block)) == 1, "try it, or say in documents.py why it cannot be tried"


def test_what_is_listed_is_there_and_a_test_takes_it() -> None:
    listed = {entry for block in blocks() for entry in _entries(block)}
    assert listed == TRIED.keys() | AWS_ALONE.keys()
    for (document, beginning), name in TRIED.items():
        code = (PROJECT / "tests" / name).read_text(encoding="utf-8")
        assert re.search(rf"documented\(\s*\"{document}\", ['\"]{re.escape(beginning)}", code), (
            beginning
        )
    for document, name in RUN.items():
        assert document.rpartition("/")[2] in (PROJECT / "tests" / name).read_text(encoding="utf-8")


def test_no_fence_is_overlooked() -> None:
    for document in {block.document for block in blocks()}:
        text = (PROJECT / document).read_text(encoding="utf-8")
        count = sum(block.document == document for block in blocks())
        assert len(re.findall(r"^\s*(?:```|~~~)", text, re.MULTILINE)) == 2 * count, document


def test_the_make_targets_of_contributing_are_there() -> None:
    for command in documented("CONTRIBUTING.md", "make run").splitlines():
        done = subprocess.run(
            [*shlex.split(command, comments=True), "--dry-run"],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [command for block in AWS_BLOCKS for command in block.commands])
def test_commands_of_the_aws_cli_are_aws_s(command: str) -> None:
    _, service, operation, *arguments = shlex.split(command)
    if (service, operation) in CLI_ALONE:
        return
    given = {word for word in arguments if word.startswith("--")} - {"--query", "--region"}
    assert given <= _options(service, operation)


def _options(service: str, operation: str) -> set[str]:
    """Return the options of a command that is an operation of the API, by AWS's model of it."""
    client: Any = boto3.client(service, region_name="us-east-1")  # type: ignore[call-overload]
    called = client.meta.method_to_api_mapping[operation.replace("-", "_")]
    members = client.meta.service_model.operation_model(called).input_shape.members
    return {f"--{xform_name(member).replace('_', '-')}" for member in members}


@pytest.mark.parametrize(
    "command",
    [command for block in AWS_BLOCKS for command in block.commands if "--template-file" in command],
)
def test_documented_deployments_give_the_template_what_it_takes(command: str) -> None:
    words = shlex.split(command)
    assert (PROJECT / words[words.index("--template-file") + 1]).is_file()
    given = dict(word.split("=") for word in words[words.index("--parameter-overrides") + 1 :])
    assert given
    assert given.keys() <= template()["Parameters"].keys()
