#include <algorithm>
#include <jailed/core/fields.hpp>
#include <jailed/plan/git/homecoming.hpp>
#include <jailed/plan/git/raw_changes.hpp>
#include <set>

namespace jailed::plan {
namespace {

// Runs in a jail on bytes that the agent wrote; nothing of the user goes into it but by files. What git in
// there is made to do by them stays in there; what it prints is checked by the host.
constexpr const char* kCollect = R"sh(set -eu
export GIT_DIR=/jail/git GIT_WORK_TREE=/tmp GIT_OPTIONAL_LOCKS=0 GIT_NO_REPLACE_OBJECTS=1 GIT_TERMINAL_PROMPT=0 GIT_NO_LAZY_FETCH=1
export GIT_OBJECT_DIRECTORY=/tmp/objects GIT_ALTERNATE_OBJECT_DIRECTORIES=/jail/git/objects GIT_INDEX_FILE=/tmp/index
export GIT_AUTHOR_NAME=jailed GIT_AUTHOR_EMAIL=jailed@localhost GIT_COMMITTER_NAME=jailed GIT_COMMITTER_EMAIL=jailed@localhost
mkdir /tmp/objects
g() { git -c core.fsmonitor=false -c core.hooksPath=/dev/null -c core.commitGraph=false -c core.splitIndex=false \
  -c pack.useBitmaps=false -c gc.auto=0 "$@"; }
{
  printf 'HEAD\t'
  if h=$(g symbolic-ref -q HEAD); then printf 'ref: %s\n' "$h"; else g rev-parse --verify -q HEAD; fi
  g for-each-ref --format='%(refname)%09%(objectname)' refs/heads refs/tags refs/notes
  for w in /jail/git/worktrees/*; do
    [ -f "$w/HEAD" ] && read -r h <"$w/HEAD" || continue
    case ${w##*/}.$h in *[!A-Za-z0-9._-]*) continue ;; esac
    if c=$(g rev-parse --verify -q "$h^{commit}"); then printf 'worktree/%s\t%s\n' "${w##*/}" "$c"; fi
  done
  if g rev-parse --verify -q refs/stash >/dev/null; then
    n=0
    for c in $(g log -g --format=%H refs/stash --); do printf 'stash/%s\t%s\n' $n "$c"; n=$((n + 1)); done
  fi
  if [ -f /jail/git/index ] && cp /jail/git/index /tmp/index && cp /jail/git/sharedindex.* /tmp/ 2>/dev/null || [ -f /tmp/index ]; then
    if c=$(g rev-parse --verify -q 'HEAD^{commit}'); then
      if t=$(g write-tree 2>/dev/null) && [ "$t" != "$(g rev-parse 'HEAD^{tree}')" ]; then
        printf 'staged\t%s\n' "$(g commit-tree -p "$c" -m 'staged in the jail' "$t")"
      fi
    elif [ -n "$(g ls-files | head -c 1)" ] && t=$(g write-tree 2>/dev/null); then
      printf 'staged\t%s\n' "$(g commit-tree -m 'staged in the jail' "$t")"
    fi
  fi
} >/tmp/refs
cat /tmp/refs
echo
{
  cut -f 2 /tmp/refs | grep -v '^ref: ' || :
  g cat-file --batch-check='%(objectname) %(objecttype)' </jail/known | grep -v ' missing$' | cut -d ' ' -f 1 | sed 's/^/^/'
} | g pack-objects --revs --thin --delta-base-offset --stdout -q
)sh";

constexpr std::size_t kMostHooks = 1000;
constexpr std::size_t kLongestHooks = 64U << 10;

constexpr std::string_view kStaged = "staged";
constexpr std::string_view kStash = "stash/";
constexpr std::string_view kWorktree = "worktree/";  // one on no branch

bool is_number(std::string_view text) {
  return !text.empty() && text.size() < 6 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

void add_pair(std::string& text, std::string_view key, std::string_view value) { core::add_field(text, std::string(key) + "=" + std::string(value)); }

// The part of a ref's name that follows refs/jailed/<id>/; empty for what the host should not get.
std::string place_of_ref(const std::string& name) {
  if (name == "HEAD" || name == kStaged) return name == "HEAD" ? "detached" : name;
  if (name.starts_with(kStash)) return is_number(name.substr(kStash.size())) ? name : std::string{};
  if (name.starts_with(kWorktree)) return name.find('/', kWorktree.size()) == std::string::npos ? name : std::string{};
  return is_work(name) && is_plain_ref_name(name) ? name.substr(5) : std::string{};
}

}  // namespace

