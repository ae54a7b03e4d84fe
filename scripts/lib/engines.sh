# Container engines on machines with and without a service manager. Sourced, never run.
# shellcheck shell=bash disable=SC2154  # repo_root comes from common.sh
#
# docker            the machine's dockerd, started here where nothing else starts it
# docker-runsc      the same daemon, jails in gVisor (runsc), which is added to its runtimes
# podman            rootful, with a configuration of its own where the machine's defaults cannot work
# podman-rootless   the same podman as a user of its own (see test_user)
# podman-plain      the caller's podman with the caller's configuration, whatever these are

engines_known="docker docker-runsc podman podman-rootless podman-plain"

# Where these scripts keep logs, pid files and configuration; survives a reboot, may be deleted.
engine_state_dir() {
  local dir="${JAILED_ENGINE_STATE:-/var/lib/jailed-engines}"
  as_root mkdir -p "$dir"
  printf '%s\n' "$dir"
}

test_user="${JAILED_TEST_USER:-jailtest}"

check_engine_name() {
  [[ " $engines_known " == *" $1 "* ]] || fail "'$1' is no engine known here." "use one of: $engines_known"
}

# --- docker ---------------------------------------------------------------------------------------

docker_answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# A pid file names a live process of the program that it belongs to.
pid_file_holds() {
  local pid
  pid="$(as_root cat "$1" 2>/dev/null)" || return 1
  [[ "$pid" =~ ^[0-9]+$ && "$(cat "/proc/$pid/comm" 2>/dev/null)" == "$2" ]]
}

running() {
  local comm
  for comm in /proc/[0-9]*/comm; do
    [[ "$(cat "$comm" 2>/dev/null)" == "$1" ]] && return 0
  done
  return 1
}

# What a machine that lost its processes but kept /run leaves behind: dockerd refuses to start
# beside another's pid file, and waits in vain on the socket of a containerd that is gone.
docker_sweep_stale_files() {
  pid_file_holds /var/run/docker.pid dockerd || as_root rm -f /var/run/docker.pid /var/run/docker.sock
  pid_file_holds /var/run/docker/containerd/containerd.pid containerd ||
    as_root rm -f /var/run/docker/containerd/containerd.pid /var/run/docker/containerd/containerd.sock \
      /var/run/docker/containerd/containerd.sock.ttrpc
  running containerd || as_root rm -f /run/containerd/containerd.sock /run/containerd/containerd.sock.ttrpc
}

docker_start() {
  if docker_answers; then return; fi
  if [[ -n "${DOCKER_HOST:-}" ]]; then
    fail "DOCKER_HOST is set to '$DOCKER_HOST', and nothing answers there." "unset it, or start that daemon"
  fi
  command -v dockerd >/dev/null || ensure_packages docker.io
  # Since Debian 13 the client is a package of its own.
  command -v docker >/dev/null || ensure_packages docker-cli
  if has_service_manager; then
    say "Starting docker"
    as_root systemctl start docker || fail "systemctl could not start docker." "journalctl -u docker"
    wait_until 60 as_root docker version || fail "docker was started and does not answer." "journalctl -u docker"
    return
  fi
  command -v iptables >/dev/null || ensure_packages iptables
  local state log
  state="$(engine_state_dir)"
  log="$state/dockerd.log"
  if ! running dockerd; then
    docker_sweep_stale_files
    say "Starting dockerd (no service manager here; its log is $log)"
    # shellcheck disable=SC2016
    as_root sh -c '
      cd /
      setsid dockerd >"$1" 2>&1 </dev/null &
      echo $! >"$2"' sh "$log" "$state/dockerd.pid"
  fi
  if ! wait_until 60 as_root docker version; then
    as_root tail -n 10 "$log" >&2 || true
    fail "dockerd does not answer." "read $log"
  fi
  docker_remove_dead_jails
}

