#include <sys/socket.h>

#include <jailed/socket_proxy/connection.hpp>

namespace jailed::socket_proxy {

Change::Change(Shared& shared) : shared_(shared) {
  const std::lock_guard lock(shared_.mutex);
  allowed_ = !shared_.ending;
  if (allowed_) ++shared_.changes;
}

Change::~Change() {
  if (!allowed_) return;
  const std::lock_guard lock(shared_.mutex);
  --shared_.changes;
  shared_.idle.notify_all();
}

Interruptible::Interruptible(Shared& shared, Socket& socket) : shared_(shared), fd_(socket.native_handle()) {
  const std::lock_guard lock(shared_.mutex);
  if (shared_.ending) ::shutdown(fd_, SHUT_RDWR);
  shared_.open.insert(fd_);
}

Interruptible::~Interruptible() {
  const std::lock_guard lock(shared_.mutex);
  shared_.open.erase(fd_);
}

}  // namespace jailed::socket_proxy
