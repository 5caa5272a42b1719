"""Looking at a workspace: is all there that an installation needs, and does nobody hold more than they should? Reads only, by the SDK's GETs.

Belongs here: what is asked and what each answer means, with what to do. Does not belong here: making anything (`applying.py`), and whether
the model answers, which `insights doctor` asks everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from insights_assets.flow import STAGES
from insights_assets.governance.unity.roles import ROLES, Grant, grants, group_of, view_schema
from insights_assets.governance.unity.statements import Plan, bootstrap
from insights_assets.lake.unity import FILES_SCHEMA, VOLUMES
from insights_assets.tables import catalog_tables

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.catalog import SecurableType

    from insights_assets.settings import Settings

Level = Literal["ok", "warn", "fail"]
#: Share of a quota from which it is said.
_NEARLY_FULL = 0.9


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, how it stands, and what was seen or what to do."""

    check: str
    level: Level
    says: str


def examine(workspace: WorkspaceClient, settings: Settings) -> list[Finding]:
    """Every check in order. A workspace that cannot be signed in to is one finding, and ends it."""
    plan = Plan(settings.databricks_catalog or f"insights_{settings.databricks_env}", settings.databricks_env)
    signed_in = _sign_in(workspace, plan)
    if signed_in.level == "fail":
        return [signed_in]
    found = [signed_in]
    for name, check in _CHECKS:
        found.append(_ask(name, check, workspace, settings, plan))
        if name == "catalog" and found[-1].level == "fail":
            return [*found, *(_ask(name, check, workspace, settings, plan) for name, check in _BESIDE)]
    return [*found, *(_ask(name, check, workspace, settings, plan) for name, check in _BESIDE)]


def _ask(name: str, check: Callable[..., tuple[Level, str]], workspace: WorkspaceClient, settings: Settings, plan: Plan) -> Finding:
    from databricks.sdk.errors import DatabricksError, NotFound, PermissionDenied

    try:
        return Finding(name, *check(workspace, settings, plan))
    except PermissionDenied as error:
        return Finding(name, "warn", f"may not be looked at by this principal ({_line(error)}): ask as platform-admin, or leave it")
    except NotFound as error:
        return Finding(name, "fail", _line(error))
    except (DatabricksError, OSError, TimeoutError) as error:
        return Finding(name, "fail", f"the workspace did not answer: {_line(error)}")


def _line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _sign_in(workspace: WorkspaceClient, plan: Plan) -> Finding:
    from databricks.sdk.errors import DatabricksError, PermissionDenied, Unauthenticated

    host = workspace.config.host or ""
    try:
        me = workspace.current_user.me()
    except (Unauthenticated, PermissionDenied) as error:
        return Finding("sign-in", "fail", f"{host} refuses the credentials ({_line(error)}): make a new token, or check client id and secret of the service principal")
    except (DatabricksError, OSError, ValueError, TimeoutError) as error:
        return Finding("sign-in", "fail", f"{host} cannot be reached: {_line(error)}; check INSIGHTS_DATABRICKS_HOST and the network")
    mine = sorted(str(group.display) for group in me.groups or [] if str(group.display).startswith("insights-"))
    who = f"{host} as {me.user_name} ({workspace.config.auth_type})"
    if group_of(plan.env, "pipeline") in mine:
        return Finding("sign-in", "ok", f"{who}, member of {', '.join(mine)}")
    return Finding("sign-in", "warn", f"{who}, no member of {group_of(plan.env, 'pipeline')}: runs need that; looking does not")


def _lake(_workspace: WorkspaceClient, settings: Settings, plan: Plan) -> tuple[Level, str]:
    """Whether runs are told to use the catalog, and have an engine that can."""
    if not settings.databricks_catalog:
        return "warn", f"runs keep their tables below {settings.home}: set INSIGHTS_DATABRICKS_CATALOG={plan.catalog} to have them in the catalog"
    if not settings.spark_remote:
        return "fail", "the embedded engine cannot open managed tables: set INSIGHTS_SPARK_REMOTE=sc://… of the workspace for the steps that run here"
    return "ok", f"tables of {settings.databricks_catalog}, over Spark Connect"


def _groups(workspace: WorkspaceClient, _settings: Settings, plan: Plan) -> tuple[Level, str]:
    from insights_assets.governance.unity.applying import missing_groups

    missing = missing_groups(workspace, plan)
    if missing:
        return "fail", f"the workspace does not know {', '.join(missing)}: make them in the account and assign them to it"
    return "ok", f"all {len(ROLES)} groups insights-{plan.env}-… are there"


def _catalog(workspace: WorkspaceClient, _settings: Settings, plan: Plan) -> tuple[Level, str]:
    from databricks.sdk.errors import NotFound, PermissionDenied

    try:
        found = workspace.catalogs.get(plan.catalog)
    except (NotFound, PermissionDenied):
        return "fail", f"no catalog {plan.catalog}, or it may not be seen: run `insights databricks bootstrap --env {plan.env} --catalog {plan.catalog} --apply`"
    level: Level = "warn" if found.owner and "@" in found.owner else "ok"
    return level, f"{plan.catalog}, owned by {found.owner}" + ("; a person as owner reads every row: give it to a service principal" if level == "warn" else "")


