"""The few commands of Docker and Compose that docs/production.md uses, where there is no engine: processes and folders in the place of containers.

Belongs here: reading their words, refusing what the real ones would refuse (an image that was never built, a secret's file that is not there, a
service that does not run), and running what is asked for inside a container through deploy/entrypoint.sh. What the parts do as processes is
`test_production.py`'s; what Compose makes of the file is `test_compose_config.py`'s. Containers, images, networks and volumes are thereby not met.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import yaml

#: Variable that names the file with what stands for what: environments of services, state.
WORLD = "STAND_IN_DOCKER"
_MUST_HOLD = ("postgres_password", "insights_customer_key_secret")


@click.group()
def main() -> None:
    """docker"""


@main.command()
@click.option("-f", "file", required=True, type=click.Path(exists=True, path_type=Path))
@click.option("-t", "tag", required=True)
@click.argument("context", type=click.Path(exists=True, path_type=Path))
def build(file: Path, tag: str, context: Path) -> None:
    """An image is its tag; what goes into it is held by `test_deploy_files.py`."""
    assert file.with_name(f"{file.name}.dockerignore").exists() and (context / "pyproject.toml").exists()
    state = _state()
    if tag in state["images"]:
        raise click.ClickException(f"{tag} is built already: tags are never reused")
    _keep(state | {"images": [*state["images"], tag]})


@main.group()
@click.option("-f", "file", required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--env-file", required=True, type=click.Path(exists=True, path_type=Path))
@click.pass_context
def compose(context: click.Context, file: Path, env_file: Path) -> None:
    """docker compose"""
    settings = dict(line.split("=", 1) for line in env_file.read_text(encoding="utf-8").splitlines() if "=" in line and not line.startswith("#"))
    context.obj = {"file": yaml.safe_load(file.read_text(encoding="utf-8")), "settings": settings, "folder": file.parent}


@compose.command()
@click.option("-d", "is_detached", is_flag=True, required=True)
@click.argument("services", nargs=-1)
@click.pass_obj
def up(given: dict[str, Any], is_detached: bool, services: tuple[str, ...]) -> None:
    state = _state()
    if given["settings"]["INSIGHTS_IMAGE"] not in state["images"]:
        raise click.ClickException(f"{given['settings']['INSIGHTS_IMAGE']}: no such image")
    for name, secret in given["file"]["secrets"].items():
        path = given["folder"] / secret["file"]
        if not path.exists():
            raise click.ClickException(f"{name}: {path} is not there")
        if path.stat().st_mode & 0o077 or (name in _MUST_HOLD and not path.read_text(encoding="utf-8").strip()):
            raise click.ClickException(f"{name}: {path} is empty, or others may read it")
    wanted = set(services or given["file"]["services"])
    if "migrate" in wanted:
        _inside("code", ["migrate"])
        _first_run(state)
    _keep(state | {"running": sorted({*state["running"], *wanted} - {"migrate"}), "image": given["settings"]["INSIGHTS_IMAGE"], "seen": [*state["seen"], given["settings"]["INSIGHTS_IMAGE"]]})


@compose.command()
@click.argument("services", nargs=-1, required=True)
@click.pass_obj
def stop(given: dict[str, Any], services: tuple[str, ...]) -> None:
    state = _state()
    _known(given, services)
    _keep(state | {"running": sorted(set(state["running"]) - set(services))})


@compose.command(name="exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("-T", "is_plain", is_flag=True)
@click.argument("service")
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def execute(given: dict[str, Any], is_plain: bool, service: str, words: tuple[str, ...]) -> None:
    _known(given, [service])
    if service not in _state()["running"]:
        raise click.ClickException(f'service "{service}" is not running')
    _inside(service, list(words))


@compose.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--rm", "is_removed", is_flag=True, required=True)
@click.option("--no-deps", is_flag=True)
@click.option("-T", "is_plain", is_flag=True)
@click.argument("service")
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def run(given: dict[str, Any], is_removed: bool, no_deps: bool, is_plain: bool, service: str, words: tuple[str, ...]) -> None:
    _known(given, [service])
    _inside(service, list(words))


def _known(given: dict[str, Any], services: Any) -> None:
    if unknown := set(services) - set(given["file"]["services"]):
        raise click.ClickException(f"no such service: {', '.join(sorted(unknown))}")


def _inside(service: str, words: list[str]) -> None:
    """What a container of the service would run, with its environment."""
    environment = _state()["environments"]["postgres" if service == "postgres" else "code"]
    done = subprocess.run([environment["ENTRYPOINT"], *words] if service != "postgres" else words, env=environment, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def _first_run(state: dict[str, Any]) -> None:
    """What the daemon's first run leaves, as far as a backup is concerned: rows in the operational database, a file in the home."""
    code = (
        "import os; from pathlib import Path; from insights_assets.resources.operations import open_operations; o = open_operations(os.environ['INSIGHTS_OPERATIONS_URL']);"
        "o.migrate(); o.audit.append('a-person', 'approve', 'ACT-1', reason='it is right'); o.close();"
        "p = Path(os.environ['INSIGHTS_HOME'], 'desk'); p.mkdir(parents=True, exist_ok=True); (p / 'ticket.md').write_text('a ticket')"
    )
    if not state["seen"]:
        _inside("code", [sys.executable, "-c", code])


def _state() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(os.environ[WORLD]).read_text(encoding="utf-8"))
    return found


def _keep(state: dict[str, Any]) -> None:
    Path(os.environ[WORLD]).write_text(json.dumps(state), encoding="utf-8")


if __name__ == "__main__":
    main(prog_name="docker")
