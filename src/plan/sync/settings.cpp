#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/plan/sync/settings.hpp>
#include <nlohmann/json.hpp>

namespace jailed::plan {
namespace {

using nlohmann::json;

constexpr const char* kExample = R"(an example: {"ignore": ["/dist", "*.log"]})";
constexpr std::uint64_t kManyFiles = 20'000;
constexpr double kLong = 5.0;             // seconds
constexpr std::uint64_t kWorthIt = 1000;  // files in a directory that could be left out

constexpr std::array<std::string_view, 6> kRebuilt = {"node_modules", ".venv", "venv", ".tox", ".next", ".gradle"};

[[noreturn]] void refuse(const std::string& file, const std::string& what) {
  throw core::UsageError(fmt::format("{}: {}.", core::printable(file), what), kExample);
}

}  // namespace

SyncSettings parse_sync_settings(const std::string& file, std::string_view text) {
  json read;
  try {
    read = json::parse(text);
  } catch (const json::parse_error& error) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(error.byte, text.size())), '\n');
    refuse(file, fmt::format("not JSON, line {}", line));
  }
  if (!read.is_object()) refuse(file, "must be a JSON object");
  SyncSettings settings;
  for (const auto& [key, value] : read.items()) {
    if (key != "ignore") refuse(file, fmt::format("unknown key '{}', it knows: ignore", core::printable(key)));
    if (!value.is_array()) refuse(file, "'ignore' must be a list of patterns");
    for (const auto& pattern : value) {
      if (!pattern.is_string()) refuse(file, "'ignore' must be a list of patterns in quotes");
      auto word = pattern.get<std::string>();
      if (word.empty() || word.find('\0') != std::string::npos) refuse(file, "'ignore' has an empty or broken pattern");
      settings.ignores.push_back(std::move(word));
    }
  }
  return settings;
}

bool RebuiltFiles::is_rebuilt(std::string_view parent, std::string_view name) const {
  if (std::find(kRebuilt.begin(), kRebuilt.end(), name) != kRebuilt.end()) return true;
  return name == "target" && crates_.count(std::string(parent)) > 0;
}

void RebuiltFiles::see(const std::string& path, bool directory) {
  if (!inside_.empty() && path.starts_with(inside_)) {
    const auto name = inside_.substr(0, inside_.size() - 1);
    if (!directory) ++found_[name.substr(name.rfind('/') + 1)].files;
    return;
  }
  inside_.clear();
  const auto slash = path.rfind('/');
  const auto name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  const auto parent = slash == std::string::npos ? std::string{} : path.substr(0, slash);
  if (!directory) {
    if (name == "Cargo.toml" || name == "pom.xml") crates_.insert(parent);
    return;
  }
  if (!is_rebuilt(parent, name)) return;
  inside_ = path + "/";
  auto& found = found_[name];
  found.below = found.below || slash != std::string::npos;
}

bool is_slow_tree(std::uint64_t files, double seconds) { return files >= kManyFiles || seconds >= kLong; }

std::optional<SlowTreeNote> slow_tree_note(std::uint64_t files, const RebuiltFiles& rebuilt,
                                           const SyncSettings& settings, const std::string& file) {
  auto ignores = settings.ignores;
  std::string which;
  for (const auto& [name, directory] : rebuilt.by_name()) {
    const auto pattern = directory.below ? name : "/" + name;
    if (directory.files < kWorthIt) continue;
    const auto is_there = [&name = name](const auto& one) { return one == name || one == "/" + name; };
    if (std::any_of(ignores.begin(), ignores.end(), is_there)) continue;
    ignores.push_back(pattern);
    which += fmt::format("{}{} in {}", which.empty() ? "" : ", ", directory.files, name);
  }
  if (which.empty()) return std::nullopt;
  return SlowTreeNote{
      fmt::format("The project has {} files: {}. A jail that builds these itself starts quicker without them.", files, which),
      fmt::format("in {}: {}", core::printable(file),
                  json({{"ignore", ignores}}).dump(-1, ' ', false, json::error_handler_t::replace))};
}

}  // namespace jailed::plan
