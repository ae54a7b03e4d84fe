// An argument list (words between NUL bytes; those before an empty first line are variables NAME=VALUE) becomes a plan or a refusal, and a
// plan's words stay where they belong.
#include <algorithm>
#include <jailed/cli/parse.hpp>
#include <jailed/core/error.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <jailed/plan/jail/state.hpp>
#include <jailed/plan/settings/settings.hpp>

#include "fuzz.hpp"

using namespace jailed;

namespace {

void check_plan(const core::Invocation& invocation, const core::Environment& environment) {
  const auto settings = plan::resolve_settings(invocation, environment);
  plan::Jail jail;
  jail.id = "0123456789ab";
  jail.project = invocation.words.empty() ? "." : invocation.word();
  jail.image = settings.image;
  jail.user = settings.user;
  jail.identity = {1000, 1000};
  jail.limits = plan::jail_limits(settings, {.memory = 1UL << 34U, .files = 1024, .processes = 1024});
  const auto layout = plan::layout_of({.id = jail.id, .config = "/c", .project = jail.project, .projects = {}, .root_mounts = {}}, settings);
  const auto& state = layout.state;
  jail.binds = plan::jail_binds(layout, {{"/p", "/workspace", false}}, settings.user);
  jail.tmpfs = plan::jail_tmpfs(settings.user, jail.limits, jail.binds);
  jail.environment = plan::jail_environment(settings, environment, "UTC");
  if (settings.sandbox) jail.sandbox = settings.sandbox->value;
  jail.command = invocation.command;
  MUST(state.agents.find("/../") == std::string::npos && state.agents.starts_with("/c/"));
  for (const auto kind : {plan::EngineKind::docker, plan::EngineKind::podman}) {
    const auto command = plan::run_command({kind, "/usr/bin/engine", false}, jail);
    const auto& args = command.args;
    // The image is a word of its own that is no option, and the command follows word by word.
    MUST(args.size() > jail.command.size());
    const auto image = args.end() - static_cast<std::ptrdiff_t>(jail.command.size()) - 1;
    MUST(*image == settings.image && !image->empty() && image->front() != '-');
    MUST(std::equal(image + 1, args.end(), jail.command.begin(), jail.command.end()));
    const auto count = [&](std::string_view word) { return std::count(args.begin(), image, word); };
    MUST(count("--read-only") == 1 && count("--cap-drop") == 1 && count("no-new-privileges") == 1 && count("--user") == 1);
    MUST(count("--privileged") == 0 && count("--cap-add") == 0 && count("--pid") == 0 && count("-v") == 0);
    for (const auto& variable : jail.environment.child_env) {
      // A secret is in the environment, not among the words before the image.
      if (variable.value.size() < 12) continue;
      for (auto word = args.begin(); word != image; ++word)
        MUST(word->find(variable.name + "=" + variable.value) == std::string::npos);
    }
    MUST(core::shell_line(command).find('\n') == std::string::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto words = fuzz::split(fuzz::text_of(data, size), '\0');
  std::map<std::string, std::string> variables{{"HOME", "/home/me"}};
  while (!words.empty() && words.front().starts_with("JAILED_")) {
    const auto equals = words.front().find('=');
    if (equals != std::string::npos) variables[words.front().substr(0, equals)] = words.front().substr(equals + 1);
    words.erase(words.begin());
  }
  try {
    const auto invocation = cli::parse(words);
    if (invocation.verb == core::Verb::launch) check_plan(invocation, core::Environment(variables));
  } catch (const core::Error& error) {
    // The words of a refusal go to a terminal.
    MUST(fuzz::every_byte(error.what(), [](auto c) { return c >= 0x20 || c == '\n'; }));
  }
  return 0;
}
