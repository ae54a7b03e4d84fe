#pragma once
#include <sys/stat.h>

#include <jailed/plan/git/homecoming.hpp>
#include <jailed/work/git/host_git.hpp>
#include <jailed/work/git/index_lock.hpp>
#include <optional>
#include <string>

namespace jailed::work {

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

  /// Why it cannot be done; empty when it can, or when there is nothing to do. Where it can, the index is locked from
  /// here on. Throws Refused while somebody else's git has it locked.
  std::string obstacle();
  bool needed() const { return !same_index_; }
  /// Branch, HEAD, index: the host's checkout is the jail's then. Throws Refused. An end at any point in between leaves
  /// the lock, so that no commit is made with the former index; the next import goes on there.
  void go();

  const Head& now() const { return now_; }
  const Head& after() const { return after_; }

 private:
  std::string obstacle_under_lock();
  std::string target_obstacle();
  std::string index_obstacle(const std::string& from);
  std::string copy_index(std::optional<struct stat>& former);

  const HostGit& git_;
  const plan::GitRecord& record_;
  Head before_, after_, now_;
  host::Fd directory_;  // the git directory, while the new index is in it under another name
  std::optional<IndexLock> lock_;
  bool same_index_ = true;
};

/// What a jailed that was killed on the way left in the repositories of a part of a session: a half-made index, its lock.
void remove_half_made(const std::string& part);

}  // namespace jailed::work
