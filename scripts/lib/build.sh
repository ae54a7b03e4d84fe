# Building jailed itself. Sourced, never run.
# shellcheck shell=bash disable=SC2154,SC2034  # shared with the other files

build_packages=(g++ cmake ninja-build libboost-dev libcli11-dev libfmt-dev libspdlog-dev libtomlplusplus-dev nlohmann-json3-dev)
sanitized_packages=(clang libclang-rt-dev catch2)

# build_preset PRESET: configures and builds build/PRESET. JAILED_WARNINGS_ARE_ERRORS=ON, for who changes jailed, is handed on.
build_preset() {
  local log="$repo_root/build/$1.log"
  mkdir -p "$repo_root/build"
  if ! (cd "$repo_root" && CMAKE_GENERATOR="${CMAKE_GENERATOR:-Ninja}" cmake --preset "$1" ${JAILED_WARNINGS_ARE_ERRORS:+-DJAILED_WARNINGS_ARE_ERRORS="$JAILED_WARNINGS_ARE_ERRORS"} &&
    cmake --build --preset "$1") >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    fail "The $1 build failed." "read $log"
  fi
}

# jailed_build JAILED ENGINE: the image, with this machine's CA where one is in use. JAILED_RUNTIME
# and JAILED_IMAGE say where and under what name.
jailed_build() {
  local ca
  ca="$(private_ca_bundle)"
  "$@" build ${ca:+--ca-cert "$ca"}
}

# agent_names: of every agent that the image can have.
agent_names() { (cd "$repo_root/docker/agents" && printf '%s\n' *); }

# shows_every_version COMMAND...: runs scripts/quickstart in one way or another, whose answer has to end in the table of versions.
shows_every_version() {
  local answer agent
  # Not to /dev/stderr: where that is a file, opening it anew empties it.
  answer="$("$@" | tee >(cat >&2))"
  for agent in $(agent_names); do
    grep -Eq "^$agent +[0-9]+\.[0-9.]+" <<<"$answer" || fail "scripts/quickstart shows no version of $agent."
  done
}
