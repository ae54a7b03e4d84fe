#include <fmt/format.h>

#include <algorithm>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/jail/layout.hpp>
#include <jailed/work/session/parts.hpp>

namespace jailed::work {
namespace {

constexpr const char* kNumber = "/number";

}  // namespace

std::vector<std::string> session_parts(const std::string& session) {
  std::vector<std::string> parts = {session};
  auto names = host::list_directory(session + std::string(plan::kParts));
  std::sort(names.begin(), names.end());
  for (const auto& name : names) parts.push_back(session + plan::part_below(name));
  return parts;
}

void number_part(const std::string& part, std::size_t number) {
  host::write_new_file(part + kNumber, std::to_string(number), 0600);
}

std::string refs_of_part(const std::string& part, const std::string& id) {
  const auto number = host::read_file(part + kNumber);
  return number ? fmt::format("{}-{}", id, *number) : id;
}

}  // namespace jailed::work
