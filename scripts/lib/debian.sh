# Debian's packages, from wherever this machine has them. Sourced, never run.
# shellcheck shell=bash

# A Debian machine's own mirror serves the other suites as well; elsewhere mmdebstrap knows one.
debian_mirror() {
  # shellcheck disable=SC2016  # apt-get fills these in
  apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk -F'|' '$1 == "Debian" && $2 == "Debian" { print $3; exit }' || true
}
