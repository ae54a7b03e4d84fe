#include <fmt/format.h>

#include <algorithm>
#include <jailed/plan/project/projects.hpp>
#include <jailed/plan/sync/leaving.hpp>

namespace jailed::plan {
namespace {

// In the same volume: only there are times of one clock and one precision, and moving is a rename.
std::string aside(const std::string& name) { return "/projects/.jailed-detached-" + name; }

// Whoever makes the place anew while it is away (mkdir -p) has written, too.
// A process can hand its files to a child while the list is read, so all are looked at twice. Mutagen's agent reads there,
// and is known by its file, which nobody in the jail can write. Processes that hide their files from others of their user
// (ssh-agent) are not seen.
constexpr const char* kCommon =
    "place=$1 away=$2 mark=$2.mark\n"
    "put_back() {\n"
    "  [ -e \"$away\" ] || return 0\n"
    "  if [ -e \"$place\" ]; then\n"
    "    mv -T \"$place\" \"$away.new\" && mv -T \"$away\" \"$place\" && cp -a \"$away.new/.\" \"$place/\" && rm -rf \"$away.new\"\n"
    "  else\n"
    "    mv -T \"$away\" \"$place\"\n"
    "  fi\n"
    "}\n"
    "in_use() {\n"
    "  for look in 1 2; do\n"
    "    user=$({\n"
    "      find /proc/[0-9]*/cwd /proc/[0-9]*/root /proc/[0-9]*/fd -maxdepth 1 \\( -lname \"$1\" -o -lname \"$1/*\" \\) -print\n"
    "      grep -lE \"^[^ ]+ .w.s .* $1/\" /proc/[0-9]*/maps\n"
    "    } | while IFS=/ read -r _ _ pid _; do\n"
    "      case $(readlink \"/proc/$pid/exe\") in \"$HOME\"/.mutagen/agents/*) continue ;; esac\n"
    "      echo \"process $pid $(cat \"/proc/$pid/comm\")\"\n"
    "      break\n"
    "    done)\n"
    "    [ -z \"$user\" ] || { echo \"$user\"; return 0; }\n"
    "  done 2>/dev/null\n"
    "  return 1\n"
    "}\n";

// A file system's clock has ticks: until the next one, a change would have the mark's own time.
constexpr const char* kBegin =
    "put_back && touch \"$mark\" || exit 2\n"
    "if in_use \"$place\"; then exit 1; fi\n"
    "for tick in $(seq 300); do\n"
    "  touch \"$mark.tick\"\n"
    "  [ -z \"$(find \"$mark.tick\" -newer \"$mark\")\" ] || exit 0\n"
    "  sleep 0.01\n"
    "done\n"
    "exit 2\n";

// First who could still write, then what was written. A rename changes the directory's own ctime: only what is in it counts.
constexpr const char* kTake =
    "busy() {\n"
    "  if in_use \"$1\"; then return 0; fi\n"
    "  changed=$(find \"$1\" -maxdepth 0 -newer \"$mark\" && find \"$1\" -mindepth 1 -cnewer \"$mark\" -print -quit) || changed=$1/.\n"
    "  [ -z \"$changed\" ] || { echo \"changed ${changed#\"$1\"}\"; return 0; }\n"
    "  return 1\n"
    "} 2>/dev/null\n"
    "if busy \"$place\"; then exit 1; fi\n"
    "mv -T \"$place\" \"$away\" || exit 2\n"
    "if busy \"$away\" || { [ -e \"$place\" ] && echo changed; }; then put_back; exit 1; fi\n"
    "rm -f \"$mark\" \"$mark.tick\"\n";

core::EngineCall in_jail(const Engine& engine, const std::string& container, const std::string& script, const std::string& name) {
  return {engine.program,
          {"exec", "--workdir", "/", container, "/bin/sh", "-c", script, "detach", place_of(name).workspace, aside(name)},
          {}};
}

}  // namespace

core::EngineCall detach_begin_command(const Engine& engine, const std::string& container, const std::string& name) {
  return in_jail(engine, container, fmt::format("{}{}", kCommon, kBegin), name);
}

core::EngineCall detach_take_command(const Engine& engine, const std::string& container, const std::string& name) {
  return in_jail(engine, container, fmt::format("{}{}", kCommon, kTake), name);
}

core::EngineCall detach_undo_command(const Engine& engine, const std::string& container, const std::string& name) {
  return in_jail(engine, container, fmt::format("{}put_back\n", kCommon), name);
}

core::EngineCall detach_remove_command(const Engine& engine, const std::string& container, const std::string& name) {
  return {engine.program, {"exec", "--workdir", "/", container, "/bin/rm", "-rf", "--", aside(name)}, {}};
}

std::string detach_obstacle(std::string_view said) {
  said = said.substr(0, said.find('\n'));
  constexpr std::string_view process = "process ";
  if (said.starts_with(process)) {
    said.remove_prefix(process.size());
    const auto space = std::min(said.find(' '), said.size());
    return fmt::format("process {} ({}) works in it", core::printable(said.substr(0, space)),
                       core::printable(said.substr(std::min(space + 1, said.size()))));
  }
  constexpr std::string_view changed = "changed /";
  if (said.starts_with(changed) && said != "changed /.")
    return fmt::format("{} was written while it was to leave", core::printable(said.substr(changed.size())));
  return "something in it was written while it was to leave";
}

}  // namespace jailed::plan
