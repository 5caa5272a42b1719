"""Which heavy steps go into one job: by hand, over random orders of steps, and in the graph as it is."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from insights_assets.definitions import build_definitions
from insights_assets.jobs import WHOLE_LOOP
from insights_assets.resources import table_assets
from insights_assets.resources.waves import token_of, upstream_of, wave_of, work_key

NEVER = lambda step: False  # noqa: E731
UPSTREAM = {"in": set(), "orders": {"in"}, "voices": {"orders"}, "labels": {"voices"}, "series": {"labels", "orders"}, "findings": {"voices"}}
HEAVY = {"orders", "voices", "series", "findings"}


def test_a_wave_holds_what_waits_for_nothing_light() -> None:
    assert wave_of("orders", HEAVY, UPSTREAM, {"in"}, NEVER) == ("orders", "voices", "findings"), "series waits for labels, which are made here"
    assert wave_of("series", HEAVY, UPSTREAM, {"in", "orders", "voices", "labels", "findings"}, NEVER) == ("series",)


def test_what_can_be_skipped_stays_out_unless_something_before_it_is_in() -> None:
    assert wave_of("orders", HEAVY, UPSTREAM, {"in"}, lambda step: True) == ("orders", "voices", "findings")
    alone = {**UPSTREAM, "other": {"in"}}
    assert wave_of("orders", HEAVY | {"other"}, alone, {"in"}, lambda step: step == "other") == ("orders", "voices", "findings")


def test_equal_facts_are_the_same_work_and_tokens_differ_by_lake_and_attempt() -> None:
    assert work_key({"a": 1, "b": 2}) == work_key({"b": 2, "a": 1}) != work_key({"a": 1, "b": 3})
    assert len({token_of(lake, "w", attempt) for lake in ("x", "y") for attempt in (0, 1)}) == 4
    assert len(token_of("x", "w", 0)) <= 64, "the Jobs API takes no longer ones"


@st.composite
def orders_of_steps(draw: Any) -> tuple[dict[str, set[str]], set[str]]:
    names = [f"s{number:02}" for number in range(draw(st.integers(1, 12)))]
    upstream = {name: set(draw(st.lists(st.sampled_from(names[:place]), unique=True, max_size=3))) if place else set() for place, name in enumerate(names)}
    return upstream, set(draw(st.lists(st.sampled_from(names), unique=True)))


@settings(deadline=None)
@given(orders_of_steps(), st.randoms(use_true_random=False))
def test_a_run_that_goes_by_waves_does_every_step_once_and_none_before_its_inputs(given_order: tuple[dict[str, set[str]], set[str]], random: Any) -> None:
    """The in-process order: light steps first; a heavy one launches a wave, whose members are in order behind all that is not in it."""
    upstream, heavy = given_order
    done: set[str] = set()
    launched: set[str] = set()
    while done != set(upstream):
        ready = [step for step in upstream if step not in done and upstream[step] <= done]
        step = random.choice([one for one in ready if one not in heavy] or ready)
        if step in heavy and step not in launched:
            wave = wave_of(step, heavy - launched, upstream, done, NEVER)
            assert step in wave and not launched & set(wave) and not done & set(wave)
            for place, member in enumerate(wave):
                assert upstream[member] <= done | set(wave[:place])
            launched |= set(wave)
        done.add(step)
    assert launched == heavy


def test_the_whole_loop_takes_two_jobs() -> None:
    """In today's graph; a heavy step added behind another light one would show here."""
    nodes = build_definitions().resolve_job_def(WHOLE_LOOP).nodes
    steps = {node.name for node in nodes} & set(table_assets.BODIES)
    assert {node.name for node in nodes if node.definition.tags.get("dagster/priority") == "-1"} == steps & set(table_assets.HEAVY), "Dagster lets light steps go first"
    upstream, heavy = upstream_of(table_assets.BODIES, steps), steps & set(table_assets.HEAVY)
    done: set[str] = set()
    waves = []
    while done != steps:
        ready = sorted(step for step in steps - done if upstream[step] <= done)
        light = [step for step in ready if step not in heavy]
        if light:
            done.add(light[0])
        else:
            waves.append(wave_of(ready[0], heavy, upstream, done, NEVER))
            done |= set(waves[-1])
    assert [set(wave) for wave in waves] == [
        {f"canonical__{name}" for name in ("sessions", "orders", "shipments", "feedback")} | {"anomalies__data_findings"},
        {"canonical__source_completeness", "labels__labelled_feedback", "anomalies__topic_series", "anomalies__sentiment_shifts"},
    ]
