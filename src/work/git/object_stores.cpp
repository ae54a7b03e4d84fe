#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <jailed/core/command.hpp>
#include <jailed/core/text.hpp>
#include <jailed/host/beneath/beneath.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/beneath/scan.hpp>
#include <jailed/host/files/directories.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/plan/git/borrowed.hpp>
#include <jailed/plan/git/homecoming.hpp>
#include <jailed/plan/project/project.hpp>
#include <jailed/work/git/look.hpp>
#include <jailed/work/git/object_stores.hpp>
#include <jailed/work/git/state.hpp>

namespace jailed::work {
namespace {

constexpr std::size_t kLongestChain = 1 << 20;
constexpr std::size_t kMostStores = 32;
constexpr std::size_t kMostNamed = 1000;  // lines of one list; each is looked up
constexpr std::size_t kMostIds = 20000;
constexpr std::size_t kLog = 16U << 20;

bool is_directory(const std::string& path) {
  const auto info = host::lstat_of(path);
  return info && S_ISDIR(info->st_mode);
}

bool is_file(const std::string& path) {
  const auto info = host::lstat_of(path);
  return info && S_ISREG(info->st_mode);
}

uid_t owner_of(const std::string& path) {
  const auto info = host::lstat_of(path);
  return info ? info->st_uid : static_cast<uid_t>(-1);
}

std::string why_no_store(const std::string& path, uid_t named_by, const Surroundings& around) {
  std::string ignored;
  plan::StoreFacts facts;
  facts.path = path;
  facts.named_by = named_by;
  facts.caller = ::geteuid();
  facts.config_dir = around.config_dir;
  if (const auto home = around.environment.get("HOME")) facts.home = host::canonical(*home, ignored);
  const auto directory = host::open_exactly(path);
  struct stat info {};
  if (!directory || ::fstat(directory.get(), &info) != 0) return "that is no directory of yours";
  facts.owner = info.st_uid;
  host::DirectoryNames names;
  if (!names.read(directory.get())) return "that cannot be read";
  for (const auto& name : names.names()) {
    std::string text(name.name);
    if (!plan::is_of_objects(text, name.kind == host::ScannedName::Kind::directory)) facts.strange.push_back(std::move(text));
  }
  const auto repository = path.substr(0, path.rfind('/'));
  facts.in_repository =
      is_file(repository + "/HEAD") && is_file(repository + "/config") && is_directory(repository + "/refs");
  return plan::why_no_store(facts);
}

// What the repository says of itself: its refs, and where they have been.
std::string named_commits(const std::string& git_dir, const std::string& common_dir) {
  std::string ids;
  std::size_t count = 0;
  const auto add = [&](std::string_view id) {
    if (plan::is_object_id(id) && ++count <= kMostIds) ids += std::string(id) + "\n";
  };
  for (const auto& [name, value] : read_refs(git_dir, common_dir).value_or(plan::GitRefs{})) add(value);
  // A branch has gone on since it was cloned; its log knows.
  for (const auto& directory : {git_dir, common_dir}) {
    host::walk_entries(host::open_directory_below(directory, "logs"), kMostIds, [&](const host::WalkedEntry& entry) {
      const auto log = S_ISREG(entry.info.st_mode) ? host::read_entry(entry, kLog).value_or("") : std::string{};
      std::string_view rest = log;
      while (!rest.empty() && count < kMostIds) {
        const auto line = core::take_part(rest, '\n');
        const auto first = line.find(' ');
        if (first == std::string_view::npos) continue;
        add(line.substr(0, first));
        add(line.substr(first + 1, line.find(' ', first + 1) - first - 1));
      }
      return true;
    });
  }
  return ids;
}

// The host's git, on an empty repository that has the objects of `store` and settings of nobody.
core::Command ask_for_types(const std::string& git, const std::string& scratch, const std::string& store,
                            const Surroundings& around) {
  auto command = plan::quiet_git(git, scratch, scratch, scratch, {"cat-file", "--batch-check=%(objecttype)"});
  for (auto& variable : command.env) {
    if (variable.name == "GIT_OBJECT_DIRECTORY") variable.value = store;
  }
  const auto owner = owner_of(store);
  const auto setpriv = ::geteuid() == 0 && owner != 0 ? host::find_program("setpriv", around.environment) : std::nullopt;
  if (!setpriv) return command;
  std::vector<std::string> words = {fmt::format("--reuid={}", owner), "--clear-groups", "--", command.program};
  words.insert(words.end(), command.args.begin(), command.args.end());
  return {*setpriv, std::move(words), std::move(command.env)};
}

// Nobody knows the id of a commit that he has never had; ids of files and directories can be guessed.
std::string why_not_borrowed(const std::string& git_dir, const std::string& common_dir, const std::string& store,
                             const Surroundings& around) {
  const auto git = host::find_program("git", around.environment);
  if (!git) return "whether they are cannot be asked without git on PATH";
  const auto ids = named_commits(git_dir, common_dir);
  // Called by root, git runs as the store's owner, who cannot come to root's cache.
  std::error_code failed;
  const auto temporary = std::filesystem::temp_directory_path(failed);
  const host::TemporaryDirectory scratch(
      ::geteuid() != 0 ? host::cache_directory(around.environment) : failed ? "/tmp" : temporary.string(), "jailed-borrowed-");
  ::chmod(scratch.path().c_str(), 0755);
  const bool long_ids = ids.find('\n') == 64;
  host::write_new_file(scratch.path() + "/HEAD", "ref: refs/heads/none\n", 0644);
  host::write_new_file(scratch.path() + "/config",
                       long_ids ? "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n"
                                : "[core]\n\trepositoryformatversion = 0\n",
                       0644);
  ::mkdir((scratch.path() + "/refs").c_str(), 0755);
  host::write_new_file(scratch.path() + "/ids", ids, 0600);
  const host::Fd input(::open((scratch.path() + "/ids").c_str(), O_RDONLY | O_CLOEXEC));
  const auto answer = host::capture_with_input(ask_for_types(*git, scratch.path(), store, around), input.get(), host::kDeedPatience);
  if (!answer) return "git on this machine does not come to an end with them";
  const auto lines = "\n" + answer->out;
  if (lines.find("\ncommit\n") != std::string::npos || lines.find("\ntag\n") != std::string::npos) return {};
  return "no commit that the project names is in them, as it would be in a clone (git repack -a -d && rm .git/objects/info/alternates: then it needs none)";
}

// Nothing: there are more than anybody has.
std::optional<std::vector<std::string>> named_stores(const std::string& store) {
  std::vector<std::string> paths;
  std::size_t lines = 0;
  const auto chain = host::read_below(store, "info/alternates", kLongestChain).value_or("");
  for (const auto line : core::lines(chain)) {
    if (line.empty() || line.starts_with('#')) continue;
    if (++lines > kMostNamed) return std::nullopt;
    std::string reason;
    auto next = host::canonical(plan::resolve_path(store, line), reason);
    if (is_directory(next)) paths.push_back(std::move(next));
  }
  return paths;
}

}  // namespace

std::vector<plan::ObjectStore> object_stores(plan::GitFacts& facts, const std::string& git_dir, const std::string& common_dir,
                                             const Surroundings& around) {
  std::vector<plan::ObjectStore> stores;
  std::vector<std::string> waiting = {common_dir + "/objects"};
  for (std::size_t i = 0; i < waiting.size() && i < kMostStores; ++i) {
    const auto path = waiting[i];
    stores.push_back({path, host::lstat_of(path + "/info/alternates").has_value()});
    const auto named = named_stores(path);
    if (!named) {
      facts.problem = fmt::format("{} names too many repositories", core::printable(path + "/info/alternates"));
      return stores;
    }
    for (const auto& next : *named) {
      if (std::find(waiting.begin(), waiting.end(), next) != waiting.end()) continue;
      if (!plan::is_within(next, facts.project)) {
        auto reason = why_no_store(next, owner_of(path), around);
        if (reason.empty() && plan::is_within(path, facts.project))
          reason = why_not_borrowed(git_dir, common_dir, next, around);
        if (!reason.empty()) {
          facts.problem = fmt::format("it says that it borrows objects of {}, but {}", core::printable(next), reason);
          return stores;
        }
        facts.borrowed.push_back(next);
      }
      waiting.push_back(next);
    }
  }
  return stores;
}

void check_common_store(plan::GitFacts& facts, const Surroundings& around) {
  if (plan::is_within(facts.common_dir, facts.project)) return;
  const auto objects = facts.common_dir + "/objects";
  if (const auto reason = why_no_store(objects, owner_of(facts.project), around); !reason.empty())
    facts.problem = fmt::format("its .git file leads to {}, but {}", core::printable(objects), reason);
}

}  // namespace jailed::work