std::string format_record(const GitRecord& record) {
  std::string text;
  add_pair(text, "project", record.project);
  add_pair(text, "git_dir", record.git_dir);
  add_pair(text, "common_dir", record.common_dir);
  add_pair(text, "above", record.above);
  add_pair(text, "read_only", record.read_only ? "1" : "");
  add_pair(text, "made_entry", record.made_entry ? "1" : "");
  for (const auto& store : record.objects) add_pair(text, "objects", store);
  add_pair(text, "lfs_objects", record.lfs_objects);
  add_pair(text, "shadow", record.shadow);
  add_pair(text, "place", record.place);
  add_pair(text, "workspace", record.workspace);
  add_pair(text, "end", "1");
  return text;
}

std::optional<GitRecord> parse_record(std::string_view text) {
  GitRecord record;
  bool complete = false;
  for (const auto field : core::fields(text)) {
    const auto key = field.substr(0, field.find('='));
    const std::string value(field.substr(std::min(field.size(), key.size() + 1)));
    if (key == "project") record.project = value;
    if (key == "git_dir") record.git_dir = value;
    if (key == "common_dir") record.common_dir = value;
    if (key == "above") record.above = value;
    if (key == "read_only") record.read_only = !value.empty();
    if (key == "made_entry") record.made_entry = !value.empty();
    if (key == "objects") record.objects.push_back(value);
    if (key == "lfs_objects") record.lfs_objects = value;
    if (key == "shadow") record.shadow = value;
    if (key == "place") record.place = value;
    if (key == "workspace") record.workspace = value;
    complete = complete || key == "end";
  }
  if (!complete) return std::nullopt;
  return record;
}

Jail collector(Jail base, const std::vector<BindMount>& binds) {
  base.role = "git";
  base.network = false;
  base.terminal = false;
  base.binds = binds;
  base.environment = {};
  base.env_file.reset();
  std::erase_if(base.tmpfs, [](const auto& mount) { return mount.target.starts_with("/home/"); });
  base.command = {"sh", "-c", kCollect};
  return base;
}

Jail waiting_collector(Jail collector) {
  collector.keeper_command = {"sleep", "infinity"};
  return collector;
}

core::EngineCall collect_command(const Engine& engine, const Jail& collector) {
  core::EngineCall command{engine.program, {"exec", "--workdir", "/tmp", container_name(collector)}, {}};
  command.args.insert(command.args.end(), collector.command.begin(), collector.command.end());
  return command;
}

core::EngineCall collection_call(const Engine& engine, const Jail& collector) {
  return engine.reach.mounts ? run_command(engine, collector) : collect_command(engine, collector);
}

std::optional<Collected> parse_collected(std::string_view text) {
  Collected collected;
  while (true) {
    const auto end = text.find('\n', collected.pack_at);
    if (end == std::string_view::npos) return std::nullopt;
    const auto line = text.substr(collected.pack_at, end - collected.pack_at);
    collected.pack_at = end + 1;
    if (line.empty()) return collected;
    const auto tab = line.find('\t');
    if (tab == std::string_view::npos) return std::nullopt;
    auto parsed = parse_loose_ref(line.substr(tab + 1));
    if (!parsed) return std::nullopt;
    collected.refs.emplace(line.substr(0, tab), std::move(*parsed));
  }
}

Arrivals plan_arrivals(const GitRefs& known, const GitRefs& collected, const std::string& session_id) {
  Arrivals arrivals;
  const auto is_known = [&](const std::string& name, const std::string& id) {
    if (!name.starts_with(kStash)) {
      const auto found = known.find(name);
      return found != known.end() && found->second == id;
    }
    return std::any_of(known.begin(), known.end(),
                       [&](const auto& ref) { return ref.first.starts_with(kStash) && ref.second == id; });
  };
  for (const auto& [name, id] : collected) {
    if (!is_object_id(id) || is_known(name, id)) continue;
    // A worktree on no branch is worth a ref only if nothing else leads there.
    const auto leads_there = [&, &found = name, &to = id](const auto& ref) { return ref.first != found && ref.second == to; };
    if (name.starts_with(kWorktree) && (std::any_of(known.begin(), known.end(), leads_there) ||
                                        std::any_of(collected.begin(), collected.end(), leads_there)))
      continue;
    const auto place = place_of_ref(name);
    auto to = "refs/jailed/" + session_id + "/" + place;
    if (place.empty() || !is_plain_ref_name(to)) {  // it is longer than the name it had
      arrivals.refused.push_back(name);
    } else {
      arrivals.refs.push_back({name, std::move(to), id});
    }
  }
  return arrivals;
}

