"""Prompts: versioned text with front matter, and an id that changes when a single letter does.

Belongs here: finding the files of `insights_prompts`, parsing front matter, content-hashed version ids (R86).
Does not belong here: filling a prompt in, calling a model, deciding which version is live in a shop (that is an
`activations` row; ACTIVE is only a new home's default).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

#: The folder of label sets, which live and change beside the prompts.
LABEL_SETS = "label_sets"
REQUIRED_FRONT_MATTER = ("version", "task", "label_set", "schema", "model_family", "eval_set", "gates", "owner")


class PromptError(ValueError):
    """A prompt that cannot be used; the message names file and field."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One version of one prompt. `version_id` is what a label stores."""

    task: str
    version: str
    version_id: str
    front_matter: Mapping[str, Any]
    body: str

    @property
    def owner(self) -> str:
        """Team that signs off a change."""
        return str(self.front_matter["owner"])


def prompt_text(path: str) -> str:
    """Text of a file below the prompts folder; a FileNotFoundError names the path."""
    entry = _root().joinpath(*path.split("/"))
    if not entry.is_file():
        raise FileNotFoundError(f"prompts/{path} does not exist")
    return entry.read_text(encoding="utf-8")


def prompt_versions(task: str) -> tuple[str, ...]:
    """Versions of a task that have a file, in natural order (v2 before v10)."""
    folder = _root().joinpath(task)
    if not folder.is_dir():
        raise FileNotFoundError(f"prompts/{task} does not exist")
    names = [entry.name[:-3] for entry in folder.iterdir() if entry.name.endswith(".md") and entry.name[0] == "v"]
    return tuple(sorted(names, key=lambda name: (len(name), name)))


def prompt_tasks() -> tuple[str, ...]:
    """Tasks that have a prompt in force, in order of name."""
    folders = (entry for entry in _root().iterdir() if entry.is_dir() and entry.name != LABEL_SETS)
    return tuple(sorted(entry.name for entry in folders if entry.joinpath("ACTIVE").is_file()))


def label_set_versions() -> tuple[str, ...]:
    """Versions of the label set that have a file, in natural order."""
    names = [entry.name[:-5] for entry in _root().joinpath(LABEL_SETS).iterdir() if entry.name.endswith(".yaml")]
    return tuple(sorted(names, key=lambda name: (len(name), name)))


def prompts_folder() -> Any:
    """Where the prompts lie."""
    return _root()


@lru_cache(maxsize=32)
def load_prompt(task: str, version: str | None = None) -> Prompt:
    """Read one prompt (default: the version its ACTIVE file names)."""
    name = version or prompt_text(f"{task}/ACTIVE").strip()
    return parse_prompt(prompt_text(f"{task}/{name}.md"), task, name)


def parse_prompt(text: str, task: str, version: str) -> Prompt:
    """Split front matter from body, check it and hash the whole file."""
    import yaml

    where = f"prompts/{task}/{version}.md"
    if not text.startswith("---\n") or "\n---\n" not in text[4:]:
        raise PromptError(f"{where}: must begin with front matter between two lines of ---")
    head, body = text[4:].split("\n---\n", 1)
    try:
        front = yaml.safe_load(head)
    except yaml.YAMLError as error:
        raise PromptError(f"{where}: front matter is not readable: {error}") from error
    if not isinstance(front, dict):
        raise PromptError(f"{where}: front matter must be a mapping")
    for field in REQUIRED_FRONT_MATTER:
        if field not in front:
            raise PromptError(f"{where}: {field}: missing in the front matter")
    if front["task"] != task:
        raise PromptError(f"{where}: task: {front['task']!r} does not match the folder")
    if str(front["version"]) != version:
        raise PromptError(f"{where}: version: {front['version']!r} does not match the file name")
    if not body.strip():
        raise PromptError(f"{where}: the body is empty")
    # Hash over the whole file: a change of the gates is a change of the prompt's promise too.
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()[:8]
    return Prompt(task, version, f"{task}/{version}@{digest}", front, body.strip() + "\n")


@lru_cache(maxsize=1)
def _root() -> Any:
    """The installed package, else the repository's folder (a checkout that was never installed)."""
    try:
        return resources.files("insights_prompts")
    except ModuleNotFoundError:
        folder = Path(__file__).resolve().parents[2] / "prompts"
        if not folder.is_dir():
            raise FileNotFoundError(f"neither the package insights_prompts nor {folder} was found") from None
        return folder