def _schemas(workspace: WorkspaceClient, _settings: Settings, plan: Plan) -> tuple[Level, str]:
    have = {schema.name for schema in workspace.schemas.list(plan.catalog)}
    wanted = [one.subject for one in bootstrap(plan, catalog_tables()) if one.kind == "schema"]
    missing = [name for name in wanted if name not in have]
    return ("fail", f"{', '.join(missing)} missing: {_again(plan)}") if missing else ("ok", f"{len(wanted)} of {len(wanted)}")


def _tables(workspace: WorkspaceClient, _settings: Settings, plan: Plan) -> tuple[Level, str]:
    stored = {
        (stage.name, table.name): {column.name for column in table.columns or []}
        for stage in STAGES for table in workspace.tables.list(plan.catalog, stage.name, omit_properties=True)
    }  # fmt: skip
    missing = [str(spec) for spec in catalog_tables() if (spec.stage, spec.name) not in stored]
    lacking = [f"{spec}.{name}" for spec in catalog_tables() for name in spec.column_names if name not in stored.get((spec.stage, spec.name), {name})]
    if missing or lacking:
        return "fail", f"{len(missing)} tables and {len(lacking)} columns missing ({', '.join([*missing, *lacking][:3])}): {_again(plan)}"
    return "ok", f"{len(catalog_tables())} tables with all their columns"


def _volumes(workspace: WorkspaceClient, _settings: Settings, plan: Plan) -> tuple[Level, str]:
    have = {volume.name for volume in workspace.volumes.list(plan.catalog, FILES_SCHEMA)}
    missing = [name for name in VOLUMES if name not in have]
    return ("fail", f"{', '.join(missing)} missing: {_again(plan)}") if missing else ("ok", ", ".join(f"{FILES_SCHEMA}.{name}" for name in VOLUMES))


def _grants(workspace: WorkspaceClient, _settings: Settings, plan: Plan) -> tuple[Level, str]:
    """Catalog, schemas and volumes as granted, against what should be; people on the tables' own schemas are named whoever they are."""
    wanted = [grant for grant in grants(catalog_tables()) if grant.kind in ("CATALOG", "SCHEMA", "VOLUME")]
    missing: list[str] = []
    extra: list[str] = []
    for kind, parts in dict.fromkeys((grant.kind, grant.parts) for grant in wanted):
        should = {group_of(plan.env, grant.role): _spelled(grant) for grant in wanted if (grant.kind, grant.parts) == (kind, parts)}
        have = _granted(workspace, kind, ".".join((plan.catalog, *parts)))
        missing += [f"{name} lacks {right} on {'.'.join(parts) or plan.catalog}" for name, rights in should.items() for right in sorted(rights - have.get(name, set()))]
        strict = not parts or parts[0] in {stage.name for stage in STAGES} or kind == "VOLUME"
        extra += [
            f"{name} has {right} on {'.'.join(parts) or plan.catalog}"
            for name, rights in have.items() if strict or name.startswith(f"insights-{plan.env}-") for right in sorted(rights - should.get(name, set()))
        ]  # fmt: skip
    if missing:
        return "fail", f"{len(missing)} missing ({'; '.join(missing[:2])}): {_again(plan)}"
    if extra:
        return "warn", f"{len(extra)} more than the matrix says ({'; '.join(extra[:2])}): revoke them, or write down why not"
    return "ok", f"{sum(len(grant.privileges) for grant in wanted)} rights on catalog, schemas and volumes, none more than the matrix says"


def _granted(workspace: WorkspaceClient, kind: str, name: str) -> dict[str, set[str]]:
    securable: str | SecurableType = kind.lower()
    answer = workspace.grants.get(securable, name)
    return {str(one.principal): {right.value for right in one.privileges or []} for one in answer.privilege_assignments or []}


def _spelled(grant: Grant) -> set[str]:
    return {privilege.replace(" ", "_") for privilege in grant.privileges}


def _quota(workspace: WorkspaceClient, _settings: Settings, plan: Plan) -> tuple[Level, str]:
    said, level = [], "ok"
    for quota, more in (("schema-quota", len({view_schema(spec) for spec in catalog_tables()}) + len(STAGES)), ("table-quota", 2 * len(catalog_tables()))):
        info = workspace.resource_quotas.get_quota("catalog", plan.catalog, quota).quota_info
        if info is None or not info.quota_limit:
            continue
        said.append(f"{info.quota_count or 0} of {info.quota_limit} ({quota.removesuffix('-quota')}s)")
        if (info.quota_count or 0) > _NEARLY_FULL * info.quota_limit or info.quota_limit < more:
            level = "warn"
    return ("warn" if level == "warn" else "ok"), ", ".join(said) + ("; ask Databricks for more" if level == "warn" else "") if said else "the workspace states none"


