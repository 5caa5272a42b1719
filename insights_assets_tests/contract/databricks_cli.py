"""The few commands of Databricks' own command line that the pages use, over the real SDK: that program is in no package registry.

Belongs here: reading their words as the published command line takes them, and the calls they stand for. Words it does not know end it with 2.
Sign-in is the SDK's own, as it is for the real one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click


@click.group()
def main() -> None:
    """databricks"""


@main.group()
def secrets() -> None:
    """databricks secrets"""


@secrets.command("create-scope")
@click.argument("scope")
def create_scope(scope: str) -> None:
    _workspace().secrets.create_scope(scope)


@secrets.command("put-secret")
@click.argument("scope")
@click.argument("key")
@click.option("--string-value")
def put_secret(scope: str, key: str, string_value: str | None) -> None:
    """Without --string-value the value is what comes on standard input."""
    _workspace().secrets.put_secret(scope, key, string_value=string_value or sys.stdin.read().strip() or f"a-value-typed-for-{key}")


@main.group()
def fs() -> None:
    """databricks fs"""


@fs.command("cp")
@click.argument("source")
@click.argument("target")
@click.option("-r", "--recursive", is_flag=True)
@click.option("--overwrite", is_flag=True)
def cp(source: str, target: str, recursive: bool, overwrite: bool) -> None:
    """From here to a volume: a file, or a folder's files below the target."""
    if not target.startswith("dbfs:/"):
        raise click.UsageError("paths of volumes begin with dbfs:/Volumes")
    place, files = Path(source), _workspace().files
    if place.is_dir() and not recursive:
        raise click.UsageError(f"{source} is a folder: --recursive is missing")
    end = target.removeprefix("dbfs:")
    for one in sorted(place.rglob("*")) if place.is_dir() else [place]:
        if one.is_file():
            path = f"{end.rstrip('/')}/{one.relative_to(place)}" if place.is_dir() else f"{end}{one.name}" if end.endswith("/") else end
            with one.open("rb") as content:
                files.upload(path, content, overwrite=overwrite)
            click.echo(f"{one} -> dbfs:{path}")


def _workspace() -> Any:
    from databricks.sdk import WorkspaceClient

    return WorkspaceClient()


if __name__ == "__main__":
    main()
