#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <jailed/core/error.hpp>
#include <jailed/engine/jails.hpp>
#include <jailed/host/machine/process_list.hpp>
#include <jailed/plan/engine/failure.hpp>
#include <jailed/plan/engine/testcontainers.hpp>
#include <jailed/plan/list/claims.hpp>
#include <jailed/plan/sync/keeper.hpp>
#include <thread>

#include "client.hpp"

namespace jailed::engine {
namespace {

constexpr auto kKilledPatience = std::chrono::seconds(3);
// Docker notes the kernel's word and the container's end by two threads, in either order.
constexpr auto kSecondLook = std::chrono::milliseconds(300);

// Silence is no answer: what nobody knows of is not gone.
std::vector<std::string> found_of(const plan::Engine& engine, const core::EngineCall& find, const std::string& session_id) {
  const auto answer = Client::capture(find);
  if (!answer.status.ok())
    throw core::Error(fmt::format("{} does not say what is left of session {}: {}", engine.program, session_id, core::printable(answer.err)),
                      "it is asked again at the next launch");
  return plan::names_in(answer.out);
}

}  // namespace

plan::JailList list_jails(const plan::Engine& engine, const std::string& image) {
  const auto answer = Client::capture(plan::list_jails_command(engine, ::geteuid()));
  if (answer.status.ok()) return plan::parse_jails(engine, answer.out);
  if (const auto failure = plan::recognise_failure(engine, answer.err, image)) throw core::Error(failure->message, failure->next_step);
  throw core::Error(fmt::format("{} does not say which jails there are: {}", engine.program, core::printable(answer.err)));
}

bool jail_runs(const plan::Engine& engine, const std::string& container) {
  const auto answer = Client::ask_shielded(plan::is_running_command(engine, container));
  if (answer.status.ok()) return answer.out.starts_with("true");
  return answer.err.find("o such container") == std::string::npos && answer.err.find("o such object") == std::string::npos;
}

plan::OutOfMemory out_of_memory(const plan::Engine& engine, const std::string& container) {
  const auto call = plan::out_of_memory_command(engine, container);
  if (!call) return plan::OutOfMemory::unknown;
  for (const bool again : {false, true}) {
    if (again) std::this_thread::sleep_for(kSecondLook);
    const auto answer = Client::capture_shielded(*call, kKilledPatience);
    if (!answer || !answer->status.ok()) return plan::OutOfMemory::unknown;
    if (answer->out.starts_with("oom")) return plan::OutOfMemory::yes;
  }
  return plan::OutOfMemory::unknown;
}

std::string stop_jails(const plan::Engine& engine, const std::vector<std::string>& containers) {
  return said_against(Client::capture_shielded(plan::stop_command(engine, containers)));
}

std::string signal_jail(const plan::Engine& engine, const std::string& container, const std::string& token, int signal) {
  return said_against(Client::capture_shielded(plan::signal_command(engine, container, token, signal)));
}

Removal remove_jail(const plan::Engine& engine, const std::string& container) {
  auto removed = Client::capture_shielded(plan::remove_command(engine, container));
  return {removed.overdue, std::move(removed.err)};
}

DeathWatch::DeathWatch(const std::string& session, const plan::Engine& engine, const std::string& container)
    : watch_(session, Client::command(plan::remove_command(engine, container))) {}

void start_detached_command(const plan::Engine& engine, const std::string& container) {
  Client::capture_shielded(plan::start_command(engine, container));
}

// A container's name ends with its session's id (plan::container_name).
bool client_runs(const std::string& session_id) { return host::runs_with_option("--name", "-" + session_id); }

// One call for each: what an engine names is not what makes the others of a session stay.
void remove_session_containers(const plan::Engine& engine, const std::string& session_id) {
  for (const auto& id : found_of(engine, plan::find_session_command(engine, session_id), session_id)) {
    const auto removed = Client::capture(plan::remove_command(engine, id), host::kDeedPatience);
    if (removed.status.ok() || plan::says_container_is_gone(removed.err)) continue;
    throw core::Error(fmt::format("{} does not remove {}, a container of session {}: {}", engine.program, id, session_id, core::printable(removed.err)),
                      "what it did is looked at when it is gone");
  }
}

void remove_siblings(const plan::Engine& engine, const std::string& session_id) {
  for (auto& sweep : plan::sibling_sweeps(engine, session_id)) {
    const auto names = found_of(engine, sweep.find, session_id);
    if (names.empty()) continue;
    sweep.remove.args.insert(sweep.remove.args.end(), names.begin(), names.end());
    const auto removed = Client::capture(sweep.remove, host::kDeedPatience);
    // One that went in between makes it a failure all the same.
    if (removed.status.ok() || found_of(engine, sweep.find, session_id).empty()) continue;
    throw core::Error(fmt::format("{} does not remove all that the jail of session {} made through --testcontainers=proxy: {}", engine.program,
                                  session_id, core::printable(removed.err)),
                      "it is tried again at the next launch");
  }
}

}  // namespace jailed::engine
