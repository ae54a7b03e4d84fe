#pragma once
#include <sys/socket.h>

#include <condition_variable>
#include <jailed/socket_proxy/decision.hpp>
#include <jailed/socket_proxy/upstream.hpp>
#include <mutex>
#include <set>

namespace jailed::socket_proxy {

/// What all connections of one proxy share. `mutex` guards everything but `policy`, `engine` and `lists`.
struct Shared {
  Shared(Policy of_jail, Upstream to_engine) : policy(std::move(of_jail)), engine(std::move(to_engine)) {}

  Policy policy;
  Upstream engine;
  std::mutex mutex;
  std::mutex lists;  // held for a long answer that is kept whole: one at a time
  std::condition_variable idle;  // told when `changes` falls
  Owned owned;
  bool ending = false;
  int changes = 0;     // requests under way by which something is made or removed
  std::set<int> open;  // sockets to shut down at the end
};

/// A request that makes or removes something; none may begin when the jail is ending.
class Change {
 public:
  explicit Change(Shared& shared);
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;
  ~Change();
  bool allowed() const { return allowed_; }

 private:
  Shared& shared_;
  bool allowed_ = false;
};

/// A socket that the end of the proxy shuts down.
class Interruptible {
 public:
  Interruptible(Shared& shared, Socket& socket);
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;
  ~Interruptible();

 private:
  Shared& shared_;
  int fd_;
};

/// Serves one client until it goes. Never throws.
void serve_connection(Shared& shared, Socket client);

}  // namespace jailed::socket_proxy
