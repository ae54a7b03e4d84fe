"""What the cli tests try that only Linux has, by the beginnings of their names. A build with -D JAILED_PORTABLE=ON passes all others
(JAILED_TEST_PORTABLE=1): so does what runs on macOS."""

NEEDS_LINUX = {
    "the lease, a FIFO that a jail shares": (
        "test_command_line.py::test_a_callers_jail",  # its whole argument list
        "test_hostile_repository.py::test_a_jail_around_one_that_is_starting_waits_until_that_is_mounted",
        "test_network.py::test_a_restricted_jail_",
        "test_network.py::test_rules_that_cannot_be_read_end_the_launch",
        "test_network.py::test_what_does_not_go_together_is_said[",
        "test_process.py::test_closed_descriptors_never_become_the_lease",
        "test_process.py::test_a_caller_that_left_hundreds_of_descriptors_open_gives_none_of_them_away",
        "test_process.py::test_term_ends_a_jail_whose_caller_had_it_blocked",
        "test_process.py::test_what_jailed_ended_itself_is_not_called_a_kill_by_others",
        "test_sandbox_and_state.py::test_a_runtime_is_asked_for_by_one_call",
        "test_sandbox_and_state.py::test_a_command_that_speaks_like_the_engine_runs_once[",
        "test_sandbox_and_state.py::test_its_lines_come_at_once",
    ),
    "mounts of root's": (
        "test_dry_run.py::test_it_is_the_call_of_the_launch[root-",
        "test_dry_run.py::test_it_is_the_call_of_the_launch[root, a user's project-",
        "test_socket_proxy.py::test_a_proxy_that_root_starts_is_not_root",
    ),
    "room that is taken before a disk is full": (
        "test_end.py::test_what_is_planted_is_moved_away_although_the_disk_is_full",
        "test_end.py::test_what_cannot_be_moved_away_is_named_and_never_a_baseline",
        "test_end.py::test_on_one_file_system_a_full_disk_stops_no_move",
    ),
    "one step of the kernel's to where a link leads": (
        "test_host_execution.py::test_many_links_far_below_a_directory_that_was_renamed_take_no_time_each",
    ),
    "a look at changes without Mutagen's own": (
        "test_life.py::test_changes_on_either_side_are_told_to_mutagen",
    ),
}


def reason_of(node: str) -> str | None:
    name = node.rsplit("/", 1)[-1]
    return next((reason for reason, names in NEEDS_LINUX.items() if name.startswith(names)), None)


def unknown(nodes: list[str]) -> list[str]:
    """Beginnings that no test has (any more)."""
    names = [node.rsplit("/", 1)[-1] for node in nodes]
    return [each for group in NEEDS_LINUX.values() for each in group if not any(name.startswith(each) for name in names)]
