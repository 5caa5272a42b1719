"""What the console's own files promise: no telemetry, loopback, no HTML from data, no folder that Streamlit would serve by itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

CONSOLE = Path(__file__).resolve().parents[2] / "insights_assets" / "console"
SOURCES = sorted(CONSOLE.rglob("*.py"))
#: Streamlit calls whose text is Markdown: their words are fixed, or made of numbers and names this house gave.
MARKDOWN = {"write", "markdown", "caption", "header", "subheader", "title", "info", "warning", "error", "success", "toast", "expander", "popover", "badge"}
FIXED_PARTS = {"tier", "len", "DAYS", "max", "alarm", "last.z_alarm", "last.cusum_alarm", "name", "asset_link", "int", "state"}

#: Names and functions that give fixed words (a state only where it is a known one), figures, or our own tables' names.
FIXED_WORDS = {"name", "state", "plots.daily_words", "plots.daily_caption", "' → '.join"}


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]


def streamlit_name(call: ast.Call) -> str:
    function = call.func
    is_streamlit = isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "st"
    return function.attr if isinstance(function, ast.Attribute) and is_streamlit else ""


def test_the_packaged_settings_are_read_and_keep_everything_on_this_machine() -> None:
    script = (
        "from streamlit import config; config._main_script_path = __import__('sys').argv[1]; config.get_config_options(force_reparse=True);"
        "print([config.get_option(n) for n in ('browser.gatherUsageStats', 'server.address', 'client.disableDataExport', 'client.showErrorLinks')])"
    )
    done = subprocess.run([sys.executable, "-c", script, str(CONSOLE / "app.py")], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip().splitlines()[-1] == "[False, '127.0.0.1', True, False]"


def test_no_folder_is_called_pages_and_the_app_lists_every_view() -> None:
    assert not (CONSOLE / "pages").exists()
    app = (CONSOLE / "app.py").read_text(encoding="utf-8")
    views = [path.name for path in (CONSOLE / "views").glob("*.py") if path.name != "__init__.py"]
    assert views
    assert all(f'"views/{name}"' in app for name in views)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_html_is_made_from_data(path: Path) -> None:
    for call in calls(path):
        assert not any(keyword.arg in ("unsafe_allow_html", "unsafe_allow_javascript") for keyword in call.keywords), path
        if streamlit_name(call) in ("html", "iframe", "components"):
            assert path.name == "theme.py"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_markdown_gets_fixed_words_numbers_and_our_own_names_only(path: Path) -> None:
    for call in calls(path):
        if streamlit_name(call) not in MARKDOWN or not call.args:
            continue
        for said in [call.args[0].body, call.args[0].orelse] if isinstance(call.args[0], ast.IfExp) else [call.args[0]]:
            root = said.func if isinstance(said, ast.Call) else said
            assert isinstance(root, (ast.Constant, ast.JoinedStr)) or ast.unparse(root) in FIXED_WORDS, f"{path.name}:{call.lineno}: {ast.unparse(said)}"
        for node in ast.walk(call.args[0]):
            if isinstance(node, ast.FormattedValue):
                root = node.value.func if isinstance(node.value, ast.Call) else node.value
                assert ast.unparse(root).split("[")[0] in FIXED_PARTS, f"{path.name}:{call.lineno} puts {ast.unparse(node.value)} into Markdown"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_tables_are_read_in_one_module_and_never_in_the_raw_tier(path: Path) -> None:
    assert "Lake(" not in path.read_text(encoding="utf-8")
    reads = [call for call in calls(path) if isinstance(call.func, ast.Attribute) and call.func.attr in ("view", "batches", "read", "read_arrow")]
    assert path.name == "reading.py" or not reads
    # one argument: the table; the tier stays the default one
    assert all(len(call.args) == 1 and not call.keywords for call in reads)
