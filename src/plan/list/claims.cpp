#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <jailed/core/command.hpp>
#include <jailed/core/text.hpp>
#include <jailed/core/utf8.hpp>
#include <jailed/plan/list/claims.hpp>

namespace jailed::plan {
namespace {

constexpr std::size_t kLongestName = 255;
constexpr std::size_t kLongestPath = 4096;
constexpr std::size_t kLongestShown = 300;

constexpr const char* kNoSession = "no session of it is in this configuration directory";
constexpr const char* kSilentSession = "its session here does not say of which jail it is";
constexpr const char* kOtherJail = "its session here is of another jail";

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool has_part(std::string_view path, std::string_view unwanted) {
  for (const auto part : core::parts(path, '/')) {
    if (part == unwanted) return true;
  }
  return false;
}

// Why a claim is none of this configuration's; nothing when it is. Engines spoil bytes that are not UTF-8, so of a project
// with such a name its label cannot be compared.
std::optional<std::string> disagreement(const Engine& engine, const std::string& name, const std::string& session_id,
                                        const std::string& project, const KnownSession& session) {
  if (!session.there) return kNoSession;
  if (!session.record) return kSilentSession;
  const auto& record = *session.record;
  if (record.id != session_id || record.engine != engine_key(engine) || name != container_name(record.project, record.id) ||
      (core::is_utf8(record.project) && project != record.project))
    return kOtherJail;
  return std::nullopt;
}

std::string for_another_configuration() { return "if it was started with another configuration directory, name that: --config-dir DIR"; }

}  // namespace

bool is_engine_name(std::string_view text) {
  return !text.empty() && text.size() <= kLongestName && std::isalnum(static_cast<unsigned char>(text.front())) != 0 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte < 0x80 && (std::isalnum(byte) != 0 || c == '_' || c == '.' || c == '-');
         });
}

bool is_container_id(std::string_view text) {
  return text.size() >= 12 && text.size() <= 64 && std::all_of(text.begin(), text.end(), is_hex);
}

std::vector<std::string> names_in(std::string_view answer) {
  std::vector<std::string> names;
  for (const auto line : core::lines(answer)) {
    if (is_engine_name(line)) names.emplace_back(line);
  }
  return names;
}

bool is_plain_path(std::string_view text) {
  return text.starts_with('/') && text.size() <= kLongestPath && text.find('\0') == std::string_view::npos && !has_part(text, "..") &&
         !has_part(text, ".");
}

bool is_path_below(std::string_view text) {
  return !text.starts_with('/') && text.size() <= kLongestPath && text.find('\0') == std::string_view::npos && !has_part(text, "..");
}

std::string shown_answer(std::string_view text) {
  if (text.size() <= kLongestShown) return core::printable(text);
  return core::printable(text.substr(0, kLongestShown)) + "...";
}

FoundJail agreed(const Engine& engine, FoundJail claimed, const KnownSession& session) {
  if (claimed.foreign) return claimed;
  auto why = disagreement(engine, claimed.name, claimed.session, claimed.project, session);
  if (!why && claimed.synced != session.record->synced) why = kOtherJail;
  if (why) return foreign(engine, std::move(claimed), std::move(*why));
  claimed.project = session.record->project;
  claimed.image = session.record->image;
  claimed.detached = session.detached;
  claimed.place = session.record->place;
  claimed.further = session.further;
  return claimed;
}

Volume agreed(const Engine& engine, Volume claimed, const KnownSession& session) {
  if (claimed.foreign) return claimed;
  auto why = disagreement(engine, claimed.name, claimed.session, claimed.project, session);
  if (!why && !session.record->synced) why = kOtherJail;
  if (why) {
    const auto name = claimed.name;
    claimed.foreign = Foreign{std::move(*why), fmt::format("{}\nsee what is in it: {} run --rm -it --network none --mount type=volume,source={},target=/workspace "
                                                           "--entrypoint /bin/sh jailed:latest\ngive it up: {} volume rm {}",
                                                           for_another_configuration(), engine.program, name, engine.program, name)};
    return claimed;
  }
  const auto& record = *session.record;
  claimed.project = record.project;
  claimed.image = record.image;
  claimed.user = record.user;
  claimed.identity = record.identity;
  claimed.further = session.further;
  return claimed;
}

FoundJail foreign(const Engine& engine, FoundJail claimed, std::string why) {
  auto next_step = for_another_configuration();
  const auto& word = is_engine_name(claimed.name) ? claimed.name : claimed.container;
  if (is_engine_name(word)) next_step += fmt::format("\nif it is no jail at all, the engine ends it: {} rm --force {}", engine.program, word);
  claimed.foreign = Foreign{std::move(why), std::move(next_step)};
  return claimed;
}

}  // namespace jailed::plan
