"""The lint of `prompts/`: what must hold before a change of a prompt, schema or label set may be merged.

Belongs here: every rule, each with a sentence that names file and field; the lock of released versions (`versions.lock`). Does not belong here:
whether a version is any good (its gate). Changed content under an unchanged version is refused: labels name the version that made them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from insights_assets.labels.label_set import TEAMS, LabelSet, LabelSetError, parse_label_set
from insights_assets.labels.prompts import LABEL_SETS, Prompt, PromptError, parse_prompt, prompts_folder

LOCK = "versions.lock"
#: Keywords that strict schemas on Azure do not take (the vendor's page of December 2025).
REJECTED_KEYWORDS = frozenset({
    "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "multipleOf", "patternProperties", "unevaluatedProperties", "propertyNames",
    "minProperties", "maxProperties", "unevaluatedItems", "contains", "minContains", "maxContains", "minItems", "maxItems", "uniqueItems",
    "oneOf", "allOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "default",
})
MOST_PROPERTIES, MOST_LEVELS, MOST_ENUM_VALUES = 100, 5, 500
_PARAMETERS = {"temperature": (int, float), "max_output_tokens": (int,)}
_VERSIONED = re.compile(r"(?:schema_)?v\d+\.(?:md|json|yaml)$|\w+_v\d+\.jsonl$")
_PLACEHOLDERS = {"label_feedback": ("{{topics}}", "{{risk_tags}}")}


@dataclass
class Lint:
    """What was found: faults stop a merge, remarks do not."""

    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    unlocked: dict[str, str] = field(default_factory=dict)


def lint(folder: Any = None) -> Lint:
    """Every rule over a prompts folder (default: the installed one)."""
    root = folder if folder is not None else prompts_folder()
    found = Lint()
    label_sets = _label_sets(root, found)
    for task in sorted(entry.name for entry in root.iterdir() if entry.is_dir() and entry.joinpath("ACTIVE").is_file()):
        names = sorted(_names(root.joinpath(task), "yaml" if task == LABEL_SETS else "md"), key=lambda name: (len(name), name))
        _pointer_and_changelog(root, task, names, found)
        if task != LABEL_SETS:
            for name in names:
                _prompt(root, task, name, label_sets, found)
    _lock(root, found)
    return found


def locked_lines(folder: Any = None) -> str:
    """The lock with every version that is new; versions that are in it keep their hash, so a changed one stays refused."""
    root = folder if folder is not None else prompts_folder()
    known = {**_current(root), **_locked(root)}
    return _HEAD + "".join(f"{digest}  {path}\n" for path, digest in sorted(known.items()))


_HEAD = "# sha256 of every released version. New versions are added by `insights prompts lint --lock`; a line that is here never changes.\n"


def _lock(root: Any, found: Lint) -> None:
    locked, current = _locked(root), _current(root)
    for path, digest in sorted(current.items()):
        if path not in locked:
            found.unlocked[path] = digest
            found.faults.append(f"prompts/{path}: not in {LOCK} yet; `insights prompts lint --lock` adds a new version")
        elif locked[path] != digest:
            found.faults.append(f"prompts/{path}: its content changed under an unchanged version; restore it and write the change into a new version")
    found.faults += [f"prompts/{path}: a released version is gone; labels that it made name it" for path in sorted(set(locked) - set(current))]


def _current(root: Any) -> dict[str, str]:
    return {
        f"{folder.name}/{entry.name}": hashlib.sha256(entry.read_bytes()).hexdigest()
        for folder in root.iterdir() if folder.is_dir() for entry in folder.iterdir() if _VERSIONED.fullmatch(entry.name)
    }


def _locked(root: Any) -> dict[str, str]:
    entry = root.joinpath(LOCK)
    if not entry.is_file():
        return {}
    lines = [line.split() for line in entry.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#")]
    return {parts[1]: parts[0] for parts in lines if len(parts) == 2}


def _names(folder: Any, ending: str) -> list[str]:
    return [entry.name.removesuffix(f".{ending}") for entry in folder.iterdir() if re.fullmatch(rf"v\d+\.{ending}", entry.name)]


def _label_sets(root: Any, found: Lint) -> dict[str, LabelSet]:
    read: dict[str, LabelSet] = {}
    for name in _names(root.joinpath(LABEL_SETS), "yaml"):
        where = f"prompts/{LABEL_SETS}/{name}.yaml"
        try:
            read[name] = parse_label_set(yaml.safe_load(root.joinpath(LABEL_SETS, f"{name}.yaml").read_text(encoding="utf-8")), where)
        except (LabelSetError, yaml.YAMLError) as error:
            found.faults.append(str(error) if isinstance(error, LabelSetError) else f"{where}: not readable as YAML")
            continue
        if read[name].version != name:
            found.faults.append(f"{where}: version: {read[name].version!r} does not match the file name")
    return read


def _pointer_and_changelog(root: Any, task: str, names: list[str], found: Lint) -> None:
    active = root.joinpath(task, "ACTIVE").read_text(encoding="utf-8").strip()
    if active not in names:
        found.faults.append(f"prompts/{task}/ACTIVE: {active!r} has no file; there are {', '.join(names) or 'none'}")
    log = root.joinpath(task, "CHANGELOG.md")
    told = set(re.findall(r"^## (v\d+)\b", log.read_text(encoding="utf-8"), re.MULTILINE)) if log.is_file() else set()
    found.faults += [f"prompts/{task}/CHANGELOG.md: no section ## {name}: say why the version exists" for name in names if name not in told]


def _prompt(root: Any, task: str, name: str, label_sets: Mapping[str, LabelSet], found: Lint) -> None:
    where = f"prompts/{task}/{name}.md"
    try:
        prompt = parse_prompt(root.joinpath(task, f"{name}.md").read_text(encoding="utf-8"), task, name)
    except PromptError as error:
        found.faults.append(str(error))
        return
    front = prompt.front_matter
    if front["owner"] not in TEAMS:
        found.faults.append(f"{where}: owner: {front['owner']!r} is no team; teams are {', '.join(sorted(TEAMS))}")
    if str(front["label_set"]) not in label_sets:
        found.faults.append(f"{where}: label_set: {front['label_set']!r} has no file that can be used")
    if not isinstance(front["model_family"], str) or not front["model_family"].strip():
        found.faults.append(f"{where}: model_family: needs a text")
    if not isinstance(front["gates"], Mapping) or not front["gates"]:
        found.faults.append(f"{where}: gates: needs at least one gate")
    found.faults += _parameters(front.get("parameters"), where)
    found.faults += [f"{where}: the body lacks {mark}" for mark in _PLACEHOLDERS.get(task, ()) if mark not in prompt.body]
    if front["eval_set"] and not root.joinpath(*str(front["eval_set"]).split("/")).is_file():
        found.remarks.append(f"{where}: eval_set: {front['eval_set']} is not there yet, so its gates cannot be asked")
    if str(front["schema"]).endswith(".json"):
        found.faults += _schema_file(root, prompt, label_sets.get(str(front["label_set"])))


def _parameters(given: Any, where: str) -> Iterator[str]:
    if not isinstance(given, Mapping):
        yield f"{where}: parameters: needs temperature and max_output_tokens"
        return
    for name, kinds in _PARAMETERS.items():
        if not isinstance(given.get(name), kinds) or isinstance(given.get(name), bool):
            yield f"{where}: parameters.{name}: needs a number"
    yield from (f"{where}: parameters.{name}: unknown; known are {', '.join(_PARAMETERS)}" for name in sorted(set(given) - set(_PARAMETERS)))


def _schema_file(root: Any, prompt: Prompt, label_set: LabelSet | None) -> Iterator[str]:
    where = f"prompts/{prompt.task}/{prompt.front_matter['schema']}"
    entry = root.joinpath(prompt.task, str(prompt.front_matter["schema"]))
    try:
        document = json.loads(entry.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        yield f"{where}: not readable as JSON: {type(error).__name__}"
        return
    if document.get("strict") is not True:
        yield f"{where}: strict: must be true"
    name, stem = str(document.get("name")), label_set.schema_version if label_set is not None else ""
    if prompt.task in _PLACEHOLDERS:
        # A schema that asks for more than the label set's own says so behind its name.
        if label_set is not None and name != stem and not name.startswith(f"{stem}_"):
            yield f"{where}: name: {name!r}, but label set {label_set.version} says {stem!r}"
    elif not name.startswith(prompt.task):
        yield f"{where}: name: {name!r} must begin with the task, {prompt.task}"
    yield from (f"{where}: {fault}" for fault in schema_faults(document.get("schema"), label_set))


def schema_faults(schema: Any, label_set: LabelSet | None = None) -> Iterator[str]:
    """What of a schema a strict server would not take."""
    if not isinstance(schema, Mapping) or schema.get("type") != "object":
        yield "schema: the root must be an object"
        return
    counted = {"properties": 0, "enum": 0}
    yield from _node_faults(schema, "schema", 1, counted, label_set)
    if counted["properties"] > MOST_PROPERTIES:
        yield f"schema: {counted['properties']} properties, at most {MOST_PROPERTIES}"
    if counted["enum"] > MOST_ENUM_VALUES:
        yield f"schema: {counted['enum']} enum values in all, at most {MOST_ENUM_VALUES}"


def _node_faults(node: Mapping[str, Any], at: str, level: int, counted: dict[str, int], label_set: LabelSet | None) -> Iterator[str]:
    yield from (f"{at}.{keyword}: strict schemas on Azure do not take this keyword" for keyword in sorted(REJECTED_KEYWORDS & set(node)))
    for value in node.get("enum", ()):
        lists = {"{{topic_ids}}": label_set.topic_ids, "{{risk_tag_ids}}": label_set.risk_tag_ids} if label_set is not None else {}
        counted["enum"] += len(lists.get(value, (value,))) if isinstance(value, str) else 1
    children = dict(node.get("properties") or {})
    if node.get("type") == "object":
        if level > MOST_LEVELS:
            yield f"{at}: more than {MOST_LEVELS} levels of objects"
        if node.get("additionalProperties") is not False:
            yield f"{at}.additionalProperties: must be false"
        if sorted(node.get("required") or ()) != sorted(children):
            yield f"{at}.required: must name every property; what may be absent is nullable instead"
        counted["properties"] += len(children)
    for name, child in children.items():
        yield from _node_faults(child, f"{at}.{name}", level + 1, counted, label_set)
    if isinstance(node.get("items"), Mapping):
        yield from _node_faults(node["items"], f"{at}.items", level, counted, label_set)
    for child in node.get("anyOf") or ():
        yield from _node_faults(child, f"{at}.anyOf", level, counted, label_set)