# Containers of jails whose machine went down under them.
docker_remove_dead_jails() {
  local status
  local -a dead=()
  for status in created exited dead; do
    mapfile -t -O "${#dead[@]}" dead < <(as_root docker ps -aq --filter label=jailed.session --filter "status=$status")
  done
  ((${#dead[@]} == 0)) || as_root docker rm -f "${dead[@]}" >/dev/null 2>&1 || true
}

docker_knows_runsc() { engine_run docker info --format '{{json .Runtimes}}' 2>/dev/null | grep -q '"runsc"'; }

# gVisor as one more runtime of the daemon that runs: a reload, no restart, so what runs in it goes on. Its ptrace platform
# needs no KVM; its own network stack is left out, since it wants more of a machine than bare ones give.
docker_add_runsc() {
  ensure_packages runsc python3
  if docker_knows_runsc; then return; fi
  say "Adding runsc to docker's runtimes"
  as_root install -d -m 0755 /etc/docker
  # shellcheck disable=SC2016
  as_root python3 -c '
import json, os, sys
path, program = sys.argv[1:]
config = json.load(open(path)) if os.path.exists(path) and os.path.getsize(path) else {}
arguments = ["--network=none", "--platform=ptrace", "--oci-seccomp"]
config.setdefault("runtimes", {})["runsc"] = {"path": program, "runtimeArgs": arguments}
with open(path + ".new", "w") as file:
    json.dump(config, file, indent=2)
os.replace(path + ".new", path)' /etc/docker/daemon.json "$(command -v runsc)"
  if has_service_manager; then
    as_root systemctl reload docker
  else
    as_root kill -HUP "$(as_root cat /var/run/docker.pid)"
  fi
  wait_until 10 docker_knows_runsc || fail "docker does not take runsc as a runtime." "docker info --format '{{json .Runtimes}}'"
}

docker_stop() {
  local pid_file
  if has_service_manager; then
    as_root systemctl stop docker docker.socket
    return
  fi
  pid_file="$(engine_state_dir)/dockerd.pid"
  if ! pid_file_holds "$pid_file" dockerd; then
    note "no dockerd that was started here"
    return
  fi
  # shellcheck disable=SC2016
  as_root sh -c 'kill "$(cat "$1")"' sh "$pid_file"
  wait_until 30 docker_is_down "$pid_file" || fail "dockerd does not stop." "read $(engine_state_dir)/dockerd.log"
  as_root rm -f "$pid_file"
}

docker_is_down() { ! pid_file_holds "$1" dockerd; }

# --- podman ---------------------------------------------------------------------------------------

# What podman's defaults get wrong here, as a containers.conf; empty where they are right.
podman_conf() {
  local -a engine_lines=() container_lines=()
  if ! has_service_manager; then
    engine_lines+=('cgroup_manager = "cgroupfs"' 'events_logger = "file"')
  fi
  # crun refuses the hybrid of cgroup v1 and v2; runc takes it.
  [[ -f /sys/fs/cgroup/cgroup.controllers ]] || engine_lines+=('runtime = "runc"')
  # Podman asks for 1048576 open files, which only CAP_SYS_RESOURCE may raise the limit to.
  local files
  files="$(ulimit -Hn)"
  if [[ "$files" != unlimited ]] && ((files < 1048576)); then
    container_lines+=("default_ulimits = [\"nofile=$files:$files\", \"nproc=$(podman_process_limit):$(podman_process_limit)\"]")
  fi
  ((${#engine_lines[@]} == 0)) || printf '%s\n' '[engine]' "${engine_lines[@]}"
  ((${#container_lines[@]} == 0)) || printf '%s\n' '[containers]' "${container_lines[@]}"
}

podman_process_limit() {
  local processes
  processes="$(ulimit -Hu)"
  if [[ "$processes" == unlimited ]] || ((processes > 20000)); then processes=20000; fi
  printf '%s\n' "$processes"
}

podman_packages() {
  local -a packages=(podman catatonit fuse-overlayfs slirp4netns uidmap)
  [[ -f /sys/fs/cgroup/cgroup.controllers ]] || packages+=(runc)
  command -v iptables >/dev/null || packages+=(iptables)
  printf '%s\n' "${packages[@]}"
}

# The machine's own /etc/containers is left as it is: ours is found by CONTAINERS_CONF.
podman_conf_file() { printf '%s\n' "$(engine_state_dir)/containers.conf"; }

podman_install() {
  local -a packages
  mapfile -t packages < <(podman_packages)
  ensure_packages "${packages[@]}"
  # Podman 5's networks are made by nft and, for other users than root, by pasta, which its package only recommends.
  [[ -x /usr/lib/podman/netavark ]] || return 0
  if ! command -v nft >/dev/null; then ensure_packages nftables; fi
  if ! command -v pasta >/dev/null && [[ "$(podman --version)" != *\ [1-4].* ]]; then ensure_packages passt; fi
}

podman_start() {
  podman_install
  podman_conf | as_root tee "$(podman_conf_file)" >/dev/null
  local error
  error="$(as_root env CONTAINERS_CONF="$(podman_conf_file)" podman info 2>&1 >/dev/null)" ||
    fail "podman does not work: ${error##*$'\n'}" "podman info"
}

# --- podman, rootless -------------------------------------------------------------------------------

# A user of its own, with subordinate ids, so that rootless engines can be tested by root.
ensure_test_user() {
  ensure_packages uidmap passwd
  if ! id -u "$test_user" >/dev/null 2>&1; then
    say "Making the user $test_user (for rootless engines and foreign uids)"
    as_root useradd --create-home --shell /bin/bash --comment 'tests of jailed' "$test_user"
  fi
  local file option
  for file in subuid subgid; do
    option="--add-${file}s"
    if ! grep -qs "^$test_user:" "/etc/$file"; then
      as_root touch "/etc/$file"
      local first
      first="$(awk -F: 'BEGIN { next_free = 100000 } $2 + $3 > next_free { next_free = $2 + $3 } END { print next_free }' "/etc/$file")"
      as_root usermod "$option" "$first-$((first + 65535))" "$test_user"
    fi
  done
}

# A directory that is emptied at boot, as a login would make it.
test_user_runtime_dir() { printf '/run/user/%s\n' "$(id -u "$test_user")"; }

as_test_user() { as_root "$repo_root/scripts/lib/as-user" "$test_user" "$@"; }

podman_rootless_start() {
  podman_install
  ensure_test_user
  local home runtime_dir device
  home="$(getent passwd "$test_user" | cut -d: -f6)"
  runtime_dir="$(test_user_runtime_dir)"
  as_root install -d -m 0755 /run/user
  as_root install -d -m 0700 -o "$test_user" -g "$test_user" "$runtime_dir"
  # Distributions give everyone these two; bare machines may not.
  for device in /dev/net/tun /dev/fuse; do
    if [[ -e "$device" ]]; then as_root chmod 666 "$device"; fi
  done
  as_root install -d -m 0755 -o "$test_user" -g "$test_user" "$home/.config" "$home/.config/containers"
  printf '[storage]\ndriver = "overlay"\n' | as_root tee "$home/.config/containers/storage.conf" >/dev/null
  podman_conf | as_root tee "$home/.config/containers/containers.conf" >/dev/null
  local error
  # A pause process and lock files of before a reboot make podman ask for a migration.
  error="$(as_test_user podman info 2>&1 >/dev/null)" ||
    { as_test_user podman system migrate && error="$(as_test_user podman info 2>&1 >/dev/null)"; } ||
    fail "rootless podman does not work for $test_user: ${error##*$'\n'}" \
      "scripts/lib/as-user $test_user podman info"
}

# --- one way to talk to any of them ------------------------------------------------------------------

# engine_run ENGINE ARG...: the engine's own command line, as the user and with the settings it needs.
engine_run() {
  local engine="$1"
  shift
  case "$engine" in
    docker | docker-runsc) if docker_answers; then docker "$@"; else as_root docker "$@"; fi ;;
    podman) as_root env CONTAINERS_CONF="$(podman_conf_file)" podman "$@" ;;
    podman-rootless) as_test_user podman "$@" ;;
    podman-plain) podman "$@" ;;
  esac
}

engine_start() {
  case "$1" in
    docker) docker_start ;;
    docker-runsc)
      docker_start
      docker_add_runsc
      ;;
    podman) podman_start ;;
    podman-rootless) podman_rootless_start ;;
    podman-plain) command -v podman >/dev/null || fail "There is no podman on PATH." "apt-get install podman" ;;
  esac
}

engine_version() { engine_run "$1" version --format '{{.Client.Version}}' 2>/dev/null; }

engine_answers() {
  case "$1" in
    docker) docker_answers || as_root docker version >/dev/null 2>&1 ;;
    docker-runsc) engine_answers docker && docker_knows_runsc ;;
    *) command -v podman >/dev/null && { [[ "$1" != podman-rootless ]] || id -u "$test_user" >/dev/null 2>&1; } &&
      engine_run "$1" info >/dev/null 2>&1 ;;
  esac
}

# The id of an image, or nothing.
image_id() {
  local id
  id="$(engine_run "$1" image inspect --format '{{.Id}}' "$2" 2>/dev/null)" || return 0
  printf '%s\n' "${id#sha256:}"
}
