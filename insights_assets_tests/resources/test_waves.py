"""Which heavy steps go into one job: by hand, over random orders of steps, and in the graph as it is."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from insights_assets.definitions import build_definitions
from insights_assets.jobs import WHOLE_LOOP
from insights_assets.resources import table_assets
from insights_assets.resources.waves import all_before, between, later_waves, token_of, upstream_of, wave_of, work_key

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


def test_later_waves_stand_behind_what_is_made_here() -> None:
    wave = set(wave_of("orders", HEAVY, UPSTREAM, {"in"}, NEVER))
    assert later_waves(wave, HEAVY, UPSTREAM, {"in"}) == (("series",),)
    assert later_waves({"findings"}, HEAVY, UPSTREAM, {"in", "orders", "voices", "labels"}) == (), "what could go and was left out can be skipped"
    assert between({"voices", "series"}, UPSTREAM) == {"labels"} and between({"orders", "voices"}, UPSTREAM) == set()
    assert all_before({"series"}, UPSTREAM) == {"in", "orders", "voices", "labels"}


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
    """The in-process order: light steps first; a heavy one launches a job with its wave and, behind gates, the later ones. A gate whose steps are
    not ready when the first of them is reached is given up, and its steps go into another job."""
    upstream, heavy = given_order
    done: set[str] = set()
    begun: set[str] = set()
    gated: dict[str, tuple[str, ...]] = {}
    while done != set(upstream):
        ready = [step for step in upstream if step not in done and upstream[step] <= done]
        step = random.choice([one for one in ready if one not in heavy] or ready)
        if step in gated:
            behind = gated[step]
            is_open = all(upstream[one] <= done | begun | set(behind) for one in behind)
            for one in behind:
                del gated[one]
            if is_open:
                assert not begun & set(behind)
                begun |= set(behind)
        if step in heavy and step not in begun:
            free = heavy - begun - set(gated)
            wave = wave_of(step, free, upstream, done, NEVER)
            assert step in wave and not begun & set(wave) and not done & set(wave)
            for place, member in enumerate(wave):
                assert upstream[member] <= done | set(wave[:place])
            later = later_waves(set(wave), free, upstream, done | begun)
            reached = done | begun | set(wave)
            for behind in later:
                assert not reached & set(behind) and all_before(set(behind), upstream) & heavy <= reached | set(behind) | set(gated)
                reached |= set(behind)
            begun |= set(wave)
            gated |= {one: behind for behind in later for one in behind}
        done.add(step)
    assert begun == heavy and not gated


def test_the_whole_loop_takes_two_waves() -> None:
    """In today's graph; a heavy step added behind another light one would show here."""
    nodes = build_definitions().resolve_job_def(WHOLE_LOOP).nodes
    steps = {node.name for node in nodes} & set(table_assets.BODIES)
    assert {node.name for node in nodes if node.definition.tags.get("dagster/priority") == "-1"} == steps & set(table_assets.HEAVY), "Dagster lets light steps go first"
    upstream, heavy = upstream_of(table_assets.BODIES, steps), steps & set(table_assets.HEAVY)
    done: set[str] = set()
    waves: list[tuple[str, ...]] = []
    foreseen: tuple[tuple[str, ...], ...] = ()
    while done != steps:
        ready = sorted(step for step in steps - done if upstream[step] <= done)
        light = [step for step in ready if step not in heavy]
        if light:
            done.add(light[0])
        else:
            waves.append(wave_of(ready[0], heavy, upstream, done, NEVER))
            foreseen = foreseen or later_waves(set(waves[0]), heavy, upstream, done)
            done |= set(waves[-1])
    assert [set(wave) for wave in waves] == [
        {f"canonical__{name}" for name in ("sessions", "orders", "shipments", "feedback")} | {"anomalies__data_findings"},
        {"canonical__source_completeness", "labels__labelled_feedback", "anomalies__topic_series", "anomalies__sentiment_shifts"},
    ]
    assert [set(wave) for wave in foreseen] == [set(wave) for wave in waves[1:]], "so the first job can hold them all"
