"""Pack what AWS runs, as deploy/rolecall.yml expects it: ``make deploy-package``.

A release is a folder with the zip of the scheduled refresh (build commands, wheel, locked
requirements and their wheels) and the zip of the Lambda function. It is named after the version
and its contents, so that a deployment sees that something changed.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement

import rolecall
from pack_lambda import add_partitions
from pack_lambda import pack as pack_lambda
from reproducible_zip import write_zip
from rolecall.errors import RolecallError
from rolecall.sizes import size_text

PROJECT = Path(__file__).resolve().parent.parent
BUILDSPEC = PROJECT / "deploy" / "buildspec.yml"
REQUIREMENTS = PROJECT / "requirements" / "run.txt"
REFRESH, LAMBDA = "rolecall-refresh.zip", "rolecall-lambda.zip"

# CodeBuild's image of deploy/rolecall.yml: Amazon Linux 2023, which has glibc 2.34.
_PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in (34, 28, 17)]
_PLATFORMS += ["manylinux2014_x86_64", "manylinux1_x86_64"]
_TARGET = {
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_system": "Linux",
    "sys_platform": "linux",
}


def main() -> None:
    """Write the release; say how large it is and how it gets to AWS."""
    parser = argparse.ArgumentParser(description="Pack a release for AWS.")
    parser.add_argument("--output", type=Path, default=PROJECT / "dist" / "releases")
    parser.add_argument(
        "--without-wheels",
        action="store_true",
        help="let the refresh fetch the locked packages from the index that pip knows there",
    )
    add_partitions(parser)
    arguments = parser.parse_args()
    folder = pack(
        arguments.output,
        has_wheels=not arguments.without_wheels,
        partitions=arguments.partitions,
    )
    if folder.is_relative_to(Path.cwd()):
        folder = folder.relative_to(Path.cwd())
    for file in (folder / REFRESH, folder / LAMBDA):
        print(f"{file} has {size_text(file.stat().st_size)}.")
    print(
        "\nUpload and deploy it, with the bucket and the stack of deploy/README.md:\n\n"
        f"  aws s3 cp --recursive {folder} s3://BUCKET/releases/{folder.name}\n"
        "  aws cloudformation deploy --stack-name rolecall --template-file deploy/rolecall.yml \\\n"
        f"    --capabilities CAPABILITY_IAM --parameter-overrides Release={folder.name}"
    )


def pack(output: Path, *, has_wheels: bool, partitions: Mapping[str, str] | None = None) -> Path:
    """Write a release below ``output`` and return its folder.

    With ``has_wheels`` the locked packages come along, for which pip asks its index;
    ``partitions`` are for the function, as in the settings. Raises RolecallError if a part cannot
    be made.
    """
    output.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=output) as name:
        draft = Path(name) / "release"
        pack_refresh(draft / REFRESH, has_wheels=has_wheels)
        pack_lambda(draft / LAMBDA, partitions)
        digest = hashlib.sha256()
        for file in (REFRESH, LAMBDA):
            digest.update(hashlib.sha256((draft / file).read_bytes()).digest())
        release = output / f"{rolecall.__version__}-{digest.hexdigest()[:12]}"
        if not release.exists():
            draft.rename(release)
    return release


def pack_refresh(output: Path, *, has_wheels: bool) -> None:
    """Write the zip of the refresh to ``output``. Raises RolecallError if a part cannot be made."""
    contents = {
        BUILDSPEC.name: BUILDSPEC.read_bytes(),
        "requirements.txt": REQUIREMENTS.read_bytes(),
    }
    with TemporaryDirectory() as name:
        wheel = _wheel(Path(name) / "wheel")
        contents[wheel.name] = wheel.read_bytes()
        if has_wheels:
            for packed in _locked_wheels(Path(name) / "wheels").iterdir():
                contents[f"wheels/{packed.name}"] = packed.read_bytes()
    write_zip(output, contents)


def _wheel(folder: Path) -> Path:
    """Return the wheel of the project, with the dbt project in it."""
    options = ("--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(folder))
    _pip("wheel", *options, str(PROJECT))
    (wheel,) = folder.iterdir()
    return wheel


def _locked_wheels(folder: Path) -> Path:
    """Return a folder with the wheels of the locked packages for the image of the refresh."""
    install = yaml.safe_load(BUILDSPEC.read_bytes())["phases"]["install"]
    version = str(install["runtime-versions"]["python"])
    folder.mkdir()
    locked = folder.parent / "requirements.txt"
    locked.write_text("".join(locked_for(version)), encoding="utf-8")
    platforms = [part for platform in _PLATFORMS for part in ("--platform", platform)]
    options = ("--only-binary", ":all:", "--implementation", "cp", "--python-version", version)
    checks = ("--no-deps", "--require-hashes", "-r", str(locked))
    _pip("download", *options, *platforms, *checks, "--dest", str(folder))
    return folder


def locked_for(version: str) -> Iterator[str]:
    """Yield the locked requirements, with hashes, that hold for the image and a Python of it.

    pip would take the machine that it runs on.
    """
    python = {"python_version": version, "python_full_version": f"{version}.0"}
    target: dict[str, str] = {**default_environment(), **_TARGET, **python}  # type: ignore[dict-item]
    for line in REQUIREMENTS.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        requirement, _, hashes = line.partition(" --hash")
        if not requirement.strip() or requirement.lstrip().startswith("#"):
            continue
        parsed = Requirement(requirement)
        if parsed.marker is None or parsed.marker.evaluate(target):
            yield f"{parsed.name}{parsed.specifier} --hash{hashes}\n"


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RolecallError(f"pip {arguments[0]} failed: {' '.join(done.stderr.split())}")


if __name__ == "__main__":
    main()
