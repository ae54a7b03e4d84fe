#include <spdlog/spdlog.h>
#include <unistd.h>

#include <jailed/core/command.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/process/own_process.hpp>
#include <jailed/plan/engine/traits.hpp>
#include <jailed/socket_proxy/decision.hpp>
#include <jailed/socket_proxy/server.hpp>
#include <jailed/work/git/shadow.hpp>
#include <jailed/work/launch/beside.hpp>
#include <jailed/work/launch/prepared.hpp>
#include <jailed/work/session/notes.hpp>

namespace jailed::work {
namespace {

using core::Environment;

void say_of_repositories(const JailDraft& draft) {
  if (const auto& warning = draft.shares.front().git.warning; !warning.empty()) spdlog::warn("{}", warning);
  for (const auto& share : draft.shares) {
    if (!share.git.notice.empty()) spdlog::info("{}", share.git.notice);
  }
  if (draft.signs_commits) spdlog::info("Commits made in the jail are not signed (commit.gpgsign): your key stays here.");
}

void write_files(const JailDraft& draft) {
  for (const auto& file : draft.files) host::write_new_file(draft.layout.file(file.name), file.text, file.mode);
}

core::Command proxy_command(const plan::Jail& jail, const engine::EngineSocket& socket, const std::string& upstream,
                            const std::string& session) {
  return socket_proxy::command({.directory = session,
                                .upstream = upstream,
                                .session = jail.id,
                                .uid = jail.identity.uid,
                                .gid = jail.identity.gid,
                                .group = socket.access.group,
                                .memory = jail.limits.memory,
                                .pids = jail.limits.pids,
                                .annotations = plan::traits_of(socket.engine).answers.annotations_format != nullptr},
                               host::own_program());
}

}  // namespace

PreparedJail::PreparedJail(const LaunchFacts& facts) {
  try {
    prepare(facts);
  } catch (...) {
    if (session_) not_entered();
    throw;
  }
}

void PreparedJail::prepare(const LaunchFacts& facts) {
  sessions_ = facts.places.config + "/sessions";
  auto shares = look_at_projects(facts);
  for (const auto& share : shares) check_beside_jails(sessions_, beside_of(share), {});
  session_.emplace(sessions_);
  lease_.emplace(session_->path() + "/lease");
  draft_ = draft_jail(facts, session_->id(), std::move(shares), static_cast<bool>(*lease_));
  if (!draft_.layout.lease) lease_->release();
  say_of_repositories(draft_);
  if (draft_.mounts) draft_.mounts->make();
  if (const auto& socket = facts.engine_socket; socket && socket->mode == core::Testcontainers::proxy)
    socket_proxy_.emplace(proxy_command(draft_.jail, *socket, draft_.socket, session_->path()));
  write_files(draft_);
  make_shares(draft_.shares, session_->path());
}

PreparedJail::~PreparedJail() {
  if (state_ == State::made) not_entered();
  if (state_ != State::entered) return;
  // Its container may run for another moment: the end is left to a jailed that has removed it.
  clear_project();
  spdlog::error("What this jail did is kept in {}.", core::printable(session_->path()));
  spdlog::error("  the next jailed looks at it and says how it comes home");
}

void PreparedJail::detach() {
  session_->detach();
  state_ = State::over;
}

void PreparedJail::not_entered() noexcept {
  state_ = State::over;
  session_->done();
  clear_project();
}

void PreparedJail::clear_project() noexcept {
  try {
    remove_made_entries(sessions_, session_->id());
  } catch (const std::exception& error) {
    spdlog::debug("{}", error.what());
  }
}

Kept PreparedJail::end(const plan::Engine& engine, const Environment& environment, bool files_home) {
  const ShadowedSession session{session_->id(), session_->path(), draft_.layout.view, draft_.jail};
  const auto kept = end_jail({.sessions = sessions_,
                              .id = session_->id(),
                              .files_home = files_home,
                              .bring_commits = [&] { return bring_commits_home(engine, session, *draft_.views, environment); }});
  state_ = State::over;
  if (end_socket_proxy(engine)) {
    if (kept.nothing()) session_->done();
  } else if (kept.nothing()) {
    note_work_is_home(session_->path());
    // All that the next launch needs to know; the project was looked at, and is its owner's from now on.
    for (const auto& name : host::list_directory(session_->path())) {
      if (name != socket_proxy::kSocketName && name != "record" && name != "conflicts") host::remove_tree(session_->path() + "/" + name);
    }
  }
  return kept;
}

// Whether all that the jail made through it is gone. Else its socket stays in the session, by which the next launch knows.
bool PreparedJail::end_socket_proxy(const plan::Engine& engine) {
  if (!socket_proxy_) return true;
  const auto status = socket_proxy_->end();
  if (status && status->ok()) {
    ::unlink((session_->path() + "/" + socket_proxy::kSocketName).c_str());
    return true;
  }
  spdlog::warn("Not all that this jail made through --testcontainers=proxy is removed: {}.",
               status ? "the engine did not do it" : "the engine is still at it");
  spdlog::warn("  the next jailed tries again; what is left: {} ps --all --filter label={}={}", engine.program, socket_proxy::kSiblingLabel,
               session_->id());
  return false;
}

ShadowedSession shadowed_session(const LaunchFacts& facts, const std::string& id, host::IdmappedMounts* idmapped) {
  auto draft = draft_later_jail(facts, id);
  if (idmapped != nullptr) idmapped->add(facts.places.config, draft.layout.config);
  for (const auto* name : {"passwd", "group", "gitconfig", "seccomp.json", "env"}) ::unlink(draft.layout.file(name).c_str());
  write_files(draft);
  return {id, draft.layout.session, draft.layout.view, std::move(draft.jail)};
}

JailDraft imagined_jail(const LaunchFacts& facts) {
  return draft_jail(facts, new_session_id(), look_at_projects(facts), host::Lease::supported());
}

}  // namespace jailed::work
