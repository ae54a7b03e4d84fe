# Debian and Ubuntu packages: what is there already costs no network. Sourced, never run.
# shellcheck shell=bash

_package_lists_are_fresh=false

package_installed() {
  [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

# Whether the distribution has it; its lists have to be there.
package_available() { [[ -n "$(apt-cache madison "$1" 2>/dev/null)" ]]; }

# ensure_packages PACKAGE...
ensure_packages() {
  local package
  local -a missing=()
  for package in "$@"; do
    package_installed "$package" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null ||
    fail "These packages are missing and this machine has no apt-get: ${missing[*]}" \
      "install what they hold with your own package manager, then try again"

  say "Installing ${missing[*]}"
  local log
  log="$(mktemp)"
  if ! $_package_lists_are_fresh; then
    # A failed update may still leave lists that are good enough.
    as_root apt-get -q update >"$log" 2>&1 || note "apt-get update failed; trying with the lists at hand"
    _package_lists_are_fresh=true
  fi
  # invoke-rc.d has nothing to talk to without a service manager; apt says so and goes on.
  if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends \
    -o DPkg::Lock::Timeout=300 "${missing[@]}" >>"$log" 2>&1; then
    tail -n 15 "$log" >&2
    rm -f "$log"
    fail "apt-get could not install ${missing[*]}." "fix what apt-get says above, then try again"
  fi
  rm -f "$log"
}

# unpack_package PACKAGE DIRECTORY: its files, without installing it (it may conflict with what is installed).
unpack_package() {
  [[ ! -d "$2/usr" ]] || return 0
  local package
  package="$(mktemp -d)"
  chmod 755 "$package"
  (cd "$package" && apt-get -q download "$1") >/dev/null 2>&1 || { as_root apt-get -q update && (cd "$package" && apt-get -q download "$1"); } >/dev/null 2>&1 ||
    fail "apt-get could not download $1." "apt-get download $1"
  mkdir -p "$2"
  dpkg-deb --extract "$package"/*.deb "$2"
  rm -rf "$package"
}

# Installs it if it can be had; not having it is fine.
want_package() {
  package_installed "$1" && return 0
  (ensure_packages "$1") >/dev/null 2>&1 || true
}