def _warehouse(workspace: WorkspaceClient, settings: Settings, _plan: Plan) -> tuple[Level, str]:
    if not settings.databricks_warehouse_id:
        return "warn", "none named: set INSIGHTS_DATABRICKS_WAREHOUSE_ID for `insights databricks bootstrap --apply`"
    found = workspace.warehouses.get(settings.databricks_warehouse_id)
    state = found.state.value if found.state else "of unknown state"
    if state in ("DELETED", "DELETING"):
        return "fail", f"{found.name} is deleted: name another one"
    if found.warehouse_type is not None and found.warehouse_type.value == "CLASSIC":
        return "warn", f"{found.name} is a classic one: tags, masks and information_schema want pro or serverless"
    return "ok", f"{found.name}, {state.lower()}" + ("; it starts when it is asked" if state == "STOPPED" else "")


def _compute(workspace: WorkspaceClient, settings: Settings, _plan: Plan) -> tuple[Level, str]:
    """Where heavy steps run; nothing is started by looking."""
    serverless = getattr(settings, "databricks_serverless", None)
    if settings.heavy_steps != "job":
        return "warn", f"heavy steps run with heavy_steps={settings.heavy_steps}: set INSIGHTS_HEAVY_STEPS=job to have them as jobs of the workspace"
    if serverless:
        return "ok", f"serverless environment {serverless}; a workspace without serverless says so at the first job"
    if settings.databricks_cluster_id:
        cluster = workspace.clusters.get(settings.databricks_cluster_id)
        return "ok", f"cluster {cluster.cluster_name or settings.databricks_cluster_id}, {cluster.state.value.lower() if cluster.state else 'of unknown state'}"
    policy = (settings.databricks_cluster or {}).get("policy_id")
    if not policy:
        return "warn", "a cluster of its own for each job, under no cluster policy: put policy_id into INSIGHTS_DATABRICKS_CLUSTER, so that size and price are bounded"
    return "ok", f"job clusters under policy {workspace.cluster_policies.get(str(policy)).name}"


def _secrets(workspace: WorkspaceClient, settings: Settings, _plan: Plan) -> tuple[Level, str]:
    from databricks.sdk.errors import NotFound

    scope = settings.databricks_secret_scope
    try:
        keys = {secret.key for secret in workspace.secrets.list_secrets(scope)}
    except NotFound:
        return "fail", f"no secret scope {scope}: `databricks bundle deploy` makes it, then put customer_key into it"
    if "customer_key" not in keys:
        return "fail", f"scope {scope} holds no customer_key: `databricks secrets put-secret {scope} customer_key` with the value of INSIGHTS_CUSTOMER_KEY_SECRET"
    return "ok", f"scope {scope} holds customer_key; its value was not read"


def _wheel(workspace: WorkspaceClient, settings: Settings, plan: Plan) -> tuple[Level, str]:
    from databricks.sdk.errors import NotFound

    wheel = settings.databricks_wheel
    if not wheel:
        return "warn", "INSIGHTS_DATABRICKS_WHEEL names none: `databricks bundle deploy` uploads it and docs/databricks/bundle.md says where"
    if not wheel.startswith("/Volumes/"):
        return "warn", f"{wheel} lies on no volume, so only classic clusters see it; it was not looked for"
    try:
        workspace.files.get_metadata(wheel)
    except NotFound:
        return "fail", f"{wheel} is not there: `databricks bundle deploy -t {plan.env}` uploads it, or INSIGHTS_DATABRICKS_WHEEL names an older one"
    return "ok", wheel


def _model(workspace: WorkspaceClient, settings: Settings, _plan: Plan) -> tuple[Level, str]:
    """A deployment of the workspace itself is looked up; any other answers the doctor's own check of the model."""
    host = (workspace.config.host or "").rstrip("/")
    if settings.model == "none":
        return "ok", "none: rules and the local classifier label everything"
    if not (settings.model_endpoint or "").startswith(host) or not host:
        return "ok", f"{settings.model_deployment} is no deployment of this workspace; see the line `model`"
    found = workspace.serving_endpoints.get(settings.model_deployment or "")
    ready = found.state.ready.value if found.state and found.state.ready else "NOT_READY"
    return ("ok" if ready == "READY" else "fail"), f"{found.name} is {ready.lower().replace('_', ' ')}" + ("" if ready == "READY" else ": wait for it, or name another INSIGHTS_MODEL_DEPLOYMENT")


def _again(plan: Plan) -> str:
    return f"run `insights databricks bootstrap --env {plan.env} --catalog {plan.catalog} --apply` again"


Check = Callable[[Any, Any, Plan], tuple[Level, str]]
_CHECKS: tuple[tuple[str, Check], ...] = (
    ("groups", _groups), ("catalog", _catalog), ("schemas", _schemas), ("tables", _tables), ("volumes", _volumes), ("grants", _grants), ("quota", _quota),
)  # fmt: skip
_BESIDE: tuple[tuple[str, Check], ...] = (("lake", _lake), ("warehouse", _warehouse), ("compute", _compute), ("secrets", _secrets), ("wheel", _wheel), ("deployment", _model))
