#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <jailed/core/agent.hpp>
#include <jailed/core/text.hpp>
#include <jailed/core/version.hpp>
#include <jailed/plan/build/build.hpp>
#include <jailed/plan/engine/traits.hpp>
#include <jailed/plan/jail/seccomp.hpp>
#include <nlohmann/json.hpp>

namespace jailed::plan {
namespace {

using Words = std::vector<std::string>;

constexpr std::string_view kRun = "RUN ";

Words split(std::string_view text, std::string_view separators) {
  Words words;
  while (!text.empty()) {
    const auto end = text.find_first_of(separators);
    if (end != 0) words.emplace_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return words;
}

Words agent_names() {
  Words names;
  for (const auto& agent : core::agents()) names.emplace_back(agent.name);
  return names;
}

Words toolchain_names() {
  const auto all = core::toolchains();
  return {all.begin(), all.end()};
}

// The first whitespace-separated word of `text`, which is shortened by it.
std::string_view next_word(std::string_view& text) {
  text = core::trimmed(text);
  const auto end = text.find_first_of(" \t");
  const auto word = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : core::trimmed(text.substr(end));
  return word;
}

// "3/20" -> (3, 20).
std::optional<std::pair<int, int>> fraction(std::string_view text) {
  int number = 0;
  int total = 0;
  const auto* end = text.data() + text.size();
  auto result = std::from_chars(text.data(), end, number);
  if (result.ec != std::errc{} || result.ptr == end || *result.ptr != '/') return std::nullopt;
  result = std::from_chars(result.ptr + 1, end, total);
  if (result.ec != std::errc{} || result.ptr != end || total <= 0) return std::nullopt;
  return std::pair{number, total};
}

// "RUN /opt/jailed/install/agent claude" -> "agent claude"; other instructions as they are, cut to a line's
// length.
std::string step_name(std::string_view instruction) {
  constexpr std::size_t kLongest = 48;
  auto name = core::trimmed(instruction);
  if (name.starts_with(kRun)) {
    name = core::trimmed(name.substr(kRun.size()));
    if (name.starts_with("sh /")) name.remove_prefix(3);
    const auto program = name.substr(0, name.find(' '));
    if (const auto slash = program.rfind('/'); slash != std::string_view::npos) name.remove_prefix(slash + 1);
  }
  if (name.size() <= kLongest) return core::printable(name);
  auto end = kLongest;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;  // not within a character
  return core::printable(std::string(name.substr(0, end)) + "…");
}

std::optional<BuildStep> step(std::string_view numbers, std::string_view instruction) {
  const auto parsed = fraction(core::trimmed(numbers));
  if (!parsed) return std::nullopt;
  return BuildStep{parsed->first, parsed->second, step_name(instruction),
                   core::trimmed(instruction).starts_with(kRun)};
}

std::optional<std::string> locked_version(const core::Agent& agent, const ContextFile& file) {
  if (file.path == fmt::format("agents/{}/package.json", agent.name)) {
    const auto json = nlohmann::json::parse(file.content);
    return json.at("dependencies").at(std::string(agent.package)).get<std::string>();
  }
  if (file.path == fmt::format("agents/{}/requirements.txt", agent.name)) {
    const auto pin = fmt::format("{}==", agent.package);
    auto at = file.content.starts_with(pin) ? 0 : file.content.find("\n" + pin);
    if (at == std::string_view::npos) return std::nullopt;
    if (at != 0) ++at;
    auto rest = file.content.substr(at + pin.size());
    return std::string(rest.substr(0, rest.find_first_of(" \t\\;\n")));
  }
  return std::nullopt;
}

}  // namespace

BuildRequest resolve_build(const core::Settings& settings) {
  return {.image = settings.image,
          .user = settings.name.value_or(settings.user),
          .base = settings.base,
          .agents = settings.agents.value_or(agent_names()),
          .toolchains = settings.toolchains.value_or(toolchain_names()),
          .ca_cert = settings.ca_cert,
          .update = settings.update,
          .no_cache = settings.no_cache,
          .pull = settings.pull};
}

std::string dockerfile_for(const BuildRequest& request, std::string_view dockerfile) {
  const auto chosen = [&](const std::string& word) {
    return std::find(request.agents.begin(), request.agents.end(), word) != request.agents.end() ||
           std::find(request.toolchains.begin(), request.toolchains.end(), word) != request.toolchains.end();
  };
  constexpr std::string_view begin = "# when ";
  std::string kept;
  bool keep = true;
  for (std::size_t at = 0; at < dockerfile.size();) {
    const auto end = std::min(dockerfile.find('\n', at), dockerfile.size());
    const auto line = dockerfile.substr(at, end - at);
    at = end + 1;
    if (line.starts_with(begin)) {
      const auto words = split(line.substr(begin.size()), " ");
      keep = std::any_of(words.begin(), words.end(), chosen);
    } else if (line == "# end") {
      keep = true;
    } else if (keep) {
      kept += line;
      kept += '\n';
    }
  }
  return kept;
}

std::map<std::string, std::string> locked_versions(std::span<const ContextFile> context) {
  std::map<std::string, std::string> versions;
  for (const auto& agent : core::agents()) {
    for (const auto& file : context) {
      if (auto version = locked_version(agent, file)) versions.emplace(agent.name, std::move(*version));
    }
  }
  return versions;
}

core::EngineCall build_command(const Engine& engine, const BuildRequest& request, const BuildCall& call,
                               const core::Environment& host) {
  core::EngineCall command{engine.program, {"build", "--force-rm"}, {}};
  auto& args = command.args;
  const auto options = traits_of(engine).build;
  args.insert(args.end(), options.begin(), options.end());
  if (!call.id_file.empty()) args.insert(args.end(), {"--iidfile", call.id_file});
  if (call.tag) args.insert(args.end(), {"--tag", request.image});
  const auto argument = [&](const std::string& name, const std::string& value) {
    args.insert(args.end(), {"--build-arg", name + "=" + value});
  };
  argument("BASE", request.base);
  argument("JAILED_USER", request.user);
  if (!call.update_token.empty()) argument("UPDATE", call.update_token);
  for (const auto* proxy :
       {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"}) {
    if (host.get(proxy)) args.insert(args.end(), {"--build-arg", proxy});
  }
  const auto label = [&](std::string_view name, const std::string& value) {
    args.insert(args.end(), {"--label", fmt::format("jailed.{}={}", name, value)});
  };
  std::vector<std::string> agents;
  for (const auto& agent : request.agents) {
    const auto version = call.versions.find(agent);
    agents.push_back(agent + "=" + (version == call.versions.end() ? "unknown" : version->second));
  }
  label("version", core::kVersion);
  label("base", request.base);
  label("agents", fmt::format("{}", fmt::join(agents, " ")));
  label("toolchains", fmt::format("{}", fmt::join(request.toolchains, " ")));
  label("locks", std::string(image_context_digest()));
  // For podman on another machine, which can take a profile only from the image (run_command).
  args.insert(args.end(), {"--label", "io.containers.seccomp.profile=" + seccomp_label()});
  if (request.no_cache) args.emplace_back("--no-cache");
  if (request.pull) args.emplace_back("--pull");
  args.push_back(call.context_dir);
  return command;
}

core::EngineCall remove_build_command(const Engine& engine, const std::string& id) { return {engine.program, {"rmi", id}, {}}; }

std::optional<BuildStep> parse_build_step(std::string_view line) {
  line = core::trimmed(line);
  for (const std::string_view word : {"Step ", "STEP "}) {
    if (!line.starts_with(word)) continue;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    return step(line.substr(word.size(), colon - word.size()), line.substr(colon + 1));
  }
  if (!line.starts_with('#')) return std::nullopt;
  next_word(line);
  if (!line.starts_with('[')) return std::nullopt;
  const auto close = line.find(']');
  if (close == std::string_view::npos) return std::nullopt;
  auto numbers = core::trimmed(line.substr(1, close - 1));
  if (const auto space = numbers.rfind(' '); space != std::string_view::npos)
    numbers.remove_prefix(space + 1);
  return step(numbers, line.substr(close + 1));
}

bool is_base_wanted(std::string_view line) {
  if (const auto found = parse_build_step(line)) return found->name.starts_with("FROM ");
  line = core::trimmed(line);
  if (!line.starts_with('#')) return false;
  next_word(line);
  return line.starts_with("[internal] load metadata for ");
}

bool is_image_written(std::string_view line) {
  line = core::trimmed(line);
  if (line.starts_with("COMMIT ")) return true;
  if (!line.starts_with('#')) return false;
  next_word(line);  // "#30"
  return line == "exporting to image";
}

std::optional<VersionChange> parse_version_line(std::string_view line) {
  const auto at = line.find("jailed-version ");
  if (at == std::string_view::npos) return std::nullopt;
  // A log also shows the command that prints the line; there the word stands inside quotes or after echo.
  const auto before = core::trimmed(line.substr(0, at));
  if (before.find_first_not_of("#0123456789. ") != std::string_view::npos) return std::nullopt;
  auto rest = line.substr(at);
  next_word(rest);
  VersionChange change;
  change.agent = next_word(rest);
  change.locked = next_word(rest);
  change.installed = next_word(rest);
  // What is installed prints these, so they are anybody's words, and become a word of the next build.
  constexpr std::size_t longest = 100;
  for (const auto& version : {change.locked, change.installed}) {
    if (version.size() > longest || !std::all_of(version.begin(), version.end(), [](char c) { return c > ' ' && c < 0x7F; })) return std::nullopt;
  }
  if (change.installed.empty() || !rest.empty() || core::find_agent(change.agent) == nullptr)
    return std::nullopt;
  return change;
}

}  // namespace jailed::plan
