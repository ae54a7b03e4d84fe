#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/guard/named.hpp>
#include <jailed/plan/guard/subtrees.hpp>
#include <jailed/plan/project/project.hpp>
#include <jailed/work/guard/guard.hpp>
#include <jailed/work/guard/quarantine.hpp>
#include <jailed/work/guard/scan.hpp>
#include <jailed/work/session/parts.hpp>
#include <jailed/work/session/session.hpp>

namespace jailed::work {
namespace {

using host::ScannedDirectory;
using plan::HostEntry;
using plan::HostSnapshot;
using Kind = host::ScannedName::Kind;

constexpr std::size_t kMostRemembered = 20000;  // files with a hash
constexpr std::size_t kMostCopied = 1U << 20;   // bytes of a file
constexpr std::size_t kSmallConfig = 1 << 20;
constexpr std::size_t kLongestSnapshot = 256U << 20;
constexpr std::size_t kMostNames = 128U << 20;  // bytes; half a million files at least
constexpr std::size_t kOfEach = 100;            // what is kept beside a path
constexpr std::size_t kMostOthers = 100;
constexpr std::size_t kMostRead = 10'000;       // files that .envrc files and links name

std::size_t directories_of(const HostEntry& entry) {
  std::string_view glob = entry.glob;
  if (glob.ends_with("/**")) glob.remove_suffix(3);
  while (glob.starts_with('/')) glob.remove_prefix(1);
  return static_cast<std::size_t>(std::count(glob.begin(), glob.end(), '/'));
}

class Before : public Visitor {
 public:
  explicit Before(HostSnapshot& snapshot) : snapshot_(snapshot) { wants_links = true; }

  // A relative one leads elsewhere once a directory above it is renamed: only its text tells that it did so before.
  void link(const Met& met) override {
    if (snapshot_.leading_out.size() >= kMostRemembered) return;
    auto target = read_link(met.in.directory, met.c_name());
    if (!leads_out_of(snapshot_.project, met, target)) return;
    count(met.path.size() + target.size());
    snapshot_.leading_out.emplace(met.path, std::move(target));
  }

  void entry(const Met& met, const HostEntry& entry) override {
    remember(met);
    if (!entry.guarded()) return;
    if (met.name.kind == Kind::file) guards.push_back({met.path, false, directories_of(entry)});
    if (met.name.kind == Kind::link) follow(met, entry);
    if (met.name.kind == Kind::file && met.name.name == ".envrc") {
      const auto text = read_small(met.in.directory, met.c_name(), kSmallConfig);
      auto read = plan::named_by_envrc(met.path, text.value_or(""));
      if (read.size() > plan::kMostNamed) too_many_named = true;
      for (auto& one : read) name(std::move(one));
    }
  }

  bool tree(const Met& met, const HostEntry& entry) override {
    if (!entry.guarded()) return true;
    count(met.path.size());
    guards.push_back({met.path, true, directories_of(entry)});
    return true;
  }

  void repository(const Met& met) override {
    if (met.name.kind != Kind::directory) {
      remember(met);
      if (met.name.kind == Kind::file) guards.push_back({met.path, false, 0});
      return;
    }
    count(met.path.size());
    snapshot_.repositories[met.path] = host::identity_of(met.in.directory, met.c_name());
    guards.push_back({met.path, true, 0});
  }

  bool bare(const ScannedDirectory& directory, bool) override {
    count(directory.path.size());
    snapshot_.repositories[directory.path] = host::identity_of(directory.directory);
    if (!directory.path.empty()) guards.push_back({directory.path, true, 0});
    return true;
  }

  void other(const Met& met) override {
    if (others.size() < kMostOthers) {
      others.push_back(met.path);
    } else {
      ++more_others;
    }
  }

  void unreadable(const std::string&) override {}

  std::vector<plan::Guard> guards;
  std::vector<HostEntry> named;
  std::vector<std::string> others;
  std::size_t more_others = 0;
  bool too_many_named = false;

 private:
  void count(std::size_t bytes) {
    bytes_ += bytes + kOfEach;
    if (bytes_ > kMostNames)
      throw core::Error(fmt::format("{} holds more files that your tools run by themselves than jailed can watch.", core::printable(snapshot_.project)),
                        "remove what should not be there (an earlier jail may have made it), or jail a part of it");
  }

  void name(HostEntry entry) {
    if (named.size() >= kMostRead) {
      too_many_named = true;
    } else {
      named.push_back(std::move(entry));
    }
  }

  void remember(const Met& met) {
    count(met.path.size());
    struct stat info {};
    if (::fstatat(met.in.directory, met.c_name(), &info, AT_SYMLINK_NOFOLLOW) != 0) return;
    auto state = state_of(info);
    if (snapshot_.files.size() < kMostRemembered)
      state.hash = hash_of(snapshot_.key, met.in.directory, met.c_name(), info);
    snapshot_.files.emplace(met.path, state);
  }

