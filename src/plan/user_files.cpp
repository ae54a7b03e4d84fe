#include <fmt/format.h>

#include <charconv>
#include <jailed/plan/user_files.hpp>

namespace jailed::plan {
namespace {

constexpr unsigned kDefaultId = 1000;

// 0 when there is no number, so that "not known" and "root" are the same: neither is an answer; nor is -1,
// which no process can be.
unsigned number(std::string_view text) {
  unsigned value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = result.ec == std::errc{} && result.ptr == text.data() + text.size();
  return whole && value != ~0U ? value : 0;
}

unsigned first_not_root(unsigned first, unsigned second) {
  return first != 0 ? first : second != 0 ? second : kDefaultId;
}

// git's own quoting: inside double quotes, backslash and quote are escaped and line breaks are \n.
std::string git_value(std::string_view value) {
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '\n') {
      quoted += "\\n";
    } else {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace

Identity jail_identity(const CallerFacts& caller) {
  if (caller.uid != 0) return {caller.uid, caller.gid != 0 ? caller.gid : caller.uid};
  if (const auto sudo = number(caller.sudo_uid); sudo != 0)
    return {sudo, first_not_root(number(caller.sudo_gid), sudo)};
  if (caller.project_uid != 0)
    return {caller.project_uid, first_not_root(caller.project_gid, caller.project_uid)};
  return {kDefaultId, kDefaultId};
}

std::string passwd_file(std::string_view user, Identity identity) {
  return fmt::format(
      "root:x:0:0:root:/root:/usr/sbin/nologin\n"
      "{0}:x:{1}:{2}:{0}:/home/{0}:/bin/zsh\n"
      "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
      user, identity.uid, identity.gid);
}

std::string group_file(std::string_view user, Identity identity, const std::vector<gid_t>& more) {
  auto file = fmt::format("root:x:0:\n{0}:x:{1}:\ntty:x:5:\nnogroup:x:65534:\n", user, identity.gid);
  for (const auto group : more) file += fmt::format("host-{0}:x:{0}:{1}\n", group, user);
  return file;
}

std::string git_config_file(const GitIdentity& identity) {
  std::string file;
  if (!identity.name.empty()) file += fmt::format("\tname = {}\n", git_value(identity.name));
  if (!identity.email.empty()) file += fmt::format("\temail = {}\n", git_value(identity.email));
  return file.empty() ? file : "[user]\n" + file;
}

}  // namespace jailed::plan
