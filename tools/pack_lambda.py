"""Pack the Lambda function: ``make lambda``.

The zip has the modules that the function needs and the analyses, compiled by dbt for Athena with
placeholders for the names of databases and table. The same sources give the same bytes.

The catalogue is not asked: the questions to the raw logs read the fields that AWS has documented
since 2020, which every CloudTrail table has, and the days asked for alone where ``--partitions``
says how the table tells them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from reproducible_zip import write_zip
from rolecall.errors import RolecallError
from rolecall.lambda_handler import PACKED_QUERIES, PLACEHOLDERS
from rolecall.project.analyses import analyses
from rolecall.project.run import failures, run_dbt
from rolecall.settings import load_settings

PROJECT = Path(__file__).resolve().parent.parent
MODULES = (
    *("__init__", "errors", "lambda_handler", "names", "parameters", "result", "rows", "text"),
    *("aws/__init__", "aws/alarm", "aws/answer", "aws/athena_client", "aws/clients", "aws/errors"),
    *("aws/failed_queries", "aws/query_errors", "aws/refusals"),
    *(
        "output/__init__",
        "output/formats",
        "queries/__init__",
        "queries/coverage",
        "queries/lambda_event",
    ),
    "queries/notes",
)


def main() -> None:
    """Write the zip and say how large it is."""
    parser = argparse.ArgumentParser(description="Pack the Lambda function.")
    parser.add_argument("--output", type=Path, default=PROJECT / "dist" / "rolecall-lambda.zip")
    add_partitions(parser)
    arguments = parser.parse_args()
    output: Path = arguments.output
    pack(output, arguments.partitions)
    print(f"{output} has {output.stat().st_size:,} bytes.")


def add_partitions(parser: argparse.ArgumentParser) -> None:
    """Let a command be told how the CloudTrail table is partitioned: see ``pack``."""
    parser.add_argument(
        "--partitions",
        type=json.loads,
        metavar="JSON",
        help='the columns of the CloudTrail table with the day, such as {"dt": "yyyy/MM/dd"}',
    )


def pack(output: Path, partitions: Mapping[str, str] | None = None) -> None:
    """Write the zip to ``output``; ``partitions`` are as in the settings.

    Raises RolecallError if dbt cannot compile the analyses.
    """
    contents = {
        f"rolecall/{module}.py": (PROJECT / "scripts" / "rolecall" / f"{module}.py").read_bytes()
        for module in MODULES
    }
    queries = json.dumps(_queries(partitions), indent=1, sort_keys=True)
    contents[f"rolecall/{PACKED_QUERIES}"] = queries.encode()
    write_zip(output, contents)


def _queries(partitions: Mapping[str, str] | None) -> dict[str, object]:
    """Return the analyses as the function reads them: compiled, with their parameters."""
    names = {
        "cloudtrail_schema": PLACEHOLDERS["source_database"],
        "cloudtrail_table": PLACEHOLDERS["source_table"],
        "cloudtrail_partitions": partitions,
        # dbt then asks no warehouse for anything.
        "assume_incremental": True,
    }
    os.environ["ROLECALL_SCHEMA"] = PLACEHOLDERS["database"]
    with TemporaryDirectory() as folder:
        arguments = ["compile", "--select", "path:analyses", "--no-introspect"]
        arguments += ["--no-populate-cache", "--target-path", folder, "--vars", json.dumps(names)]
        result = run_dbt(arguments, load_settings(target="athena"))
        if not result.success:
            raise RolecallError(f"dbt cannot compile the analyses: {failures(result)}")
        compiled = Path(folder) / "compiled" / "rolecall" / "analyses"
        return {
            name: {
                "sql": _checked(name, (compiled / f"{name}.sql").read_text(encoding="utf-8")),
                "parameters": [asdict(parameter) for parameter in analysis.parameters.values()],
            }
            for name, analysis in analyses().items()
        }


def _checked(name: str, sql: str) -> str:
    """Return compiled SQL; its placeholders stand in double quotes, and nowhere else."""
    bare = re.sub("|".join(f'"{placeholder}"' for placeholder in PLACEHOLDERS.values()), "", sql)
    if bare == sql or any(placeholder in bare for placeholder in PLACEHOLDERS.values()):
        raise RolecallError(f"The compiled analysis {name} does not name its tables in quotes.")
    return sql.strip() + "\n"


if __name__ == "__main__":
    main()
