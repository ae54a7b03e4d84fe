"""Which tests run on which engine.

The tests of NEUTRAL files depend on the engine in next to nothing: they run whole on one engine, and their smokes on the others, of
a parametrised one its first case. Every other file runs whole on each program: of Podman, on that of root, and rootless its smokes,
if it has some in KIN. JAILED_TEST_SMOKES=1 runs the smokes alone, for one more version of an engine; JAILED_TEST_EVERYWHERE=1 runs
everything everywhere.
"""
from support import smokes

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
    "test_git_tomorrow.py": {
        "test_a_worktree_is_one_here_and_in_the_next_jail",
        "test_branches_that_were_not_left_checked_out_are_branches_here_and_in_the_next_jail",
        "test_while_git_here_has_the_index_the_branch_stays",
    },
    "test_memory.py": {"test_an_agent_goes_on_with_its_own_project_s_talk", "test_control_at_a_path_that_projects_share_it_does_not"},
    "test_network_restricted.py": {
        "test_control_in_an_open_jail_they_succeed",
        "test_killed_at_any_moment_not_one_byte_goes_another_way",
        "test_streams_uploads_and_sockets_come_through",
        "test_the_attacks_see_nothing_of_the_world",
        "test_the_sidecar_goes_with_its_jail",
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
    "test_sync_problems.py": {
        "test_closed_files_and_directories_come_home",
        "test_tracked_files_that_cannot_be_carried_are_not_deleted_by_a_commit",
    },
    "test_toolchains.py": {"test_builds_and_tests_a_small_project", "test_go_test_runs_what_it_built_offline_too"},
}


KIN = {
    "test_agents.py": {"test_answers_version_in_the_jail", "test_the_agents_own_directories_are_where_they_look"},
    "test_build.py": {"test_a_build_and_one_that_is_interrupted"},
    "test_context.py": {
        "test_files_made_in_the_jail_are_for_whom_the_caller_s_are",
        "test_what_was_installed_is_found_by_every_shell_and_hides_nothing",
    },
    "test_cost.py": {"test_a_dry_run_starts_nothing_and_says_all", "test_one_engine_process_a_launch"},
    "test_death.py": {
        "test_asked_to_end",
        "test_ctrl_c_at_a_terminal_reaches_the_command_once",
        "test_killed",
        "test_killed_right_after_the_start",
        "test_the_engine_s_client_is_killed",
        "test_the_terminal_goes_away",
    },
    "test_engine_here.py": {
        "test_an_image_is_found_without_a_search_in_registries",
        "test_limits_that_cannot_hold_are_said_once_and_by_jailed",
    },
    "test_life.py": {
        "test_a_jail_in_the_foreground_is_stopped_from_another_terminal",
        "test_a_life",
        "test_it_outlives_whoever_started_it_and_the_next_launches",
        "test_killed_while_it_stops_a_jail",
        "test_the_container_was_removed_behind_our_back",
        "test_the_walls_are_there_for_who_enters",
    },
    "test_names.py": {"test_these_at_least_are_mounted", "test_what_is_no_project_is_refused"},
    "test_paths.py": {"test_absolute_paths_hold_on_both_sides", "test_git_works_at_both", "test_the_way_there_cannot_be_changed"},
    "test_streams.py": {
        "test_a_command_that_is_not_there_is_127",
        "test_a_jail_that_ran_out_of_memory_is_said_to_have",
        "test_a_reader_that_goes_away_ends_the_jail",
        "test_a_signalled_command_is_128_and_the_signal",
        "test_an_engine_that_is_down_is_125_and_says_so",
        "test_bytes_come_through_unchanged",
        "test_no_image_is_125_with_the_way_to_it",
        "test_the_status_is_the_command_s_own",
    },
    "test_terminal.py": {
        "test_a_killed_program_leaves_the_terminal_as_it_was",
        "test_ctrl_c_ends_the_command_and_not_the_jail",
        "test_ctrl_z_and_back",
        "test_the_size_is_the_terminal_s_from_the_start",
        "test_the_terminal_is_left_as_it_was",
    },
}

# Beside the smokes, where nothing else runs.
ALWAYS = {"test_identity.py", "test_walls.py"}


def divide(items: list, engine: str) -> "tuple[list, list]":
    """Those that run on this engine, and those that do not."""
    return smokes.divide(items, engine, NEUTRAL, KIN, ALWAYS)