core::Command quiet_git(const std::string& git, const std::string& git_dir, const std::string& common_dir,
                        const std::string& work_tree, std::vector<std::string> args) {
  core::Command command{git, {}, {}};
  for (const auto* setting : {"core.fsmonitor=false", "core.hooksPath=/dev/null", "core.pager=cat",
                              "core.alternateRefsCommand=", "gc.auto=0", "maintenance.auto=false",
                              "protocol.allow=never", "core.untrackedCache=false", "log.showSignature=false",
                              "receive.procReceiveRefs=", "core.logAllRefUpdates=true", "hook.reference-transaction.enabled=false",
                              "hook.post-index-change.enabled=false"}) {
    command.args.insert(command.args.end(), {"-c", setting});
  }
  command.args.insert(command.args.end(), args.begin(), args.end());
  command.env = {{"GIT_DIR", git_dir},
                 {"GIT_COMMON_DIR", common_dir},
                 {"GIT_WORK_TREE", work_tree},
                 {"GIT_INDEX_FILE", git_dir + "/index"},
                 {"GIT_OBJECT_DIRECTORY", common_dir + "/objects"},
                 {"GIT_ALTERNATE_OBJECT_DIRECTORIES", ""},
                 {"GIT_NAMESPACE", ""},
                 {"GIT_CONFIG_PARAMETERS", ""},
                 {"GIT_CONFIG_COUNT", "0"},
                 {"GIT_CONFIG_NOSYSTEM", "1"},
                 {"GIT_CONFIG_GLOBAL", "/dev/null"},
                 {"GIT_ATTR_NOSYSTEM", "1"},
                 {"GIT_NO_REPLACE_OBJECTS", "1"},
                 {"GIT_NO_LAZY_FETCH", "1"},
                 {"GIT_ALLOW_PROTOCOL", "none"},  // beats protocol.<name>.allow, for gits that fetch lazily
                 {"GIT_TERMINAL_PROMPT", "0"},
                 {"GIT_EXTERNAL_DIFF", ""},
                 {"GIT_TRACE", ""},
                 {"GIT_COMMITTER_NAME", "jailed"},
                 {"GIT_COMMITTER_EMAIL", "jailed@localhost"},
                 {"GIT_ALLOC_LIMIT", "2g"},  // for one object that a few bytes unpack to; files of more than 512m git reads in parts
                 {"LC_ALL", "C"}};
  return command;
}

std::optional<std::vector<core::EnvVar>> without_hooks(std::string_view names) {
  constexpr std::string_view section = "hook.";
  std::set<std::string_view> hooks;
  std::size_t bytes = 0;
  for (auto name : core::fields(names)) {
    const auto key = name.rfind('.');
    if (!name.starts_with(section) || key < section.size()) continue;
    name = name.substr(section.size(), key - section.size());
    if (hooks.insert(name).second) bytes += name.size();
    if (hooks.size() > kMostHooks || bytes > kLongestHooks) return std::nullopt;
  }
  std::vector<core::EnvVar> variables;
  for (const auto& name : hooks) {
    const auto number = std::to_string(variables.size() / 2);
    variables.push_back({"GIT_CONFIG_KEY_" + number, std::string(section).append(name).append(".enabled")});
    variables.push_back({"GIT_CONFIG_VALUE_" + number, "false"});
  }
  variables.push_back({"GIT_CONFIG_COUNT", std::to_string(hooks.size())});
  return variables;
}

std::vector<std::string> changed_gitlinks(std::string_view raw) {
  std::vector<std::string> paths;
  for (const auto& [header, path] : raw_changes(raw)) {
    // ":100644 160000 ..."
    if (header.size() > 14 && (header.substr(1, 6) == "160000" || header.substr(8, 6) == "160000")) paths.emplace_back(path);
  }
  return paths;
}

}  // namespace jailed::plan
