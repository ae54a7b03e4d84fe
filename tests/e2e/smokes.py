"""Which tests run on which engine.

The tests of NEUTRAL files depend on the engine in next to nothing: they run whole on one engine, and their smokes on the others, of
a parametrised one its first case. Every other file runs whole on each engine. JAILED_TEST_EVERYWHERE=1 runs everything everywhere.
"""
import os

NEUTRAL = {
    "test_git_attacks.py": {
        "test_the_agent_cannot_put_away_the_mount",
        "test_the_host_s_objects_cannot_be_written",
        "test_under_the_shadow_nothing_runs",
    },
    "test_git_killed.py": {"test_killed_at_each_step"},
    "test_git_round_trip.py": {"test_everyday_operations"},
    "test_git_shadow.py": {
        "test_a_commit_comes_home_and_the_checkout_agrees",
        "test_a_launch_without_commits_leaves_the_repository_alone",
        "test_a_linked_worktree",
        "test_a_repository_born_in_the_jail",
        "test_a_submodule_cannot_be_replaced",
        "test_a_submodule_works_and_its_commits_come_home",
        "test_a_user_s_repository_stays_the_user_s",
        "test_alternates_are_followed",
        "test_killed_with_commits_loses_nothing",
        "test_modes",
        "test_no_repository_leaves_no_trace",
        "test_root_in_the_repository_of_somebody_else",
    },
    "test_host_execution.py": {
        "test_a_user_s_files_stay_the_user_s",
        "test_killed_with_something_planted",
        "test_nothing_runs",
        "test_submodules",
        "test_what_is_guarded_cannot_be_changed_or_moved",
    },
    "test_several.py": {
        "test_a_jail_of_several_that_lives_on",
        "test_a_second_project_of_roots",
        "test_commits_of_both_come_home",
        "test_one_call_of_the_engine",
        "test_synced_attach_and_detach",
        "test_synced_both_sides_in_step",
        "test_synced_killed",
        "test_the_seconds_repository_is_a_shadow",
        "test_what_tools_run_is_guarded_and_moved_away_in_the_second",
    },
    "test_state.py": {"test_a_real_agent_s_login_is_kept", "test_logins_are_there_in_the_next_jail"},
    "test_sync.py": {
        "test_a_submodule_works",
        "test_an_image_that_is_not_there_leaves_nothing",
        "test_asked_to_end",
        "test_git_is_the_jail_s_own_and_commits_come_home",
        "test_killed_while_the_command_works",
        "test_modes_links_deletes_renames_and_names",
        "test_out_of_memory",
        "test_the_container_is_killed",
        "test_the_last_write_always_arrives",
        "test_work_comes_home_and_nothing_stays",
    },
    "test_toolchains.py": {"test_builds_and_tests_a_small_project", "test_go_test_runs_what_it_built_offline_too"},
}


def runs_everything(engine: str) -> bool:
    return engine == os.environ.get("JAILED_TEST_WHOLE", "docker") or os.environ.get("JAILED_TEST_EVERYWHERE", "") == "1"


def divide(items: list, engine: str) -> "tuple[list, list]":
    """Those that run on this engine, and those that do not."""
    if runs_everything(engine):
        return items, []
    kept, left, seen = [], [], set()
    for item in items:
        smokes = NEUTRAL.get(item.path.name)
        name = (item.path.name, item.originalname)
        if smokes is None or (item.originalname in smokes and name not in seen):
            kept.append(item)
        else:
            left.append(item)
        seen.add(name)
    return kept, left
