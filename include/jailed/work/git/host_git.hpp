#pragma once
#include <sys/types.h>

#include <jailed/core/command.hpp>
#include <jailed/core/environment.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/plan/git/homecoming.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jailed::work {

/// Why commits cannot come home; the session is kept.
class Refused : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The host's git in the host's repository, as the repository's owner, with nothing in it that would run by itself
/// (plan::quiet_git). Throws Refused where there is no git, or none that could be the owner's.
class HostGit {
 public:
  /// `scratch`: a directory where nothing hostile writes. Throws Refused as well when git does not come to an end with the repository's
  /// settings: one of them may include a pipe, which came in an archive or was made in a jail.
  HostGit(const plan::GitRecord& record, std::string scratch, const core::Environment& environment);
  const std::string& scratch() const { return scratch_; }

  /// `more` beats what quiet_git sets.
  core::Command command(std::vector<std::string> args, const std::vector<core::EnvVar>& more = {}) const;
  host::Captured run(std::vector<std::string> args, const std::vector<core::EnvVar>& more = {}) const;
  bool ok(std::vector<std::string> args) const;
  /// Whether the files of a commit can be listed: trees that are in one another ten times over say in a kilobyte that there are more than any
  /// memory holds, and git's diff and index would try.
  bool has_finite_tree(const std::string& commit) const;
  /// The first line of the answer; empty when git said no.
  std::string ask(std::vector<std::string> args) const;
  /// With `input` to read.
  host::Captured feed(std::vector<std::string> args, std::string_view input) const;
  /// Whose files are made in the repository, where that is not the caller: uid and gid.
  std::optional<std::pair<uid_t, gid_t>> owner() const { return owner_; }

 private:
  void become_owner(const core::Environment& environment);
  void leave_out_hooks();
  const plan::GitRecord& record_;
  std::string scratch_;
  std::string git_;
  std::vector<std::string> as_owner_;
  std::vector<core::EnvVar> without_hooks_;
  std::optional<std::pair<uid_t, gid_t>> owner_;
};

std::string first_line(std::string_view text);

/// As people write it.
std::string short_id(const std::string& id);

}  // namespace jailed::work
