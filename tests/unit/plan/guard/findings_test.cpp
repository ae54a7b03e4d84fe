#include <jailed/plan/guard/findings.hpp>
#include <jailed/plan/guard/mounts.hpp>
#include <jailed/plan/guard/named.hpp>
#include <jailed/plan/guard/snapshot.hpp>
#include <jailed/plan/guard/subtrees.hpp>
#include <nlohmann/json.hpp>

#include "catch.hpp"

using namespace jailed::plan;

namespace {

HostSnapshot snapshot() {
  HostSnapshot it;
  it.project = "/p\nq";
  it.started = 1234567890123456789;
  it.uptime = 5;
  it.key = {~0ULL, 7};
  it.report_json = true;
  it.named = {{"/hooks/**", "git", "commit | push", Trigger::automatic, Severity::critical, "s"}};
  it.allowed = {".envrc", "a b/**"};
  it.files[".envrc"] = {1, 2, -3, 4, true, ~0ULL};
  it.files["odd\n\xff name"] = {};
  it.repositories["sub/.git"] = 42;
  it.mounted["sub/.git"] = 42;
  it.copies[".envrc"] = "guard/0";
  it.leading_out["a/l\n"] = "../../x";
  return it;
}

std::vector<std::string> globs_of(const std::vector<HostEntry>& entries) {
  std::vector<std::string> globs;
  for (const auto& entry : entries) globs.push_back(entry.glob);
  return globs;
}

const auto kThere = [](const std::string&) { return true; };
using Globs = std::vector<std::string>;

}  // namespace

TEST_CASE("a snapshot is read back as it was", "[plan]") {
  const auto text = format_snapshot(snapshot());
  CHECK(parse_snapshot(text) == snapshot());
  // Cut off anywhere, as by a full disk, it is none.
  for (std::size_t size = 0; size < text.size(); ++size) CHECK_FALSE(parse_snapshot(text.substr(0, size)));
  CHECK_FALSE(parse_snapshot(text + "x"));
}

TEST_CASE("paths that git's settings name", "[plan]") {
  const auto named = [](std::vector<GitSetting> settings) {
    return globs_of(named_by_git({"/p", "/p", "/p/.git"}, settings, kThere));
  };
  const auto named_by_user = [](std::vector<GitSetting> settings) { return globs_of(named_by_git({"/p", "/p", ""}, settings, kThere)); };
  CHECK(named({{"core", "", "hookspath", ".githooks"}}) == Globs{"/.githooks", "/.githooks/**"});
  CHECK(named({{"core", "", "hookspath", ".husky/_"}}) == Globs{"/.husky", "/.husky/**"});
  CHECK(named({{"core", "", "hookspath", "/p/x"}}) == Globs{"/x", "/x/**"});
  CHECK(named({{"core", "", "hookspath", "/elsewhere"}, {"core", "", "hookspath", "../out"}}).empty());
  CHECK(named({{"core", "", "hookspath", ".git/hooks"}, {"core", "", "hookspath", "."}}).empty());
  CHECK(named({{"include", "", "path", "../team.inc"}}) == Globs{"/team.inc", "/team.inc/**"});
  CHECK(named({{"includeif", "gitdir:x", "path", "../i"}}) == Globs{"/i", "/i/**"});
  CHECK(named({{"filter", "x", "clean", "python3 'tools/clean.py' %f"}}) ==
        Globs{"/tools/clean.py", "/tools/clean.py/**"});
  CHECK(named({{"core", "", "fsmonitor", "./watch"}}) == Globs{"/watch", "/watch/**"});
  CHECK(named({{"alias", "", "x", "!./run me"}}) == Globs{"/run", "/run/**"});
  CHECK(named({{"user", "", "name", "a/b"}, {"remote", "o", "url", "./x"}}).empty());
  CHECK(named({{"core", "", "hookspath", "a*[b"}}).front() == "/a[*][[]b");
  // Git from 2.54 on; and what comes with git.
  CHECK(named({{"hook", "lint", "command", "./lint --fast"}, {"hook", "lint", "event", "pre-commit"}}) == Globs{"/lint", "/lint/**"});
  for (const GitSetting& setting : std::vector<GitSetting>{{"trailer", "x", "cmd", "t/x"}, {"remote", "o", "uploadpack", "t/x"}, {"submodule", "s", "update", "!t/x"},
                                                           {"interactive", "", "difffilter", "t/x"}, {"tar", "xz", "command", "t/x"}, {"init", "", "templatedir", "t/x"},
                                                           {"lfs", "customtransfer.x", "path", "t/x"}, {"core", "", "alternaterefscommand", "t/x"}})
    CHECK(named({setting}) == Globs{"/t/x", "/t/x/**"});
  // Of a submodule: there.
  CHECK(globs_of(named_by_git({"/p", "/p/sub", "/p/.git/modules/sub"}, {{"core", "", "hookspath", ".githooks"}}, kThere)) == Globs{"/sub/.githooks", "/sub/.githooks/**"});
  // Of the user: in every repository below.
  CHECK(named_by_user({{"core", "", "hookspath", ".githooks"}}) == Globs{".githooks", ".githooks/**"});
  CHECK(named_by_user({{"filter", "x", "clean", "./clean"}}) == Globs{"/clean", "/clean/**"});
  CHECK(named_by_user({{"core", "", "hookspath", "/p/hooks"}, {"include", "", "path", "/p/team"}}) == Globs{"/hooks", "/hooks/**", "/team", "/team/**"});
  CHECK(named_by_user({{"include", "", "path", "team"}}).empty());
  // What is not there yet: what runs unasked.
  const auto missing = [](const std::string&) { return false; };
  CHECK(named_by_git({"/p", "/p", "/p/.git"}, {{"alias", "", "x", "!./run build/"}, {"mergetool", "x", "cmd", "./merge"}}, missing).empty());
  CHECK(globs_of(named_by_git({"/p", "/p", "/p/.git"}, {{"core", "", "hookspath", "h"}, {"filter", "x", "clean", "./f"}}, missing)) ==
        Globs{"/h", "/h/**", "/f", "/f/**"});
}

