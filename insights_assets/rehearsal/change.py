"""What may change about labels, as one value: a prompt, a label set, the rules or a classifier, beside what is in force.

Belongs here: reading the word a person gave, from a version's name or a file that is in no release yet. Does not belong here: what the
change does (`relabelling`, `asking_ahead`), whether a version deserves it (its gate).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from insights_assets.labels.label_set import LabelSet, LabelSetError, load_label_set, parse_label_set
from insights_assets.labels.models import SHIPPED, active_version, candidate_version, model_file, shipped_version
from insights_assets.labels.prompt_versions import active_prompt, versions_of
from insights_assets.labels.prompt_versions import active_version as version_in_force
from insights_assets.labels.prompts import LABEL_SETS, Prompt, PromptError, load_prompt, parse_prompt
from insights_assets.labels.rules import RuleBook, RuleError, load_rules, parse_rules

if TYPE_CHECKING:
    from insights_assets.labels.classifier import Classifier
    from insights_assets.resources.operations import Operations

Kind = Literal["prompt", "label_set", "rules", "classifier"]
TASK = "label_feedback"
CANDIDATE = "candidate"


class ChangeError(ValueError):
    """No such change; the message says what there is."""


@dataclass(frozen=True)
class Change:
    """One part that would be another; the parts that stay are None."""

    kind: Kind
    version: str
    against: str
    rules: RuleBook | None = None
    classifier: Classifier | None = None
    label_set: LabelSet | None = None
    prompt: Prompt | None = None


def read_change(word: str, home: Path, operations: Operations) -> Change:
    """The change a word names: `v3` or `label_feedback/v3`, `label_sets/v2`, `candidate` or a classifier's version, or a file (.md, .yaml)."""
    path = Path(word)
    if path.suffix in (".md", ".yaml", ".yml"):
        if not path.is_file():
            raise ChangeError(f"{word} is not there")
        return _of_file(path, operations)
    if word == CANDIDATE or word.startswith("local@"):
        return _classifier(word, home, operations)
    task, _, name = word.rpartition("/")
    if task == LABEL_SETS:
        return _label_set(_known_set(name), operations)
    if task in ("", TASK) and name in versions_of(TASK):
        return Change("prompt", load_prompt(TASK, name).version_id, active_prompt(operations, TASK).version_id, prompt=load_prompt(TASK, name))
    candidate = candidate_version(operations)
    raise ChangeError(
        f"{word!r} names no change: give a prompt ({', '.join(versions_of(TASK))}), a label set ({', '.join(f'label_sets/{one}' for one in versions_of(LABEL_SETS))}), "
        f"a classifier ({'candidate, that is ' + candidate if candidate else 'none was trained in this home'}), or a file with rules, a label set (.yaml) or a prompt (.md)"
    )


def _known_set(name: str) -> LabelSet:
    if name not in versions_of(LABEL_SETS):
        raise ChangeError(f"{LABEL_SETS}/{name} does not exist; there are {', '.join(versions_of(LABEL_SETS))}")
    return load_label_set(name)


def _label_set(new: LabelSet, operations: Operations, mark: str = "") -> Change:
    return Change("label_set", f"{LABEL_SETS}/{new.version}{mark}", f"{LABEL_SETS}/{version_in_force(operations, LABEL_SETS)}", label_set=new)


def _classifier(word: str, home: Path, operations: Operations) -> Change:
    from insights_assets.labels.classifier import Classifier

    version = candidate_version(operations) if word == CANDIDATE else word
    if version is None:
        raise ChangeError("no classifier was trained in this home yet (job train_candidate)")
    path = model_file(home, version)
    if not path.is_file() and version == shipped_version():
        path = SHIPPED
    if not path.is_file():
        raise ChangeError(f"{version} is not among the home's models")
    return Change("classifier", version, active_version(home, operations), classifier=Classifier.load(path))


def _of_file(path: Path, operations: Operations) -> Change:
    """A version that is in no release: named by its own version and a hash of the file, so that two drafts are never taken for one."""
    import yaml

    text = path.read_text(encoding="utf-8")
    mark = f"@{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    try:
        if path.suffix == ".md":
            prompt = parse_prompt(text, TASK, path.stem)
            return Change("prompt", prompt.version_id, active_prompt(operations, TASK).version_id, prompt=prompt)
        document: Any = yaml.safe_load(text)
        if isinstance(document, dict) and "rules" in document:
            rules = parse_rules(document)
            return Change("rules", f"rules {rules.version}{mark}", f"rules {load_rules().version}", rules=rules)
        if isinstance(document, dict) and "topics" in document:
            return _label_set(parse_label_set(document, path.name), operations, mark)
    except yaml.YAMLError as error:
        raise ChangeError(f"{path.name}: not readable as YAML: {type(error).__name__}") from error
    except (PromptError, RuleError, LabelSetError, KeyError) as error:
        raise ChangeError(f"{path.name}: {error}") from error
    raise ChangeError(f"{path.name}: holds neither `rules` nor `topics`: it is no rule file and no label set")
