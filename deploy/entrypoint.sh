#!/bin/sh
# Starts one part of the product: code | webserver | daemon | console | migrate, or any other command as it is.
# The password of the database comes from a file and goes into a file that only this user reads; no process has it in its environment.
set -eu

if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
    PGPASSFILE="${TMPDIR:-/tmp}/insights-pgpass-$$"
    export PGPASSFILE
    umask 077
    # libpq's form: colons and backslashes of a password are escaped
    printf '*:*:*:*:%s\n' "$(sed -e 's/\\/\\\\/g' -e 's/:/\\:/g' "$POSTGRES_PASSWORD_FILE")" > "$PGPASSFILE"
    umask 022
fi

part="${1:-code}"
case "$part" in
    code)
        # Commands of this container (`insights run`, `insights doctor`) use the same Dagster instance as the servers.
        mkdir -p "$INSIGHTS_HOME/dagster"
        cp "$DAGSTER_HOME/dagster.yaml" "$INSIGHTS_HOME/dagster/dagster.yaml"
        exec dagster api grpc --host "${INSIGHTS_BIND:-0.0.0.0}" --port "$INSIGHTS_CODE_PORT" --module-name "${INSIGHTS_CODE_MODULE:-insights_assets.definitions}" \
            --location-name insights_assets ;;
    webserver)
        shift
        exec dagster-webserver --host "${INSIGHTS_BIND:-0.0.0.0}" --port "${INSIGHTS_WEB_PORT:-3000}" --workspace "$DAGSTER_HOME/workspace.yaml" "$@" ;;
    daemon)
        exec dagster-daemon run --workspace "$DAGSTER_HOME/workspace.yaml" ;;
    console)
        page="$(python -c 'import insights_assets, pathlib; print(pathlib.Path(insights_assets.__file__).parent / "console" / "app.py")')"
        exec streamlit run "$page" --server.address "${INSIGHTS_BIND:-0.0.0.0}" --server.port "${INSIGHTS_CONSOLE_PORT:-3001}" --server.headless true \
            --browser.gatherUsageStats false -- --dagster-url "${INSIGHTS_DAGSTER_UI:-http://127.0.0.1:3000}" ;;
    migrate)
        # Dagster's own tables; the product's are brought up to date by the run that first meets them.
        exec dagster instance migrate ;;
    *)
        exec "$@" ;;
esac