TEST_CASE("files that an .envrc reads", "[plan]") {
  const auto named = [](const std::string& path, const std::string& text) {
    return globs_of(named_by_envrc(path, text));
  };
  CHECK(named(".envrc", "export X=1\n. ./vars.sh # y\n") == Globs{"/vars.sh"});
  CHECK(named("sub/.envrc", "source 'a/b.sh'; dotenv\n") == Globs{"/sub/a/b.sh", "/sub/.env"});
  CHECK(named(".envrc", "source_env lib\n") == Globs{"/lib", "/lib/.envrc"});
  CHECK(named(".envrc", "dotenv_if_exists .env.local") == Globs{"/.env.local"});
  CHECK(named(".envrc", "source /etc/profile\n# . x\necho sources\nsource\n").empty());
}

TEST_CASE("guards are mounted read-only, and what belongs to the tool cannot be moved away", "[plan]") {
  const GuardSources sources{"/view", "/project", true};
  const auto plan = plan_guards({{"deep/.envrc", false, 0},
                                 {".vscode/tasks.json", false, 1},
                                 {"sub/.git", true, 0},
                                 {".opencode/plugins", true, 1},
                                 {"sub/.git/hooks/x", false, 0}},
                                sources, {{"/view/git", "/workspace/.git", false}});
  CHECK(plan.binds ==
        std::vector<BindMount>{{"/project/.opencode", "/workspace/.opencode", false},
                               {"/project/.vscode", "/workspace/.vscode", false},
                               {"/project/.opencode/plugins", "/workspace/.opencode/plugins", true},
                               {"/view/guard/1", "/workspace/.vscode/tasks.json", true},
                               {"/view/guard/0", "/workspace/deep/.envrc", true},
                               {"/project/sub/.git", "/workspace/sub/.git", true}});
  CHECK(plan.copies == std::vector<std::string>{"deep/.envrc", ".vscode/tasks.json"});
  CHECK(plan.unguarded == 0);
}

TEST_CASE("beside another jail no directory of the project is a source", "[plan]") {
  const auto plan =
      plan_guards({{".vscode/tasks.json", false, 1}, {"sub/.git", true, 0}}, {"/view", "/project", false}, {});
  CHECK(plan.binds == std::vector<BindMount>{{"/view/guard/0", "/workspace/.vscode/tasks.json", true}});
  CHECK(plan.unguarded == 1);
}

