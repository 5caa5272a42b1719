"""The files of deploy/ as a platform team reads them: what runs as whom, what is pinned, what a secret never passes through."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import ValidationError

from insights_assets.settings import DEPLOYMENT_NAMES, SECRETS_FOLDER, Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
OURS = ("code", "daemon", "webserver", "console", "migrate")


def lines(name: str) -> list[str]:
    """A Dockerfile's instructions, continued lines joined, comments left out."""
    text = re.sub(r"\\\n\s*", "", (DEPLOY / name).read_text(encoding="utf-8"))
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def pins(path: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """name -> (version, hashes) of a lock; which machines a line is for may be said in other words."""
    found = {}
    for block in re.split(r"\n(?=\S)", path.read_text(encoding="utf-8")):
        head, _, rest = block.partition(" \\\n")
        if head:
            name, _, version = head.partition("==")
            found[name] = (version.partition(";")[0].strip(), frozenset(re.findall(r"sha256:[0-9a-f]{64}", rest)))
    return found


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


def test_the_compose_file_is_what_the_published_schema_describes(compose: dict[str, Any]) -> None:
    schema = json.loads(resources.files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text(encoding="utf-8"))
    jsonschema.validate(compose, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**compose, "services": {"code": {"imagee": "x"}}}, schema)


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_can_write_only_where_it_must(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"] and "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service and not any("docker.sock" in str(volume) for volume in service.get("volumes", ()))
    assert {str(volume).partition(":")[0] for volume in service["volumes"] if not str(volume).endswith(":ro")} <= {"home", "dagster"}
    assert name == "migrate" or service["healthcheck"]["test"][0] == "CMD"
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), "what asks nobody who they are is on loopback"


def test_daemon_database_and_migration_reach_nothing_outside(compose: dict[str, Any]) -> None:
    assert compose["networks"]["state"]["internal"] is True
    for name in ("postgres", "migrate", "daemon"):
        assert compose["services"][name]["networks"] == ["state"]
    assert "ports" not in compose["services"]["postgres"]


def test_secrets_are_files_and_no_environment_holds_one(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for key, value in (service.get("environment") or {}).items():
            is_secret = re.search(r"PASSWORD|TOKEN|SECRET|_KEY", key) and not key.endswith(("_FILE", "_DIR"))
            assert not is_secret, f"{name} has {key} in its environment"
            assert not re.search(r"://[^/@]*:[^/@]*@", str(value)), f"{name}: {key} holds a password"
        for secret in service.get("secrets", ()):
            assert secret in compose["secrets"]
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())
    example = (DEPLOY / ".env.example").read_text(encoding="utf-8")
    assert not re.search(r"^#?\s*\w*(PASSWORD|TOKEN|SECRET|_KEY)\w*=", example, re.M)
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert "/deploy/.env" in ignored and "/deploy/secrets/" in ignored


