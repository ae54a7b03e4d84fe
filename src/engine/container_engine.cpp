#include <unistd.h>

#include <cerrno>
#include <jailed/core/error.hpp>
#include <jailed/engine/container_engine.hpp>
#include <jailed/engine/error_output.hpp>
#include <jailed/engine/failure.hpp>
#include <jailed/plan/testcontainers.hpp>
#include <sstream>

namespace jailed::engine {
namespace {

void write_error_output(std::string_view text) {
  while (!text.empty()) {
    const auto count = ::write(2, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

// Whether these words of the client say why there was no jail. Docker's client ends with 126, not 125, when
// its socket is not the caller's to use: it takes every "permission denied" for a command that cannot be run.
// Podman's ends with 1 when there is no user namespace for it to start in.
bool could_not_start(const plan::Engine& engine, const plan::Jail& jail, core::ExitStatus status,
                     const std::string& words) {
  if (words.empty()) return false;
  if (status == core::ExitStatus::exited(core::kFailed)) return true;
  const bool refused = status == core::ExitStatus::exited(core::kNotRunnable);
  if (!refused && status != core::ExitStatus::exited(1)) return false;
  const auto failure = recognise_failure(engine, words, jail.image);
  return failure && failure->kind == (refused ? Failure::Kind::permission_denied : Failure::Kind::not_set_up);
}

}  // namespace

JailEnd run_jail(const plan::Engine& engine, const plan::Jail& jail, host::Lease& lease) {
  ErrorOutput errors;
  const auto remove = plan::remove_command(engine, plan::container_name(jail.project, jail.id));
  const host::ForegroundHooks hooks{
      .on_error_output = [&](std::string_view text) { write_error_output(errors.feed(text)); },
      .on_terminate =
          [&](int signal) {
            if (!lease.send(signal)) host::capture(remove);
          },
      // Podman's client (4.3) loses INT on a terminal, and the rootless one now and then a QUIT.
      .on_interrupt = [&](int signal) { return lease.send(signal); },
      .on_overdue = [&] { lease.release(); },
  };
  const auto result = host::run_in_foreground(plan::run_command(engine, jail), hooks);
  lease.release();
  // The client went before the container, so it may still be there.
  if (result.status.how == core::ExitStatus::How::signalled || result.terminated) host::capture(remove);
  if (could_not_start(engine, jail, result.status, errors.held())) return {result.status, errors.held()};
  write_error_output(errors.held());
  return {result.status, {}};
}

void remove_session_containers(const plan::Engine& engine, const std::string& session_id) {
  const auto found = host::capture(plan::find_session_command(engine, session_id));
  std::string ids = found.out;
  while (!ids.empty()) {
    const auto end = ids.find('\n');
    if (const auto id = ids.substr(0, end); !id.empty()) host::capture(plan::remove_command(engine, id));
    ids = end == std::string::npos ? std::string{} : ids.substr(end + 1);
  }
}

void remove_siblings(const plan::Engine& engine, const std::string& session_id) {
  for (auto& sweep : plan::sibling_sweeps(engine, session_id)) {
    std::istringstream names(host::capture(sweep.find).out);
    const auto fixed = sweep.remove.args.size();
    for (std::string name; names >> name;) sweep.remove.args.push_back(name);
    if (sweep.remove.args.size() > fixed) host::capture(sweep.remove);
  }
}

}  // namespace jailed::engine
