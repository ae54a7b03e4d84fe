"""A project is at its own path and at /workspace; neither way is less closed than the other."""
import pytest

from support.git import Repository
from support.jail import planned, run_planned

pytestmark = pytest.mark.side_by_side

# What must not be possible, at the place that is $1: prints the names of what was.
ATTACKS = """
for place; do
  for name in .git/../.envrc .vscode/tasks.json; do echo evil >>"$place/$name" && echo "changed $name"; done
  mv "$place/.git" "$place/old" && echo "moved .git"
  mv "$place/.vscode" "$place/old" && echo "moved .vscode"
  rm -f "$place/.envrc" && echo "removed .envrc"
  grep -q secret-of-the-host "$place/.git/config" && echo "read the repository's settings"
  touch "$place/works" && [ -e "$place/works" ] || echo "cannot write"
  rm -f "$place/works"
done 2>/dev/null
true
"""


def a_project(host):
    repo = Repository.create(host)
    repo.git("config", "remote.origin.url", "https://me:secret-of-the-host@example.org/x")
    repo.git("config", "core.sshCommand", "secret-of-the-host")
    host.write(repo.path / ".envrc", "x=1\n")
    host.write(repo.path / ".vscode/tasks.json", "{}\n")
    return repo.path


def test_nothing_is_open_at_one_of_the_two(host):
    project = a_project(host)
    assert host.jail("bash", "-c", ATTACKS, "sh", project, "/workspace", project=project).ok().text == ""
    assert (project / ".envrc").read_text() == "x=1\n"


def test_control_a_second_mount_alone_opens_it(user_host):
    """The same attacks where only the directory itself is mounted a second time."""
    host = user_host
    project = a_project(host)
    argv = planned(host, "bash", "-c", ATTACKS, "sh", str(project), project=project)
    # Those of files are copies that a launch makes.
    inside = [at for at, word in enumerate(argv) if f"target={project}/" in word or "target=/workspace/.envrc" in word or "target=/workspace/.vscode/" in word]
    assert len(inside) > 3
    for at in reversed(inside):
        del argv[at - 1 : at + 1]
    found = run_planned(host, argv).text
    assert "changed .git/../.envrc" in found and "read the repository's settings" in found, found


def test_the_way_there_cannot_be_changed(host):
    """What the engine makes on the way is root's; the project itself cannot be moved away."""
    project = a_project(host)
    script = """
    place=$1
    mv "$place" "$place-old" && echo "moved the project"
    while place=${place%/*}; [ -n "$place" ] && [ "$place" != /tmp ]; do
      [ "$(stat -c %u "$place")" = 0 ] || echo "$place is not root's"
      touch "$place/made" && echo "wrote in $place"
      mv "$place" "$place-old" && echo "moved $place"
    done 2>/dev/null
    true"""
    assert host.jail("bash", "-c", script, "sh", project, project=project).ok().text == ""


def test_absolute_paths_hold_on_both_sides(host):
    project = host.project()
    host.write(project / "run", f"#!{project}/sh\necho ran\n", 0o755)
    (project / "sh").symlink_to("/bin/sh")
    assert host.sh("pwd; ./run; pwd >made", project=project).ok().text == f"{project}\nran\n"
    assert (project / "made").read_text() == f"{project}\n"


def test_with_mutagen_as_well(synced):
    """What was made here works there, what was made there works here; both places are one directory, and anyone's."""
    project = synced.project
    synced.host.write(project / "run", f"#!{project}/sh\necho ran\n", 0o755)
    (project / "sh").symlink_to("/bin/sh")
    script = "pwd; ./run; python3 -m venv --without-pip .venv; echo \"#!$PWD/sh\" >made; echo x >/workspace/one; cat one; rm $PWD/one; ls /workspace/one 2>&1 | tail -c 26"
    assert synced.run(script).ok().text == f"{project}\nran\nx\nNo such file or directory\n"
    assert f"{project}/.venv" in (project / ".venv/bin/activate").read_text()
    assert (project / "made").read_text() == f"#!{project}/sh\n"
    synced.nothing_left()


def test_a_relative_link_leads_to_a_named_project(host):
    app, shared = host.project("app"), host.project("shared")
    host.write(shared / "lib", "lib\n")
    (app / "s").symlink_to("../shared")
    alone = host.sh("cat s/lib", project=app)
    assert alone.status == 1 and f"s -> {shared}. To have it there: jailed {app} {shared}" in alone.errors
    both = host.run("--sync", "bind", app, shared, "--", "cat", "s/lib").ok()
    assert both.text == "lib\n" and "Outside" not in both.errors


def test_git_works_at_both(host):
    repo = Repository.create(host)
    other = Repository.create(host, "other")
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other.path), "libs/sub")
    repo.git("commit", "-qm", "sub")
    script = "for place in $PWD /workspace; do cd $place/libs/sub && git rev-parse --show-toplevel && git status --porcelain && cd $place && git status --porcelain; done"
    assert host.sh(script, project=repo.path).ok().text == f"{repo.path}/libs/sub\n/workspace/libs/sub\n"


def test_the_shell_knows_a_project_by_one_path(host):
    """`cd /workspace` and then an agent would file its talk beside that of all other projects."""
    web, api = host.project("web"), host.project("api 2")
    (web / "sub").mkdir()
    host._own(web / "sub")
    words = "cd /tmp; cd /workspace/sub; pwd; cd -; cd /projects/api-2; pwd; cd /; pwd"
    done = host.run("--sync", "bind", web, api, "--", "zsh", "-ic", words).ok()
    assert done.text == f"{web}/sub\n/tmp\n{api}\n/\n"
