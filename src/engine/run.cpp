#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <jailed/core/error.hpp>
#include <jailed/engine/run.hpp>
#include <jailed/engine/words/error_output.hpp>
#include <jailed/host/process/child.hpp>
#include <jailed/host/process/terminal.hpp>
#include <jailed/plan/engine/failure.hpp>
#include <jailed/plan/git/homecoming.hpp>
#include <jailed/plan/jail/terminal_reset.hpp>
#include <jailed/plan/list/jails.hpp>
#include <jailed/plan/sync/keeper.hpp>
#include <jailed/plan/sync/remote.hpp>

#include "client.hpp"

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

// What was killed left its terminal as it was at that moment.
void tidy_terminal(core::ExitStatus status) {
  if (plan::may_have_left_modes(status))
    host::write_to_terminal(plan::terminal_reset(host::environment_snapshot().get("TERM").value_or("")));
}

// What runs in the jail can stop the shell that would signal it, or leave it a FIFO to read from.
constexpr auto kSignalPatience = std::chrono::seconds(3);
// Podman waits ten seconds for a container before it kills it; an engine that hangs must not keep jailed from ending.
constexpr auto kRemovePatience = std::chrono::seconds(20);
// Rootless podman gives an image's files to the jail's ids before the first container of it.
constexpr auto kStartPatience = std::chrono::minutes(15);
constexpr host::Patience kCollectPatience{std::chrono::minutes(5), std::chrono::hours(2)};

struct Stop {
  std::function<void(int signal)> ask;
  std::function<bool(int signal)> interrupt;  // INT or QUIT, as host::ForegroundHooks has it
  std::function<void()> cut_off;
  std::function<void()> after;  // the client went before the command
};

// Whether these words of the client say why there was no jail. Docker's client ends with 126, not 125, when
// its socket is not the caller's to use: it takes every "permission denied" for a command that cannot be run.
// Podman's ends with 1 when there is no user namespace for it to start in, and with crun's 126 when that cannot work here.
bool could_not_start(const plan::Engine& engine, const plan::Jail& jail, core::ExitStatus status,
                     const std::string& words) {
  if (words.empty()) return false;
  if (status == core::ExitStatus::exited(core::kFailed)) return true;
  const bool refused = status == core::ExitStatus::exited(core::kNotRunnable);
  if (!refused && status != core::ExitStatus::exited(1)) return false;
  const auto failure = plan::recognise_failure(engine, words, jail.image);
  return failure && (failure->kind == plan::Failure::Kind::not_set_up || (refused && failure->kind == plan::Failure::Kind::permission_denied));
}

JailEnd run_client(const plan::Engine& engine, const plan::Jail& jail, const core::EngineCall& call,
                   const Stop& stop, ErrorOutput errors) {
  const auto result = host::run_in_foreground(
      Client::command(call), {.on_error_output = [&](std::string_view text) { write_error_output(errors.feed(text)); },
                .on_terminate = stop.ask,
                .on_interrupt = stop.interrupt,
                .on_overdue = stop.cut_off});
  // The client went before the container, so it may still be there.
  if (result.status.how == core::ExitStatus::How::signalled || result.terminated) stop.after();
  const bool failed = !errors.command_began() && could_not_start(engine, jail, result.status, errors.held());
  if (jail.terminal && (!failed || plan::says_engine_is_gone(errors.held()))) tidy_terminal(result.status);
  if (failed) return {result.status, errors.held(), result.terminated, !jail.terminal};
  write_error_output(errors.held());
  return {result.status, {}, result.terminated};
}

// An engine that is gone by now does not keep the jail's work from coming home: without its lease the jail ends by itself.
void remove_if_possible(const core::EngineCall& remove) {
  try {
    Client::capture_shielded(remove, kRemovePatience);
  } catch (const host::CannotRun&) {
  }
}

// While what is copied goes on, however much it is.
constexpr host::Patience kCopyPatience{std::chrono::minutes(2), std::chrono::hours(12)};

// In the terminal's process group, unlike other steps: what a repository has can take long to copy, and Ctrl-C ends it.
std::string copy_over(const plan::Engine& engine, const std::string& container, const plan::RemoteCopy& copy) {
  auto pipe = host::make_pipe();
  const auto nothing = host::open_null();
  const auto reading = host::start_beside(plan::read_copy_command(copy), nothing.get(), pipe.write.get());
  pipe.write.reset();
  const auto written = host::capture_pouring(Client::command(plan::write_copy_command(engine, container, copy)), std::move(pipe.read), kCopyPatience);
  if (!written) ::kill(reading, SIGKILL);
  auto said = written ? said_against(*written) : fmt::format("copying {} to it stopped: for two minutes nothing went over", core::printable(copy.source));
  const auto read = host::wait_for(reading);
  // 1 of tar's: a file changed while it was read, as when git tidies up; what is missing then, git says.
  if (said.empty() && !read.ok() && (copy.file || read != core::ExitStatus::exited(1)))
    said = fmt::format("{} cannot be read", core::printable(copy.source));
  return said;
}

