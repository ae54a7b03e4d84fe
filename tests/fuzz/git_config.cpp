// A repository's configuration, which an agent may have written: what is read is written and read again the same, and what a jail or the host
// gets of it runs nothing.
#include <jailed/plan/git/config.hpp>

#include "fuzz.hpp"

using namespace jailed::plan;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = jailed::fuzz::text_of(data, size);
  const auto settings = parse_git_config(text);
  MUST(parse_git_config(format_git_config(settings)) == settings);
  const auto inert = inert_settings(settings);
  MUST(parse_git_config(format_git_config(inert)) == inert);
  for (const auto& setting : inert) {
    for (const auto* section : {"include", "includeif", "alias", "filter", "credential", "pager", "diff", "merge", "gpg", "sendemail"})
      MUST(setting.section != section || (setting.key != "path" && setting.key != "command" && setting.key != "program" && setting.key != "clean" &&
                                          setting.key != "smudge" && setting.key != "helper" && setting.key != "external" && setting.key != "driver"));
    for (const auto* key : {"hookspath", "fsmonitor", "sshcommand", "askpass", "editor", "pager", "gitproxy", "worktree", "attributesfile"})
      MUST(setting.section != "core" || setting.key != key);
    MUST(setting.section != "url" || setting.key != "insteadof" || setting.subsection.find("ext::") == std::string::npos);
  }
  (void)without_credentials(text);
  return 0;
}
