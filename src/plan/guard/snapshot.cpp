#include <jailed/core/fields.hpp>
#include <jailed/plan/guard/snapshot.hpp>
#include <utility>

namespace jailed::plan {
namespace {

template <typename... Fields>
void put_record(std::string& text, const Fields&... fields) {
  (core::add_field(text, fields), ...);
}

std::string digits(auto value) { return std::to_string(value); }

}  // namespace

std::string format_snapshot(const HostSnapshot& snapshot) {
  std::string text;
  put_record(text, "jailed-snapshot-1", snapshot.project, digits(snapshot.started), digits(snapshot.uptime),
             digits(snapshot.key[0]), digits(snapshot.key[1]), snapshot.report_json ? "json" : "text");
  for (const auto& entry : snapshot.named) {
    put_record(text, "named", entry.glob, entry.tool, entry.when, name_of(entry.trigger),
               name_of(entry.severity), entry.source);
  }
  for (const auto& glob : snapshot.allowed) put_record(text, "allowed", glob);
  for (const auto& [path, state] : snapshot.files) {
    put_record(text, "file", path, digits(state.inode), digits(state.size), digits(state.mtime),
               digits(state.ctime), state.executable ? "1" : "0", digits(state.hash));
  }
  for (const auto& [path, inode] : snapshot.repositories) put_record(text, "repository", path, digits(inode));
  for (const auto& [path, inode] : snapshot.mounted) put_record(text, "mounted", path, digits(inode));
  for (const auto& [path, copy] : snapshot.copies) put_record(text, "copy", path, copy);
  for (const auto& [path, target] : snapshot.leading_out) put_record(text, "link", path, target);
  core::add_field(text, "end");
  return text;
}

std::optional<HostSnapshot> parse_snapshot(std::string_view text) {
  core::FieldReader reader(text);
  if (reader.field() != "jailed-snapshot-1") return std::nullopt;
  HostSnapshot snapshot;
  snapshot.project = reader.field();
  snapshot.started = reader.number<std::int64_t>();
  snapshot.uptime = reader.number<std::int64_t>();
  for (auto& half : snapshot.key) half = reader.number<std::uint64_t>();
  snapshot.report_json = reader.field() == "json";
  while (reader.ok()) {
    const auto kind = reader.field();
    if (kind == "end")
      return reader.at_end() && reader.ok() ? std::optional(std::move(snapshot)) : std::nullopt;
    if (kind == "allowed") {
      snapshot.allowed.emplace_back(reader.field());
      continue;
    }
    const std::string path(reader.field());
    if (kind == "named") {
      // As a line of the table, but for its separators.
      HostEntry entry;
      entry.glob = path;
      entry.tool = reader.field();
      entry.when = reader.field();
      const auto trigger = reader.field();
      const auto severity = reader.field();
      for (const auto value : {Trigger::automatic, Trigger::trust, Trigger::action}) {
        if (name_of(value) == trigger) entry.trigger = value;
      }
      for (const auto value : {Severity::critical, Severity::high, Severity::medium, Severity::low}) {
        if (name_of(value) == severity) entry.severity = value;
      }
      entry.source = reader.field();
      snapshot.named.push_back(std::move(entry));
    } else if (kind == "file") {
      auto& state = snapshot.files[path];
      state.inode = reader.number<std::uint64_t>();
      state.size = reader.number<std::uint64_t>();
      state.mtime = reader.number<std::int64_t>();
      state.ctime = reader.number<std::int64_t>();
      state.executable = reader.field() == "1";
      state.hash = reader.number<std::uint64_t>();
    } else if (kind == "repository") {
      snapshot.repositories[path] = reader.number<std::uint64_t>();
    } else if (kind == "mounted") {
      snapshot.mounted[path] = reader.number<std::uint64_t>();
    } else if (kind == "copy") {
      snapshot.copies[path] = reader.field();
    } else if (kind == "link") {
      snapshot.leading_out[path] = reader.field();
    } else {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace jailed::plan