TEST_CASE("guards leave the mounts of git alone, and are bounded", "[plan]") {
  const std::vector<BindMount> git = {{"/project/deps", "/workspace/deps", false},
                                      {"/project/deps/lib", "/workspace/deps/lib", false},
                                      {"/view/gitfile", "/workspace/deps/lib/.git", true},
                                      {"/view/empty", "/workspace/.bare", true}};
  const auto plan = plan_guards(
      {{"deps/lib/.git", false, 0}, {".bare", true, 0}, {"deps/.envrc", false, 1}, {"deps", true, 0}},
      {"/view", "/project", true}, git);
  CHECK(plan.binds == std::vector<BindMount>{{"/view/guard/0", "/workspace/deps/.envrc", true}});
  CHECK(plan.unguarded == 1);

  std::vector<Guard> many;
  for (int i = 0; i < 500; ++i) many.push_back({"d" + std::to_string(i) + "/.envrc", false, 0});
  many.push_back({".envrc", false, 0});
  const auto bounded = plan_guards(many, {"/view", "/project", true}, {});
  CHECK(bounded.binds.size() == 64);
  CHECK(bounded.binds.front().target == "/workspace/.envrc");
  CHECK(bounded.unguarded == 437);
  CHECK(plan_guards({{"bad\xff/.envrc", false, 0}}, {"/view", "/project", true}, {}).unguarded == 1);
}

TEST_CASE("what the user allowed is only told", "[plan]") {
  auto before = snapshot();
  const HostIndex index(host_table());
  const auto& envrc = *index.file(".envrc");
  const auto is_moved = [&](const char* path) {
    return judge(before, envrc, path, Finding::Change::added).quarantine;
  };
  CHECK_FALSE(is_moved(".envrc"));
  CHECK_FALSE(is_moved("a b/c/.envrc"));
  before.allowed = {"/sub"};
  CHECK(is_moved(".envrc"));
  CHECK_FALSE(is_moved("sub/x/.envrc"));
  CHECK(is_moved("other/sub/.envrc"));
  CHECK_FALSE(judge(before, *index.file("Makefile"), "Makefile", Finding::Change::added).quarantine);
}

TEST_CASE("links that lead out of the project", "[plan]") {
  const auto out = [](const char* path, const char* target) { return leads_out("/home/me/p", path, target); };
  CHECK(out("l", "/etc"));
  CHECK(out("l", "/workspace/x"));
  CHECK(out("l", ".."));
  CHECK(out("a/l", "../../x"));
  CHECK(out("l", "../pp/x"));
  CHECK(out("l", "x/../y"));  // x may be a link itself
  CHECK_FALSE(out("l", "x/y"));
  CHECK_FALSE(out("a/l", "../x"));
  CHECK_FALSE(out("l", "../p/x"));
  CHECK_FALSE(out("l", "/home/me/p/x"));
  CHECK_FALSE(out("l", "."));
}

TEST_CASE("where a system keeps its programs", "[plan]") {
  CHECK(is_program_directory("/usr/bin/python3"));
  CHECK(is_program_directory("/nix/store/x/bin/y"));
  CHECK_FALSE(is_program_directory("/etc/passwd"));
  CHECK_FALSE(is_program_directory("/usr/binary"));
  CHECK_FALSE(is_program_directory("/home/me/bin"));
}

