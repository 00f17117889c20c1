"""The fenced blocks of the documents: what tries each of them, or why nothing does.

``test_docs.py`` fails on a block that is neither.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent

RUN = {
    "README.md": "docs/test_docs.py",
    "README.ja.md": "docs/test_docs.py",
    "docs/local.md": "docs/test_docs.py",
    "docs/questions.md": "docs/test_docs.py",
    "docs/athena.md": "docs/test_athena_docs.py",
    "docs/from-console-query.md": "docs/test_athena_docs.py",
}
"""Documents whose ``console`` blocks are run, every command, and what output they show compared."""

TRIED = {
    ("README.md", "rolecall refresh --logs ~/logs"): "docs/test_docs.py",
    ("README.ja.md", "rolecall refresh --logs ~/logs"): "docs/test_docs.py",
    ("CONTRIBUTING.md", "make run"): "docs/test_docs.py",
    ("CONTRIBUTING.md", "ROLECALL_LOGS=~/logs"): "local/test_refresh.py",
    ("CONTRIBUTING.md", "dbt compile"): "athena/test_lint.py",
    ("docs/architecture.md", "flowchart LR"): "project/test_direction.py",
    ("docs/architecture.md", "flowchart TD"): "project/test_direction.py",
    ("docs/athena.md", "aws s3 rm"): "athena/test_lease.py",
    ("docs/athena.md", "dbt build"): "athena/test_build.py",
    ("docs/athena.md", "Yesterday brought"): "setup/test_cost.py",
    ("docs/athena.md", '{"command"'): "deploy/test_lambda.py",
    ("docs/from-console-query.md", "select"): "docs/test_athena_docs.py",
    ("docs/settings.md", "database ="): "test_settings.py",
    ("docs/verify.md", "rolecall verify"): "verification/test_verify.py",
}
"""Blocks that a test takes with ``documented``, by document and beginning."""

AWS_ALONE = {
    ("docs/local.md", "aws s3 sync"): "copies the logs of the reader's own bucket",
    ("docs/verify.md", "aws cloudtrail list-public-keys"): "asks for CloudTrail's public keys",
    ("deploy/README.md", "aws cloudformation deploy"): "makes a stack in the reader's account",
    ("deploy/README.md", "aws s3 cp"): "copies a release into the reader's bucket",
    ("deploy/README.md", "aws codebuild start-build"): "starts the reader's own refresh",
    ("deploy/README.md", "aws cloudformation delete-stack"): "removes the reader's stack",
    ("deploy/README.md", "aws glue delete-database"): "removes what the reader's stack leaves",
}
"""Blocks of AWS's own command line alone, which the tests lack, and what each does there.

Their commands and options are looked up in AWS's model of its API all the same, and what they give
the template in the template.
"""


@dataclass(frozen=True)
class Block:
    """A fenced block of a document."""

    document: str
    language: str
    text: str

    @property
    def commands(self) -> list[str]:
        """Its commands, one a line, those that go on in the next line put together."""
        return self.text.replace("\\\n", " ").splitlines()


def blocks() -> list[Block]:
    """Return the fenced blocks of all documents."""
    documents = [
        path
        for folder in (".", "docs", "docs/decisions", "deploy", "benchmarks")
        for path in sorted((PROJECT / folder).glob("*.md"))
    ]
    return [
        Block(path.relative_to(PROJECT).as_posix(), language, text)
        for path in documents
        for language, text in re.findall(
            r"^ *```(\w*)\n(.*?)^ *```$", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        )
    ]


def documented(document: str, beginning: str) -> str:
    """Return the text of the one block of a document that begins so, and that a test tries."""
    assert (document, beginning) in TRIED
    (block,) = (
        block
        for block in blocks()
        if block.document == document and block.text.startswith(beginning)
    )
    return block.text


def commands(block: str) -> list[tuple[str, str]]:
    """Return each command of a block with the output below it."""
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [(part.partition("\n")[0], part.partition("\n")[2]) for part in parts]