std::string furnish(const plan::Engine& engine, const plan::Jail& jail) {
  const auto container = plan::container_name(jail);
  const auto made = Client::capture_shielded(plan::furnish_command(engine, container, *jail.carried));
  if (!made.status.ok()) return said_against(made);
  if (const auto user = made.out.substr(0, made.out.find('\n')); user != jail.user)
    return fmt::format("the user of the image {} is {}, not {}", jail.image, core::printable(user), jail.user);
  for (const auto& copy : jail.carried->copied) {
    if (auto said = copy_over(engine, container, copy); !said.empty()) return said;
  }
  return {};
}

}  // namespace

JailEnd run_jail(const plan::Engine& engine, const plan::Jail& jail, host::Lease& lease) {
  const auto remove = plan::remove_command(engine, plan::container_name(jail.project, jail.id));
  auto end = run_client(engine, jail, plan::run_command(engine, jail),
                        {.ask =
                             [&](int signal) {
                               if (!lease.send(signal)) remove_if_possible(remove);
                             },
                         // Podman's client (4.3) loses INT on a terminal, and the rootless one now and then a QUIT.
                         .interrupt = [&](int signal) { return lease.send(signal); },
                         .cut_off = [&] { lease.release(); },
                         .after =
                             [&] {
                               lease.release();
                               remove_if_possible(remove);
                             }},
                        // With a terminal the command is not on this stream.
                        ErrorOutput(jail.terminal ? std::function<bool()>{} : [&] { return lease.was_read(); }));
  lease.release();
  return end;
}

std::string start_keeper(const plan::Engine& engine, const plan::Jail& jail) {
  auto said = said_against(Client::ask_shielded(plan::run_command(engine, jail), kStartPatience));
  if (said.empty() && jail.carried) said = furnish(engine, jail);
  if (!said.empty()) Client::capture_shielded(plan::remove_command(engine, plan::container_name(jail)), kRemovePatience);
  return said;
}

JailEnd run_in_keeper(const plan::Engine& engine, const plan::Jail& jail) {
  const std::string token = "command";
  const auto container = plan::container_name(jail.project, jail.id);
  const auto end = [&](int signal) {
    Client::capture_shielded(plan::signal_command(engine, container, token, signal), kSignalPatience);
  };
  return run_client(engine, jail, plan::exec_command(engine, jail, token),
                    {.ask = end,
                     .interrupt =
                         [&](int signal) {
                           end(signal);
                           return true;
                         },
                     .cut_off = [&] { end(SIGKILL); },
                     .after = [] {}},
                    jail.terminal ? ErrorOutput() : ErrorOutput({}, plan::kCommandMark));
}

JailEnd run_in_jail(const plan::Engine& engine, const std::string& container, const std::string& workspace,
                    const std::vector<std::string>& command, const std::string& token, bool terminal) {
  const auto end = [&](int signal) {
    Client::capture_shielded(plan::signal_command(engine, container, token, signal), kSignalPatience);
  };
  auto errors = terminal ? ErrorOutput() : ErrorOutput({}, plan::kCommandMark);
  const auto result = host::run_in_foreground(
      Client::command(plan::exec_command(engine, container, workspace, command, token, terminal)),
      {.on_error_output = [&](std::string_view text) { write_error_output(errors.feed(text)); },
       .on_terminate = end,
       .on_interrupt =
           [&](int signal) {
             end(signal);
             return true;
           },
       .on_overdue = [&] { end(SIGKILL); }});
  if (!result.status.ok() && !errors.command_began() && plan::says_container_is_gone(errors.held())) return {result.status, errors.held()};
  if (host::is_terminal(0) && host::is_terminal(1)) tidy_terminal(result.status);
  write_error_output(errors.held());
  return {result.status, {}};
}

Printed run_collector(const plan::Engine& engine, const plan::Jail& collector, int output, std::uint64_t limit) {
  Printed printed;
  if (!engine.reach.mounts) printed.not_started = start_keeper(engine, plan::jail_for(engine, plan::waiting_collector(collector)));
  if (!printed.not_started.empty()) return printed;
  printed.result = host::stream_to(Client::command(plan::collection_call(engine, collector)), output, limit, kCollectPatience);
  if (!engine.reach.mounts || !printed.result.status.ok())
    Client::capture(plan::remove_command(engine, plan::container_name(collector)), host::kDeedPatience);
  return printed;
}

core::ExitStatus show_log(const plan::Engine& engine, const std::string& container, bool follow) {
  return host::run_in_foreground(Client::command(plan::logs_command(engine, container, follow)),
                                 {.on_error_output = [](std::string_view text) { write_error_output(text); },
                                  .on_terminate = [](int) {},
                                  .on_interrupt = {},
                                  .on_overdue = [] {}})
      .status;
}

}  // namespace jailed::engine
