#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <jailed/host/files/files.hpp>
#include <jailed/host/process/child.hpp>
#include <jailed/work/git/host_git.hpp>

namespace jailed::work {

using core::printable;

namespace {

// A repository of millions of files takes a minute.
constexpr std::uint64_t kMostListed = 256U << 20;  // two million files and more
constexpr auto kHostGitPatience = std::chrono::minutes(10);
constexpr auto kSettingsPatience = std::chrono::seconds(20);

host::Captured in_time(const core::Command& command, int input) {
  if (auto answer = host::capture_with_input(command, input, kHostGitPatience)) return std::move(*answer);
  throw Refused("git on this machine does not come to an end");
}

}  // namespace

HostGit::HostGit(const plan::GitRecord& record, std::string scratch, const core::Environment& environment)
    : record_(record), scratch_(std::move(scratch)) {
  const auto git = host::find_program("git", environment);
  if (!git) throw Refused("git is not on PATH");
  git_ = *git;
  for (const auto& path : {record.project, record.git_dir, record.common_dir}) {
    std::string reason;
    const auto real = path.empty() ? path : host::canonical(path, reason);
    if (!real.empty() && real != path) throw Refused(fmt::format("a symbolic link leads to {} now", printable(path)));
  }
  become_owner(environment);
  if (!record.git_dir.empty()) leave_out_hooks();
}

void HostGit::become_owner(const core::Environment& environment) {
  const auto owner = host::lstat_of(record_.common_dir.empty() ? record_.project : record_.common_dir);
  if (!owner || ::geteuid() != 0 || owner->st_uid == 0) return;
  // Root would leave files that the owner cannot change, and obey the settings of somebody else.
  const auto setpriv = host::find_program("setpriv", environment);
  if (!setpriv) throw Refused("the repository is somebody else's, and setpriv (util-linux) is not on PATH");
  as_owner_ = {*setpriv, fmt::format("--reuid={}", owner->st_uid), fmt::format("--regid={}", owner->st_gid),
               "--clear-groups", "--"};
  owner_ = {owner->st_uid, owner->st_gid};
}

core::Command HostGit::command(std::vector<std::string> args, const std::vector<core::EnvVar>& more) const {
  auto command =
      plan::quiet_git(git_, record_.git_dir, record_.common_dir, record_.project, std::move(args));
  for (const auto* variables : {&without_hooks_, &more}) {
    for (const auto& variable : *variables) {
      std::erase_if(command.env, [&](const auto& known) { return known.name == variable.name; });
      command.env.push_back(variable);
    }
  }
  if (as_owner_.empty()) return command;
  std::vector<std::string> words(as_owner_.begin() + 1, as_owner_.end());
  words.push_back(command.program);
  words.insert(words.end(), command.args.begin(), command.args.end());
  return {as_owner_.front(), std::move(words), std::move(command.env)};
}

host::Captured HostGit::run(std::vector<std::string> args, const std::vector<core::EnvVar>& more) const {
  return in_time(command(std::move(args), more), host::open_null().get());
}

// Git 2.54 runs what hook.<name>.command says wherever core.hooksPath leads.
void HostGit::leave_out_hooks() {
  const auto nothing = host::open_null();
  const auto answer = host::capture_with_input(command({"config", "--includes", "--null", "--name-only", "--get-regexp", "^hook[.]"}), nothing.get(),
                                               kSettingsPatience);
  if (!answer)
    throw Refused(fmt::format("git on this machine does not come to an end with the settings in {}/config: see what they include", printable(record_.common_dir)));
  const bool none = answer->status == core::ExitStatus::exited(1);
  if (!none && !answer->status.ok())
    throw Refused(fmt::format("git on this machine cannot read the repository's settings: {}", printable(first_line(answer->err))));
  auto variables = plan::without_hooks(answer->out);
  if (!variables) throw Refused(fmt::format("the settings in {}/config name more hooks than any repository has", printable(record_.common_dir)));
  without_hooks_ = std::move(*variables);
}

bool HostGit::ok(std::vector<std::string> args) const { return run(std::move(args)).status.ok(); }

bool HostGit::has_finite_tree(const std::string& commit) const {
  const auto nowhere = host::open_null();
  return host::stream_to(command({"ls-tree", "-r", "-z", commit}), nowhere.get(), kMostListed, {kHostGitPatience, kHostGitPatience}).status.ok();
}

std::string HostGit::ask(std::vector<std::string> args) const {
  const auto answer = run(std::move(args));
  return answer.status.ok() ? first_line(answer.out) : std::string{};
}

host::Captured HostGit::feed(std::vector<std::string> args, std::string_view input) const {
  const auto path = scratch_ + "/input";
  ::unlink(path.c_str());  // of a jailed that was killed
  const host::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) throw Refused(fmt::format("cannot write {}: {}", printable(path), std::strerror(errno)));
  ::unlink(path.c_str());
  while (!input.empty()) {
    const auto count = ::write(file.get(), input.data(), input.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Refused(fmt::format("no room for a temporary file: {}", std::strerror(errno)));
    input.remove_prefix(static_cast<std::size_t>(count));
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return in_time(command(std::move(args)), file.get());
}

std::string first_line(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  return std::string(text.substr(0, text.find('\n')));
}

std::string short_id(const std::string& id) { return id.substr(0, 8); }

}  // namespace jailed::work
