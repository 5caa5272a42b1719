"""The few commands of Databricks' own command line that the pages use, over the real SDK: that program is in no package registry.

Belongs here: reading their words as the published command line takes them, and the calls they stand for. Words it does not know end it with 2.
Sign-in is the SDK's own, as it is for the real one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from insights_assets_tests.contract.sail_catalog import VARIABLE, Catalog


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


@main.group()
def bundle() -> None:
    """databricks bundle: what databricks.yml says, and what deploying it leaves behind as far as commands after it look."""


@bundle.command()
@click.option("-t", "--target", required=True)
def validate(target: str) -> None:
    click.echo(f"Validation OK! {len(_resources(target)['jobs'])} jobs")


@bundle.command()
@click.option("-t", "--target", required=True)
@click.option("--var", "variables", multiple=True)
def deploy(target: str, variables: tuple[str, ...]) -> None:
    """Scopes are made and the wheel is uploaded; jobs, volume and app are only known by name here."""
    _known({one.split("=", 1)[0] for one in variables}, set(_whole(target)["variables"]), "variable")
    workspace, resources = _workspace(), _resources(target)
    for scope in resources["secret_scopes"].values():
        workspace.secrets.create_scope(scope["name"])
    (wheel,) = Path("dist").glob("insights_assets-*.whl")
    with wheel.open("rb") as content:
        workspace.files.upload(f"{_on_disk(_whole(target)['workspace']['artifact_path'])}/.internal/{wheel.name}", content, overwrite=True)


@bundle.command(name="run")
@click.option("-t", "--target", required=True)
@click.option("--params", default="")
@click.argument("name")
def run_resource(target: str, params: str, name: str) -> None:
    resources = _resources(target)
    _known({name}, {*resources["jobs"], *resources["apps"]}, "job or app")
    if params:
        _known({one.split("=", 1)[0] for one in params.split(",")}, {one["name"] for one in resources["jobs"][name]["parameters"]}, "parameter")


@bundle.command()
@click.option("-t", "--target", required=True)
@click.option("--auto-approve", is_flag=True)
def destroy(target: str, auto_approve: bool) -> None:
    """Scopes go; without --auto-approve a person is asked."""
    for scope in _resources(target)["secret_scopes"].values():
        _workspace().secrets.delete_scope(scope["name"])


def _on_disk(path: str) -> str:
    """Where a path of a volume lies on this machine."""
    return path.replace("/Volumes", Catalog.of(os.environ[VARIABLE]).volumes, 1)


def _known(given: set[str], there: set[str], kind: str) -> None:
    if unknown := given - there:
        raise click.UsageError(f"no {kind} is called {', '.join(sorted(unknown))}")


def _whole(target: str) -> dict[str, Any]:
    from insights_assets_tests.contract.bundle_reading import TARGETS
    from insights_assets_tests.contract.bundle_reading import bundle as read

    _known({target}, set(TARGETS), "target")
    return read(target)


def _resources(target: str) -> dict[str, Any]:
    found: dict[str, Any] = _whole(target)["resources"]
    return found


def _workspace() -> Any:
    from databricks.sdk import WorkspaceClient

    return WorkspaceClient()


if __name__ == "__main__":
    main()