  // What a link of the user's leads to within the project counts as the link does.
  void follow(const Met& met, const HostEntry& entry) {
    const auto slash = met.path.rfind('/');
    const auto base =
        slash == std::string::npos ? snapshot_.project : snapshot_.project + "/" + met.path.substr(0, slash);
    const auto target = plan::resolve_path(base, read_link(met.in.directory, met.c_name()));
    if (!plan::is_within(target, snapshot_.project) || target == snapshot_.project) return;
    auto led_to = entry;
    led_to.glob = plan::literal_glob(target.substr(snapshot_.project.size() + 1));
    name(std::move(led_to));
  }

  HostSnapshot& snapshot_;
  std::size_t bytes_ = 0;
};

std::vector<plan::GitSetting> settings_in(const std::string& directory, const char* name) {
  return plan::parse_git_config(host::read_below(directory, name, kSmallConfig).value_or(""));
}

// The user's own settings, which name paths in every project: core.hooksPath = .githooks.
std::vector<plan::GitSetting> settings_of_user(const core::Environment& environment) {
  std::vector<plan::GitSetting> settings;
  // The user's own way to these may lead through links.
  const auto add = [&](const std::string& directory, const char* name) {
    std::string reason;
    const auto more = settings_in(host::canonical(directory, reason), name);
    settings.insert(settings.end(), more.begin(), more.end());
  };
  const auto home = environment.get("HOME");
  if (home) add(*home, ".gitconfig");
  if (const auto base = environment.get("XDG_CONFIG_HOME")) {
    add(*base + "/git", "config");
  } else if (home) {
    add(*home + "/.config/git", "config");
  }
  return settings;
}

std::vector<HostEntry> named_by_settings(const plan::GitFacts& git, const core::Environment& environment) {
  const auto& project = git.project;
  const auto exists = [&](const std::string& path) { return host::lstat_of(project + "/" + path).has_value(); };
  auto named = plan::named_by_git({project, project, {}}, settings_of_user(environment), exists);
  const auto add = [&](const std::string& work_tree, const std::string& git_dir, const std::vector<plan::GitSetting>& settings) {
    const auto more = plan::named_by_git({project, work_tree, git_dir}, settings, exists);
    named.insert(named.end(), more.begin(), more.end());
  };
  if (git.git_dir.empty()) return named;
  const auto common = settings_in(git.common_dir, "config");
  add(project, git.common_dir, common);
  add(project, git.common_dir, settings_in(git.git_dir, "config.worktree"));
  for (const auto& module : git.modules) add(project + "/" + module.path, module.git_dir, settings_in(module.git_dir, "config"));
  for (const auto& worktree : git.worktrees) add(project + "/" + worktree.path, git.common_dir, common);
  return named;
}

// Files that an .envrc reads, links that lead within the project: known only once the scan has met them.
void remember_named(Before& before, HostSnapshot& snapshot) {
  for (auto& entry : before.named) {
    const auto path = plan::path_of_literal(entry.glob);
    const auto slash = path.rfind('/');
    const auto directory = host::open_directory_below(
        snapshot.project,
        slash == std::string::npos ? std::string_view{} : std::string_view(path).substr(0, slash));
    const auto name = path.substr(slash + 1);
    struct stat info {};
    if (directory && ::fstatat(directory.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        !S_ISDIR(info.st_mode) && !snapshot.files.contains(path)) {
      auto state = state_of(info);
      state.hash = hash_of(snapshot.key, directory.get(), name.c_str(), info);
      snapshot.files.emplace(path, state);
      if (S_ISREG(info.st_mode)) before.guards.push_back({path, false, 0});
    } else if (snapshot.files.contains(path)) {
      before.guards.push_back({path, false, 0});
    }
    snapshot.named.push_back(std::move(entry));
  }
}

// Nobody else's jail works on the project or on a part of it. What cannot be told counts as one that does.
bool alone_on(const std::string& project, const GuardPlaces& places) {
  for (const auto& id : session_ids(places.sessions)) {
    const auto session = places.sessions + "/" + id;
    if (id == places.session_id || !jail_may_run(places.sessions, id)) continue;
    for (const auto& part : session_parts(session)) {
      const auto text = host::read_below(part, "host-snapshot", kLongestSnapshot);
      const auto other = text ? plan::parse_snapshot(*text) : std::nullopt;
      if (!other || plan::is_within(other->project, project) || plan::is_within(project, other->project))
        return false;
    }
  }
  return true;
}

// What an earlier jail left there and could not be moved away was not always there: this jail's end finds it again.
void forget_planted(HostSnapshot& snapshot, std::vector<plan::Guard>& guards, const std::string& sessions) {
  plan::Subtrees planted;
  for (const auto& id : session_ids(sessions)) {
    for (const auto& part : session_parts(sessions + "/" + id)) {
      for (const auto& path : planted_in(part, snapshot.project)) planted.add(path);
    }
  }
  if (planted.empty()) return;
  const auto is_it = [&](const auto& known) { return planted.hold(known.first); };
  std::erase_if(snapshot.files, is_it);
  std::erase_if(snapshot.leading_out, is_it);
  std::erase_if(snapshot.repositories, is_it);
  std::erase_if(guards, [&](const auto& guard) { return planted.hold(guard.path); });
}

core::SipKey random_key() {
  const auto hex = host::random_hex(16);
  return {std::stoull(hex.substr(0, 16), nullptr, 16), std::stoull(hex.substr(16), nullptr, 16)};
}

}  // namespace

HostExecution look_at_host_execution(const plan::GitFacts& git, const core::Settings& settings,
                                     const core::Environment& environment, const GuardPlaces& places,
                                     const std::vector<plan::BindMount>& git_binds) {
  HostExecution found;
  auto& snapshot = found.snapshot;
  snapshot.project = git.project;
  snapshot.started = host::file_clock();
  snapshot.uptime = host::uptime_clock();
  snapshot.key = random_key();
  snapshot.allowed = settings.allow_edit;
  snapshot.report_json = settings.report == core::Report::json;
  snapshot.named = named_by_settings(git, environment);
  Before before(snapshot);
  const auto entries = all_entries(snapshot.named);
  scan_project(git.project, entries, before, false);
  if (before.too_many_named)
    spdlog::warn("What {} has in .envrc files names more files than jailed watches.", core::printable(git.project));
  found.others = std::move(before.others);
  found.more_others = before.more_others;
  remember_named(before, snapshot);
  forget_planted(snapshot, before.guards, places.sessions);
  std::erase_if(before.guards,
                [&](const auto& guard) { return plan::is_allowed(snapshot.allowed, guard.path); });
  // A copy of a large file is not worth it.
  const auto all = before.guards.size();
  std::erase_if(before.guards, [&](const auto& guard) {
    const auto known = snapshot.files.find(guard.path);
    return !guard.directory && (known == snapshot.files.end() || known->second.size > kMostCopied);
  });
  const auto too_large = all - before.guards.size();
  const bool alone = before.guards.empty() || alone_on(git.project, places);
  found.guards = plan::plan_guards(
      std::move(before.guards), {.view = places.session_view, .workspace = places.workspace, .alone = alone, .target = places.target},
      git_binds);
  found.guards.unguarded += too_large;
  for (std::size_t i = 0; i < found.guards.copies.size(); ++i)
    snapshot.copies[found.guards.copies[i]] = fmt::format("guard/{}", i);
  // What no jail can write, however the project gets in: a synced one has none of the guards' mounts, but
  // neither has it any .git, nor what the repository's own mounts hide.
  auto binds = git_binds;
  for (const auto& bind : found.guards.binds) {
    if (bind.target.ends_with("/.git")) binds.push_back(bind);
  }
  for (const auto& bind : binds) {
    const auto workspace = places.target + "/";
    if (!bind.read_only || !bind.target.starts_with(workspace)) continue;
    const auto path = bind.target.substr(workspace.size());
    if (const auto directory = host::open_directory_below(git.project, path))
      snapshot.mounted[path] = host::identity_of(directory.get());
  }
  return found;
}

void make_host_snapshot(HostExecution& found, const std::string& session) {
  auto& snapshot = found.snapshot;
  if (!found.guards.copies.empty() && ::mkdir((session + "/guard").c_str(), 0755) != 0) {
    throw core::Error(
        fmt::format("Cannot make {}/guard: {}.", core::printable(session), std::strerror(errno)));
  }
  for (std::size_t i = 0; i < found.guards.copies.size(); ++i) {
    const auto copy = fmt::format("{}/guard/{}", session, i);
    // Gone since it was looked at: nothing may be missing when the engine mounts it.
    if (!host::copy_below(snapshot.project, found.guards.copies[i], copy)) {
      snapshot.copies.erase(found.guards.copies[i]);
      host::write_new_file(copy, "", 0644);
    }
  }
  make_room_for_quarantine(session, snapshot.project);
  host::write_new_file(session + "/host-snapshot", plan::format_snapshot(snapshot), 0600);
  if (found.guards.unguarded != 0) {
    spdlog::warn(
        "{} more files or repositories that your tools run by themselves can be changed in the jail; the "
        "report "
        "at the end will tell.",
        found.guards.unguarded);
  }
}

}  // namespace jailed::work
