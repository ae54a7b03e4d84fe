#pragma once
#include <sys/stat.h>

#include <jailed/commands/host_git.hpp>
#include <jailed/plan/git_home.hpp>
#include <optional>
#include <string>

namespace jailed::commands {

/// What is checked out.
struct Head {
  std::string branch;  // refs/heads/...; empty: detached
  std::string id;      // empty: no commit yet
};

Head host_head(const HostGit& git);
Head head_in(const plan::GitRefs& refs);

/// A step forward of what is checked out on the host, to where the jail's checkout is.
class Forward {
 public:
  Forward(const HostGit& git, const plan::GitRecord& record, const plan::GitRefs& known,
          const plan::GitRefs& collected);
  Forward(const Forward&) = delete;
  Forward& operator=(const Forward&) = delete;
  ~Forward();

  /// Why it cannot be done; empty when it can, or when there is nothing to do.
  std::string obstacle();
  bool needed() const { return !same_index_; }
  /// True when the host's checkout is now the jail's.
  bool go();

  const Head& now() const { return now_; }
  const Head& after() const { return after_; }

 private:
  std::string target_obstacle();
  std::string index_obstacle(const std::string& from);
  bool publish_index();

  const HostGit& git_;
  const plan::GitRecord& record_;
  Head before_, after_, now_;
  std::string scratch_;
  std::optional<struct stat> before_copy_;
  bool same_index_ = true;
};

}  // namespace jailed::commands
