"""What vendors publish of their interfaces, as a check of every call and answer of their stand-ins.

Belongs here: reading the descriptions beside the repository and holding calls against them. Where they are missing nothing is
checked, and `test_destinations_specs.py` says so by skipping. Does not belong here: behaviour.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from referencing import Registry
from referencing.jsonschema import DRAFT4

SPECS = Path(__file__).resolve().parents[3] / "shared" / "specs"
MISSING = f"the vendors' published descriptions are not in {SPECS}"


def _load(name: str) -> dict[str, Any] | None:
    path = SPECS / name
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


@cache
def adf_validator() -> Any | None:
    """Atlassian's own JSON schema of its documents."""
    schema = _load("jira_adf_schema_full.json")
    return jsonschema.Draft4Validator(schema) if schema else None


def adf_problems(document: Any) -> list[str]:
    validator = adf_validator()
    if validator is None:
        return []
    return [f"ADF: {error.message[:300]}" for error in validator.iter_errors(document)][:3]


class Description:
    """One OpenAPI document; `$ref`s are followed within it."""

    def __init__(self, document: dict[str, Any], base: str) -> None:
        self.document = document
        self.base = base
        self._registry = Registry().with_resource("urn:vendor", DRAFT4.create_resource(document))
        self._paths = [(re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path) + r"\Z"), path) for path in document["paths"]]
        self._paths.sort(key=lambda pair: pair[1].count("{"))

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        for pattern, template in self._paths:
            if path.startswith(self.base) and pattern.match(path[len(self.base) :]):
                found = self.document["paths"][template].get(method.lower())
                if found:
                    return dict(found)
        return None

    def problems(self, pointer_or_schema: dict[str, Any], value: Any, where: str) -> list[str]:
        schema = json.loads(json.dumps(pointer_or_schema).replace('"#/', '"urn:vendor#/'))
        validator = jsonschema.Draft4Validator(schema, registry=self._registry)
        return [f"{where}: {'/'.join(str(part) for part in error.absolute_path)}: {error.message[:300]}" for error in validator.iter_errors(value)][:3]


def _nullable(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` as JSON schema says it."""
    if isinstance(node, dict):
        found = {key: _nullable(value) for key, value in node.items()}
        if found.pop("nullable", False) is True and isinstance(found.get("type"), str):
            found["type"] = [found["type"], "null"]
        return found
    return [_nullable(one) for one in node] if isinstance(node, list) else node


@cache
def jira_description() -> Description | None:
    document = _load("jira.json")
    return Description({"paths": document["paths"], "components": _nullable(document["components"])}, "") if document else None


@cache
def slack_description() -> Description | None:
    """The description is of 2021 and archived. What the documentation says otherwise today is put in here, and nothing else: metadata of
    messages, cursors of histories, a history without messages, and blocks as a list in the reply of an update.
    """
    document = _load("slack.json")
    if not document:
        return None
    document["definitions"]["objs_message"]["properties"]["metadata"] = {"type": "object"}
    document["definitions"]["blocks"] = {"type": "array", "items": {"type": "object", "required": ["type"]}}
    for path in ("/conversations.history", "/conversations.replies"):
        schema = document["paths"][path]["get"]["responses"]["200"]["schema"]
        schema["properties"]["response_metadata"] = {"type": "object", "properties": {"next_cursor": {"type": "string"}}}
        schema["properties"]["messages"].pop("minItems", None)
    update = document["paths"]["/chat.update"]["post"]["responses"]["200"]["schema"]
    update["properties"]["message"]["properties"]["blocks"] = document["definitions"]["blocks"]
    return Description(document, "/api")


#: Arguments that Slack documents today and the published description does not have yet.
SLACK_ADDED = {
    "chat.postMessage": {"metadata"}, "chat.update": {"metadata"}, "conversations.history": {"include_all_metadata"}, "conversations.replies": {"include_all_metadata"},
}  # fmt: skip


def jira_problems(method: str, path: str, query: dict[str, str], body: Any, status: int, reply: Any) -> list[str]:
    """What of a call does not fit Jira's description."""
    description = jira_description()
    if description is None:
        return []
    where = f"{method} {path}"
    operation = description.operation(method, path)
    if operation is None:
        return [f"{where}: not in the description"]
    known = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"}
    found = [f"{where}: unknown parameter {name}" for name in query if name not in known]
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if schema and isinstance(body, (dict, list)):
        found += description.problems(schema, body, f"{where} request")
    answers = operation["responses"].get(str(status))
    if answers is None and status < 400:
        found.append(f"{where}: {status} is not in the description")
    schema = (answers or {}).get("content", {}).get("application/json", {}).get("schema")
    if schema and reply is not None and status < 400:
        found += description.problems(schema, reply, f"{where} reply {status}")
    return found


def slack_problems(path: str, arguments: dict[str, Any], reply: Any) -> list[str]:
    """What of a call does not fit Slack's description. The client posts everything, so the method is not compared."""
    description = slack_description()
    if description is None:
        return []
    name = path.rpartition("/")[2]
    operation = description.operation("get", path) or description.operation("post", path)
    if operation is None:
        return [f"{path}: not in the description"] if name != "apps.connections.open" else []
    known = {parameter["name"] for parameter in operation["parameters"]} | SLACK_ADDED.get(name, set())
    found = [f"{name}: unknown argument {argument}" for argument in arguments if argument not in known]
    found += [f"{name}: {p['name']} is missing" for p in operation["parameters"] if p.get("required") and p["name"] not in ("token", *arguments)]
    key = "200" if isinstance(reply, dict) and reply.get("ok") else "default"
    schema = operation["responses"].get(key, {}).get("schema")
    return found + (description.problems(schema, reply, f"{name} reply") if schema and key == "200" else [])
