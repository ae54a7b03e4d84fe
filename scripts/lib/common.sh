# Words and times that every script here shares. Sourced, never run.
# shellcheck shell=bash

repo_root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
export repo_root

if [[ -t 2 && -z "${NO_COLOR:-}" ]]; then
  bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' red='' plain=''
fi

# Talk goes to stderr, so that a script's stdout stays its answer.
say() { printf '%s==>%s %s\n' "$bold" "$plain" "$*" >&2; }
note() { printf '    %s\n' "$*" >&2; }

# fail WHAT [NEXT STEP]
fail() {
  printf '%serror:%s %s\n' "$red" "$plain" "$1" >&2
  if (($# > 1)); then printf '  next: %s\n' "$2" >&2; fi
  exit 1
}

# Runs a command as root: as it is for root, else by sudo.
as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -- "$@"
  else
    fail "'$1' needs root, and there is no sudo." "run this script as root, or install sudo"
  fi
}

# Tries a command every 0.2 s: wait_until SECONDS COMMAND [ARG...]
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || return 1
    sleep 0.2
  done
}

has_service_manager() { [[ -d /run/systemd/system ]]; }

# The CA bundle that this machine's tools were told to trust, or nothing. Builds in a container
# need it as well, where a proxy signs with a private CA.
private_ca_bundle() {
  local name
  for name in JAILED_TEST_CA SSL_CERT_FILE NODE_EXTRA_CA_CERTS CURL_CA_BUNDLE; do
    if [[ -n "${!name:-}" && -r "${!name}" ]]; then
      printf '%s\n' "${!name}"
      return
    fi
  done
}