def test_secret_files_are_settings_by_their_names(compose: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = [name.removeprefix("insights_") for name in compose["secrets"] if name.startswith("insights_")]
    assert named and set(named) <= set(Settings.model_fields)
    (tmp_path / "insights_jira_token").write_text("from the file\n", encoding="utf-8")
    (tmp_path / "insights_model_key").write_text("", encoding="utf-8")
    monkeypatch.setenv(SECRETS_FOLDER, str(tmp_path))
    monkeypatch.delenv("INSIGHTS_MODEL_KEY", raising=False)
    monkeypatch.delenv("INSIGHTS_JIRA_TOKEN", raising=False)
    settings = Settings()
    assert settings.jira_token is not None and settings.jira_token.get_secret_value() == "from the file"
    assert settings.model_key is None, "an empty file is no secret"
    monkeypatch.setenv("INSIGHTS_JIRA_TOKEN", "from the environment")
    assert Settings().jira_token.get_secret_value() == "from the environment"  # type: ignore[union-attr]
    monkeypatch.setenv(SECRETS_FOLDER, str(tmp_path / "nowhere"))
    with pytest.raises((ValidationError, ValueError), match="which is no folder"):
        Settings()


def test_each_name_in_an_installations_environment_is_known_to_the_doctor() -> None:
    """A name that nothing reads is a slip; one that only deploy/ reads is none."""
    files = [path for path in DEPLOY.iterdir() if path.is_file() and path.suffix != ".lock"]
    named = {name for path in files for name in re.findall(r"\bINSIGHTS_[A-Z_]+[A-Z]\b", path.read_text(encoding="utf-8"))} - {"INSIGHTS_NAME"}
    settings = {f"INSIGHTS_{name.upper()}" for name in Settings.model_fields}
    assert len(named) > 15 and named - settings - DEPLOYMENT_NAMES == set()
    assert DEPLOYMENT_NAMES - named == set(), "left over from an earlier deploy/"


def test_what_both_locks_name_is_in_the_image_too() -> None:
    """pip sees the building tools beside the environment and would count what both locks name as installed: the image went out without `packaging`, and nothing of it started."""
    both = set(pins(DEPLOY / "build.lock")) & set(pins(DEPLOY / "requirements.lock"))
    (installs,) = [line for line in lines("Dockerfile") if "requirements.lock" in line and line.startswith("RUN")]
    second = installs.split("&&")[-1]
    assert both and "PYTHONPATH=/opt/build" in second and "--ignore-installed" in second
    (ends,) = [line for line in lines("Dockerfile") if "compileall" in line]
    assert "pip check" in ends and "dagster --version" in ends, "a part that is missing ends the build"


def test_the_image_is_pinned_and_runs_as_nobody_special() -> None:
    found = lines("Dockerfile")
    bases = [line.split()[1] for line in found if line.startswith("FROM")]
    assert all(re.search(r":\d+\.\d+\.\d+-slim-\w+$", base) for base in bases), bases
    last = max(number for number, line in enumerate(found) if line.startswith("FROM"))
    assert [line for line in found[last:] if line.startswith("USER")] == ["USER 10001:10001"]
    assert any(line.startswith("HEALTHCHECK") for line in found[last:])
    installs = [line for line in found if "pip install" in line]
    assert installs and all("--require-hashes" in part or "--no-index" in part for line in installs for part in line.split("pip install")[1:])
    assert all("--no-build-isolation" in part or "--target" in part for line in installs for part in line.split("pip install")[1:]), "sources are built with what the lock pins"
    assert not any(re.search(r"\b(ADD|sudo|curl|wget)\b|apt-get|:latest", line) for line in found)
    let_in = {line[1:] for line in lines("Dockerfile.dockerignore") if line.startswith("!")}
    copied = set()
    for line in found:
        if line.startswith("COPY") and "--from" not in line:
            words = [word for word in line.split()[1:] if not word.startswith("--")]
            assert all((ROOT / word).exists() for word in words[:-1]), line
            copied.update(words[:-1])
    assert copied == let_in, "what the image is made of, and nothing else, goes to the builder"


def test_the_image_gets_the_versions_that_were_tested() -> None:
    tested, deployed = pins(ROOT / "requirements.lock"), pins(DEPLOY / "requirements.lock")
    assert len(deployed) > 100 and {"dagster", "dagster-postgres", "psycopg"} <= set(deployed)
    assert all(tested.get(name) == pin for name, pin in deployed.items()), "write deploy/requirements.lock anew (docs/production.md)"
    assert all(hashes for _, hashes in deployed.values())
    assert not {"pytest", "selenium", "mypy", "check-jsonschema"} & set(deployed), "what tests need is not deployed"
    built = pins(DEPLOY / "build.lock")
    assert tested["setuptools"] == built["setuptools"]


def test_the_settings_of_production_are_those_of_a_home_but_for_storage_and_watching() -> None:
    production = yaml.safe_load((DEPLOY / "dagster.yaml").read_text(encoding="utf-8"))
    home = yaml.safe_load((ROOT / "insights_assets" / "resources" / "dagster.yaml").read_text(encoding="utf-8"))
    for section in ("telemetry", "nux", "concurrency", "retention"):
        assert production[section] == home[section], section
    assert production["telemetry"] == {"enabled": False} and production["concurrency"]["runs"]["max_concurrent_runs"] == 1
    assert production["run_monitoring"]["enabled"] and production["run_monitoring"]["max_runtime_seconds"] > 0
    driver = re.search(r"INSIGHTS_DAGSTER_URL: (\S+?)://", (DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    assert driver is not None and driver[1] == "postgresql+psycopg2", "another driver refuses Dagster's NOTIFY"


@pytest.mark.parametrize("password", ["plain", r"a:b\c", "with space and ' \" $"])
def test_the_password_goes_from_file_to_file(tmp_path: Path, password: str) -> None:
    (tmp_path / "password").write_text(password + "\n", encoding="utf-8")
    told = subprocess.run(
        [str(DEPLOY / "entrypoint.sh"), "sh", "-c", 'cat "$PGPASSFILE"; stat -c %a "$PGPASSFILE"; env'], capture_output=True, text=True, check=True,
        env={"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), "POSTGRES_PASSWORD_FILE": str(tmp_path / "password")},
    ).stdout.splitlines()  # fmt: skip
    assert told[0] == "*:*:*:*:" + password.replace("\\", "\\\\").replace(":", "\\:") and told[1] == "600"
    assert not any(password in line for line in told[2:])
    assert (DEPLOY / "entrypoint.sh").stat().st_mode & stat.S_IXUSR
