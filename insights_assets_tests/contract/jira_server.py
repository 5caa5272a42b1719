"""A stand-in for Jira Cloud's REST API v3: projects with workflows, issues, comments, files, links, and a search that lags.

Belongs here: how Jira behaves, as its documentation and this repository's notes on it say. Does not belong here: serving and faults
(`vendor_server.py`). A refused creation burns an issue number, as the real one does.
"""

from __future__ import annotations

import base64
import re
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from insights_assets_tests.contract import vendor_specs
from insights_assets_tests.contract.jira_world import BOT, EMAIL, PERSON, REST, TOKEN, Issue, JiraError, Project, time_text, words
from insights_assets_tests.contract.vendor_server import Call, Reply, VendorServer


class JiraServer(VendorServer):
    """`lag`: seconds until search sees what was written. `issues` in the order of their making."""

    def __init__(self, lag: float = 0.0) -> None:
        super().__init__()
        self.lag = lag
        self.projects = {"QUAL": Project("QUAL", "10001"), "SUPPLY": Project("SUPPLY", "10002")}
        self.priorities = ("Highest", "High", "Medium", "Low")
        self.issues: list[Issue] = []
        self.shows_addresses = True
        self._next = 10_000

    # -- for tests -------------------------------------------------------------------------------------------------------------

    def issue(self, key: str) -> Issue:
        for issue in self.issues:
            if issue.key == key:
                return issue
        raise JiraError(404, "Issue does not exist or you do not have permission to see it.")

    def person_moves(self, key: str, status: str, resolution: str = "", by: str = PERSON) -> None:
        """A person drags a ticket in the browser."""
        with self.lock:
            self._set_status(self.issue(key), status, by, resolution)

    def person_clones(self, key: str) -> str:
        """A person clones a ticket in the browser: labels and all."""
        with self.lock:
            source = self.issue(key)
            source.project.numbers += 1
            now = self.now()
            clone = Issue(self._number(), f"{source.project.key}-{source.project.numbers}", source.project, dict(source.fields), now, now, creator=PERSON)
            clone.indexed.append((now, list(clone.fields["labels"])))
            self.issues.append(clone)
            return clone.key

    # -- VendorServer ------------------------------------------------------------------------------------------------------------

    def denies(self, headers: Any, path: str) -> Reply | None:
        wanted = "Basic " + base64.b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()
        if headers.get("Authorization") == wanted:
            return None
        return Reply(401, "Client must be authenticated to access this resource.", {"Content-Type": "text/plain"})

    def check(self, call: Call) -> list[str]:
        return vendor_specs.jira_problems(call.method, call.path, call.query, call.body, call.status, call.reply)

    def answer(self, method: str, path: str, query: dict[str, str], body: Any, headers: Any) -> Reply:
        if not path.startswith(REST):
            return Reply(404, {"errorMessages": ["dead link"], "errors": {}})
        parts = path[len(REST) + 1 :].split("/")
        try:
            match method, parts:
                case "POST", ["issue"]:
                    return self._create(body)
                case "GET", ["search", "jql"]:
                    return self._search(query)
                case "GET", ["issue", "createmeta", project, "issuetypes"]:
                    return self._types(project)
                case "GET", ["issue", "createmeta", project, "issuetypes", kind]:
                    return self._create_fields(project, kind)
                case "GET", ["issue", key]:
                    return Reply(200, self._bean(self._seen(key), query.get("fields", "")))
                case "GET", ["issue", key, "editmeta"]:
                    return self._edit_fields(self._seen(key))
                case "PUT", ["issue", key]:
                    return self._edit(self._seen(key), body)
                case "GET", ["issue", key, "transitions"]:
                    return Reply(200, {"expand": "transitions", "transitions": self._transitions(self._seen(key))})
                case "POST", ["issue", key, "transitions"]:
                    return self._transition(self._seen(key), body)
                case "GET", ["issue", key, "comment"]:
                    return self._comments(self._seen(key), query)
                case "POST", ["issue", key, "comment"]:
                    return self._comment(self._seen(key), body)
                case "GET", ["issue", key, "comment", number]:
                    return Reply(200, self._comment_of(self._seen(key), number))
                case "PUT", ["issue", key, "comment", number]:
                    held = self._comment_of(self._seen(key), number)
                    held["body"] = self._document(body["body"], "comment")
                    return Reply(200, held)
                case "POST", ["issue", key, "attachments"]:
                    return self._attach(self._seen(key), body, headers)
                case "GET", ["issue", key, "changelog"]:
                    return self._changelog(self._seen(key), query)
                case "GET", ["issueLinkType"]:
                    return Reply(200, {"issueLinkTypes": [self._link_type("10000", "Duplicate", "is duplicated by", "duplicates"), self._link_type("10001", "Relates", "relates to", "relates to")]})
                case "POST", ["issueLink"]:
                    return self._link(body)
                case "GET", ["myself"]:
                    return Reply(200, self._user(BOT))
                case "GET", ["mypermissions"]:
                    return self._permissions(query)
        except JiraError as error:
            return error.reply
        return Reply(404, {"errorMessages": [f"no such resource: {method} {path}"], "errors": {}})

    # -- issues --------------------------------------------------------------------------------------------------------------------

    def _seen(self, key: str) -> Issue:
        issue = next((one for one in self.issues if one.issue_id == key), None) or self.issue(key)
        if not issue.project.is_open:
            raise JiraError(404, "Issue does not exist or you do not have permission to see it.")
        return issue

    def _project(self, key: str) -> Project:
        if key not in self.projects or not self.projects[key].is_open:
            raise JiraError(404, f"No project could be found with key '{key}'.")
        return self.projects[key]

    def _number(self) -> str:
        self._next += 1
        return str(self._next)

    def _create(self, body: dict[str, Any]) -> Reply:
        fields = dict(body.get("fields") or {})
        project = self.projects.get(str((fields.get("project") or {}).get("key")))
        if project is None or not project.is_open:
            raise JiraError(400, project="valid project is required")
        project.numbers += 1  # burned, whatever comes
        if not project.may_create:
            raise JiraError(403, "You do not have permission to create issues in this project.")
        errors = {name: f"{name} is required." for name, required, default in project.fields if required and not default and name != "reporter" and not fields.get(name)}
        errors |= {name: f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown." for name in fields if name not in {one[0] for one in project.fields}}
        if (fields.get("issuetype") or {}).get("name") not in project.types:
            errors["issuetype"] = "Specify a valid issue type"
        errors |= self._field_errors(fields)
        if errors:
            raise JiraError(400, **errors)
        now = self.now()
        issue = Issue(self._number(), f"{project.key}-{project.numbers}", project, {"labels": [], **fields}, now, now)
        issue.indexed.append((now, list(issue.fields["labels"])))
        self.issues.append(issue)
        return Reply(201, {"id": issue.issue_id, "key": issue.key, "self": f"{self.url}{REST}/issue/{issue.issue_id}"})

    def _field_errors(self, fields: dict[str, Any]) -> dict[str, str]:
        errors = {}
        summary = fields.get("summary", "ok")
        if not isinstance(summary, str) or not summary or len(summary) > 255 or "\n" in summary:
            errors["summary"] = "Summary must be less than 255 characters, on one line."
        if "description" in fields:
            try:
                self._document(fields["description"], "description")
            except JiraError as error:
                errors["description"] = str(error)
        for label in fields.get("labels", ()):
            if not isinstance(label, str) or " " in label or len(label) > 255:
                errors["labels"] = f"The label '{label}' contains spaces which is invalid."
        if "priority" in fields and (fields["priority"] or {}).get("name") not in self.priorities:
            errors["priority"] = "The priority selected is invalid."
        if "duedate" in fields and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(fields["duedate"])):
            errors["duedate"] = "Error parsing date string"
        return errors

    def _document(self, document: Any, name: str) -> Any:
        """An ADF document as Jira takes it."""
        if not isinstance(document, dict) or document.get("type") != "doc" or document.get("version") != 1:
            raise JiraError(400, "Operation value must be an Atlassian Document (see the Atlassian Document Format)")
        found = vendor_specs.adf_problems(document)
        self.problems += found
        if found:
            raise JiraError(400, f"{name}: INVALID_INPUT")
        if len(words(document)) > 32_767:
            raise JiraError(400, f"{name}: CONTENT_LIMIT_EXCEEDED")
        return document

    def _edit(self, issue: Issue, body: dict[str, Any]) -> Reply:
        fields = dict(body.get("fields") or {})
        errors = {name: f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown." for name in fields if name not in {one[0] for one in issue.project.fields}}
        if errors := errors | self._field_errors(fields):
            raise JiraError(400, **errors)
        labels = list(issue.fields["labels"])
        for change in (body.get("update") or {}).get("labels", ()):
            if "add" in change and change["add"] not in labels:
                labels.append(change["add"])
            labels = [label for label in labels if label != change.get("remove")]
        issue.fields |= {**fields, "labels": labels}
        issue.updated = self.now()
        issue.indexed.append((self.now(), labels))
        return Reply(204)

    # -- workflow --------------------------------------------------------------------------------------------------------------------

    def _status(self, issue: Issue, name: str) -> dict[str, Any]:
        category = issue.project.workflow[name][0]
        return {
            "self": f"{self.url}{REST}/status/1", "id": str(1 + list(issue.project.workflow).index(name)), "name": name, "description": "", "iconUrl": f"{self.url}/",
            "statusCategory": {"self": f"{self.url}{REST}/statuscategory/1", "id": 1, "key": category, "name": category, "colorName": "blue-gray"},
        }  # fmt: skip

    def _transitions(self, issue: Issue) -> list[dict[str, Any]]:
        names = sorted({name for _, moves in issue.project.workflow.values() for name in moves})
        moves = issue.project.workflow[issue.status][1]
        return [
            {"id": str(11 + names.index(name)), "name": name, "to": self._status(issue, to), "hasScreen": False, "isGlobal": False, "isInitial": False, "isConditional": False}
            for name, to in moves.items()
        ]

    def _transition(self, issue: Issue, body: dict[str, Any]) -> Reply:
        for one in self._transitions(issue):
            if one["id"] == str(body["transition"]["id"]):
                self._set_status(issue, one["to"]["name"], BOT)
                return Reply(204)
        raise JiraError(400, "It seems that you have tried to perform an illegal workflow operation.")

    def _set_status(self, issue: Issue, status: str, by: str, resolution: str = "") -> None:
        items = [{"field": "status", "fieldtype": "jira", "fieldId": "status", "from": "1", "fromString": issue.status, "to": "2", "toString": status}]
        if resolution:
            items.append({"field": "resolution", "fieldtype": "jira", "fieldId": "resolution", "to": "1", "toString": resolution})
        issue.histories.append({"id": self._number(), "author": self._user(by), "created": time_text(self.now()), "items": items})
        issue.status, issue.updated = status, self.now()

    def _changelog(self, issue: Issue, query: dict[str, str]) -> Reply:
        start, size = int(query.get("startAt", 0)), min(int(query.get("maxResults", 100)), 100)
        values = issue.histories[start : start + size]
        last = start + size >= len(issue.histories)
        return Reply(200, {"self": f"{self.url}{REST}/x", "maxResults": size, "startAt": start, "total": len(issue.histories), "isLast": last, "values": values})

    # -- beneath an issue ------------------------------------------------------------------------------------------------------------

    def _comments(self, issue: Issue, query: dict[str, str]) -> Reply:
        listed = sorted(issue.comments, key=lambda one: int(one["id"]), reverse=query.get("orderBy", "").startswith("-"))
        start, size = int(query.get("startAt", 0)), int(query.get("maxResults", 100))
        return Reply(200, {"startAt": start, "maxResults": size, "total": len(listed), "comments": listed[start : start + size]})

    def _comment(self, issue: Issue, body: dict[str, Any]) -> Reply:
        now = time_text(self.now())
        made = {"id": self._number(), "self": f"{self.url}{REST}/c", "author": self._user(BOT), "body": self._document(body.get("body"), "comment"), "created": now, "updated": now}
        issue.comments.append(made)
        issue.updated = self.now()
        return Reply(201, made)

    def _comment_of(self, issue: Issue, number: str) -> dict[str, Any]:
        for one in issue.comments:
            if one["id"] == number:
                return one
        raise JiraError(404, "Can not find a comment for the id.")

    def _attach(self, issue: Issue, body: bytes, headers: Any) -> Reply:
        if headers.get("X-Atlassian-Token") != "no-check":
            raise JiraError(403, "XSRF check failed")
        parsed = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body)
        made = []
        for part in parsed.iter_parts():
            content = part.get_payload(decode=True)
            made.append({
                "self": f"{self.url}{REST}/attachment/1", "id": self._number(), "filename": part.get_filename(), "author": self._user(BOT), "created": time_text(self.now()),
                "size": len(content), "mimeType": "text/csv", "content": f"{self.url}{REST}/attachment/content/1",
            })  # fmt: skip
            issue.files.append({**made[-1], "_bytes": content})
        return Reply(200, made)

    def _link_type(self, number: str, name: str, inward: str, outward: str) -> dict[str, str]:
        return {"id": number, "name": name, "inward": inward, "outward": outward, "self": f"{self.url}{REST}/issueLinkType/{number}"}

    def _link(self, body: dict[str, Any]) -> Reply:
        inward, outward = self._seen(body["inwardIssue"]["key"]), self._seen(body["outwardIssue"]["key"])
        kind = self._link_type("10000", body["type"]["name"], "in", "out")
        number = self._number()
        inward.links.append({"id": number, "type": kind, "outwardIssue": {"id": outward.issue_id, "key": outward.key}})
        outward.links.append({"id": number, "type": kind, "inwardIssue": {"id": inward.issue_id, "key": inward.key}})
        return Reply(201)

    # -- reading ---------------------------------------------------------------------------------------------------------------------

    def _bean(self, issue: Issue, fields: str) -> dict[str, Any]:
        files = [{key: value for key, value in one.items() if key != "_bytes"} for one in issue.files]
        every = {**issue.fields, "status": self._status(issue, issue.status), "attachment": files, "issuelinks": issue.links, "creator": self._user(issue.creator), "updated": time_text(issue.updated), "created": time_text(issue.created)}
        wanted = fields.split(",") if fields else list(every)
        return {"id": issue.issue_id, "key": issue.key, "self": f"{self.url}{REST}/issue/{issue.issue_id}", "fields": {name: every.get(name) for name in wanted}}

    def _search(self, query: dict[str, str]) -> Reply:
        jql = query.get("jql", "").split(" ORDER BY ")[0]
        seen_until = self.now() - self.lag
        found = [issue for issue in self.issues if issue.project.is_open]
        for clause in jql.split(" AND "):
            if match := re.fullmatch(r'labels = "([\w.-]+)"', clause):
                found = [one for one in found if match[1] in next((labels for at, labels in reversed(one.indexed) if at <= seen_until), [])]
            elif clause == "creator = currentUser()":
                found = [one for one in found if one.creator == BOT]
            elif match := re.fullmatch(r'created >= "-(\d+)d"', clause):
                found = [one for one in found if one.created >= self.now() - int(match[1]) * 86_400]
            elif match := re.fullmatch(r'updated >= "-(\d+)m"', clause):
                found = [one for one in found if seen_until >= one.updated >= self.now() - int(match[1]) * 60]
            else:
                raise JiraError(400, f"Error in the JQL Query: {clause}")
        start, size = int(query.get("nextPageToken") or 0), int(query.get("maxResults", 50))
        page = found[start : start + size]
        token = {"nextPageToken": str(start + size)} if start + size < len(found) else {}
        return Reply(200, {"issues": [self._bean(one, query.get("fields", "id")) for one in page], "isLast": not token, **token})

    def _types(self, project: str) -> Reply:
        found = self._project(project)
        types = [{"id": str(10 + number), "name": name, "self": f"{self.url}{REST}/issuetype/{number}", "subtask": False} for number, name in enumerate(found.types)]
        return Reply(200, {"startAt": 0, "maxResults": 200, "total": len(types), "issueTypes": types})

    def _create_fields(self, project: str, kind: str) -> Reply:
        found = self._project(project)
        fields = [
            {"fieldId": name, "key": name, "name": name, "required": required, "hasDefaultValue": default, "operations": ["set"], "schema": {"type": "string"}}
            for name, required, default in found.fields
        ]
        return Reply(200, {"startAt": 0, "maxResults": 200, "total": len(fields), "fields": fields})

    def _edit_fields(self, issue: Issue) -> Reply:
        shown = {name: {"key": name, "name": name, "required": required, "operations": ["set"], "schema": {"type": "string"}} for name, required, _ in issue.project.fields}
        return Reply(200, {"fields": shown})

    def _permissions(self, query: dict[str, str]) -> Reply:
        project = self._project(query.get("projectKey", ""))
        names = query.get("permissions", "").split(",")
        return Reply(200, {"permissions": {name: {"id": "1", "key": name, "name": name, "havePermission": project.may_create or name != "CREATE_ISSUES"} for name in names}})

    def _user(self, account: str) -> dict[str, Any]:
        is_bot = account == BOT
        shown = {"accountId": account, "accountType": "atlassian", "active": True, "displayName": "Insights" if is_bot else "Quinn", "self": f"{self.url}{REST}/user?accountId=1"}
        return {**shown, "emailAddress": EMAIL if is_bot else "quality.lead@shop.example"} if self.shows_addresses else shown
