#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/text.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <jailed/plan/engine/traits.hpp>

namespace jailed::plan {
namespace {

// Who says nothing gets the one that needs no daemon.
constexpr std::array<std::string_view, 2> kUnasked = {"podman", "docker"};

// "docker or podman", each of them with what is put before and behind it.
std::string names_of_kinds(std::string_view between, std::string_view before = "", std::string_view behind = "") {
  std::string text;
  for (const auto* traits : all_traits()) text += fmt::format("{}{}{}{}", text.empty() ? "" : between, before, traits->name, behind);
  return text;
}

const Traits* traits_named(std::string_view name) {
  const auto all = all_traits();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto* traits) { return traits->name == name; });
  return found == all.end() ? nullptr : *found;
}

std::string how_to_install(const Packages& packages) {
  return fmt::format("Debian, Ubuntu: sudo apt install {}    Fedora: sudo dnf install {}    macOS: brew install {}", packages.debian,
                     packages.fedora, packages.homebrew);
}

}  // namespace

std::string engine_key(const Engine& engine) {
  const std::string kind(traits_of(engine).name);
  return engine.endpoint.empty() ? kind : kind + " " + engine.endpoint;
}

Engine choose_engine(const std::optional<core::Named>& named, const EnginePrograms& found,
                     bool caller_is_root) {
  if (!named) {
    for (const auto name : kUnasked) {
      if (const auto program = found.on_path.find(name); program != found.on_path.end())
        return *engine_named(name, program->second, caller_is_root);
    }
    throw core::Error(fmt::format("Neither {} found in PATH.", names_of_kinds(" nor ", "'", "'")),
                      how_to_install(traits_named(kUnasked.front())->packages));
  }
  const auto name = core::printable(named->value);
  const auto choice = fmt::format("name {}, or a path to one", names_of_kinds(", "));
  if (named->value.find('/') != std::string::npos) {
    const auto base = named->value.substr(named->value.rfind('/') + 1);
    if (traits_named(base) == nullptr)
      throw core::UsageError(fmt::format("{}: '{}' is neither {}.", named->set_by, name, names_of_kinds(" nor ", "a ")), choice);
    if (!found.named) {
      throw core::Error(fmt::format("'{}' is not an executable file (asked for by {}).", name, named->set_by),
                        fmt::format("unset {}, or name {}", named->set_by, names_of_kinds(" or ")));
    }
    return *engine_named(base, *found.named, caller_is_root);
  }
  const auto* traits = traits_named(named->value);
  if (traits == nullptr) throw core::UsageError(fmt::format("{}: unknown container runtime '{}'.", named->set_by, name), choice);
  const auto program = found.on_path.find(named->value);
  if (program == found.on_path.end())
    throw core::Error(fmt::format("'{}' not found in PATH (asked for by {}).", name, named->set_by), how_to_install(traits->packages));
  return *engine_named(traits->name, program->second, caller_is_root);
}

bool is_service_of_root(std::string_view container_host) {
  return container_host.starts_with("unix:///run/podman/") ||
         container_host.starts_with("unix:///var/run/podman/");
}

bool hands_on_to(std::string_view script, std::string_view handed) {
  if (!script.starts_with("#!")) return false;
  for (const auto line : core::lines(script)) {
    const auto words = core::words(line);
    const std::size_t at = !words.empty() && words[0] == "exec" && words.size() > 1 ? 1 : 0;
    const auto program = at < words.size() ? words[at] : std::string_view{};
    if (program.substr(program.rfind('/') + 1) == handed && line.ends_with(R"("$@")")) return true;
  }
  return false;
}

}  // namespace jailed::plan