TEST_CASE("the report names what was moved, counts the rest, and shows no raw byte", "[plan]") {
  const HostIndex index(host_table());
  std::vector<Finding> findings;
  for (int i = 10; i < 40; ++i)
    findings.push_back(
        {Finding::Change::changed, "d" + std::to_string(i) + "/Makefile", *index.file("Makefile")});
  Finding moved{Finding::Change::added, "\x1b[31m/.envrc", *index.file(".envrc")};
  moved.quarantine = true;
  moved.kept_as = "/s/quarantine/1-envrc";
  moved.restore = "mv -i -- X Y";
  findings.push_back(moved);
  Finding stuck = moved;
  stuck.path = "stuck/.envrc";
  stuck.kept_as.clear();
  stuck.problem = "Permission denied";
  findings.push_back(stuck);
  sort_findings(findings);
  const auto lines_of_all = [](const std::vector<Finding>& all) {
    Report report(all, "/s/the list");
    std::vector<std::string> lines;
    const auto add = [&](const auto& more) { lines.insert(lines.end(), more.begin(), more.end()); };
    for (const auto& finding : all) {
      add(report.lines_of(finding));
      if (finding.quarantine) add(report.outcome_of(finding));
    }
    add(report.last_lines());
    return lines;
  };
  const auto lines = lines_of_all(findings);
  REQUIRE(lines.size() == 5 + Report::kMostTold + 1);
  CHECK(std::vector(lines.begin(), lines.begin() + 7) ==
        std::vector<std::string>{
            "changed files that your tools run by themselves:",
            "  critical new     \\033[31m/.envrc  direnv: cd, when the same text was allowed before",
            "      moved away; to take it: mv -i -- X Y",
            "  critical new     stuck/.envrc     direnv: cd, when the same text was allowed before",
            "      could NOT be moved away (Permission denied): look at it before you use the tool",
            "  high     changed d10/Makefile     make: make",
            "  high     changed d11/Makefile     make: make",
        });
  CHECK(lines.back() == "  and 5 more; all of them: --report json");
  CHECK(lines_of_all({}).empty());

  const auto json = nlohmann::json::parse(report_json("0123456789ab", "/p", findings));
  CHECK(json["session"] == "0123456789ab");
  CHECK(json["changed"].size() == 32);
  CHECK(json["changed"][0]["path"] == "\x1b[31m/.envrc");
  CHECK(json["changed"][0]["quarantined"] == true);
  CHECK(json["changed"][1]["problem"] == "Permission denied");
  CHECK(report_json("s", "/p", findings).find('\x1b') == std::string::npos);

  // A flood of what was moved is counted, and what stays is named all the same.
  std::vector<Finding> flood(Report::kMostMoved + 10, moved);
  flood.push_back(stuck);
  const auto of_flood = lines_of_all(flood);
  REQUIRE(of_flood.size() == 1 + 2 * Report::kMostMoved + 2 + 1);
  CHECK(of_flood[of_flood.size() - 3].find("stuck/.envrc") != std::string::npos);
  CHECK(of_flood.back() == "  and 10 more moved away: see '/s/the list'");
}

TEST_CASE("names in the quarantine are those of nothing that a tool obeys", "[plan]") {
  CHECK(quarantine_name(3, "a/.envrc") == "3-envrc");
  CHECK(quarantine_name(1, "x/.git") == "1-git");
  CHECK(quarantine_name(2, "a b\n\xff;") == "2-a_b___");
  CHECK(quarantine_name(4, "...") == "4-");
}

TEST_CASE("a file that names a million others names a thousand", "[plan]") {
  std::string text, settings;
  for (int i = 0; i < 100000; ++i) text += ". f" + std::to_string(i) + "\n";
  CHECK(named_by_envrc(".envrc", text).size() == kMostNamed + 1);  // which tells that there were more
  CHECK(named_by_envrc(".envrc", ". a\n. b\n. a\n").size() == 2);
  for (int i = 0; i < 100000; ++i) settings += " ./f" + std::to_string(i);
  int asked = 0;
  const auto exists = [&](const std::string&) { return ++asked > 0; };
  CHECK(named_by_git({"/p", "/p", "/p/.git"}, {{"alias", "", "x", settings}}, exists).size() == 2 * kMostNamed);
  asked = 0;
  CHECK(named_by_git({"/p", "/p", "/p/.git"}, {{"alias", "", "x", "./a ./a ./a"}}, exists).size() == 2);
  CHECK(asked == 1);
}

TEST_CASE("what is below one of many paths", "[plan]") {
  Subtrees tops;
  CHECK(tops.empty());
  CHECK_FALSE(tops.hold("a"));
  for (const auto* path : {"a/b/c", "a/b-c", "a/b", "x", "x/y"}) tops.add(path);
  for (const auto* path : {"a/b", "a/b/c", "a/b/z", "a/b/c/d", "a/b-c", "x", "x/y/z", "x/0"}) CHECK(tops.hold(path));
  for (const auto* path : {"a", "a/b-", "a/b-cd", "a/bc", "a/c", "", "y", "xx", "x0"}) CHECK_FALSE(tops.hold(path));
}
