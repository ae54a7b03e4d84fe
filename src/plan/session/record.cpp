#include <algorithm>
#include <jailed/plan/session/record.hpp>
#include <nlohmann/json.hpp>

namespace jailed::plan {
namespace {

using nlohmann::json;

constexpr std::pair<core::Waiver, const char*> kWaivers[] = {
    {core::Waiver::foreign_project, "foreign-project"},
    {core::Waiver::system_directory, "system-directory"},
    {core::Waiver::secret_store, "secret-store"},
    {core::Waiver::symlink, "symlink"},
};

json coded(const std::vector<NamedProject>& projects) {
  auto list = json::array();
  for (const auto& project : projects) list.push_back({encode_bytes(project.name), encode_bytes(project.path)});
  return list;
}

std::vector<NamedProject> projects_in(const json& list) {
  std::vector<NamedProject> projects;
  for (const auto& pair : list) projects.push_back({decode_bytes(pair.at(0).get<std::string>()), decode_bytes(pair.at(1).get<std::string>())});
  return projects;
}

json coded(const SyncSession& sync) {
  auto ignores = json::array();
  for (const auto& ignore : sync.ignores) ignores.push_back(encode_bytes(ignore));
  return {{"project", encode_bytes(sync.project)}, {"container", sync.container}, {"name", encode_bytes(sync.name)}, {"ignores", std::move(ignores)}, {"umask", sync.umask}};
}

SyncSession sync_in(const json& entry, const std::string& id) {
  SyncSession sync{.id = id,
                   .project = decode_bytes(entry.at("project").get<std::string>()),
                   .container = entry.at("container").get<std::string>(),
                   .ignores = {},
                   .name = decode_bytes(entry.at("name").get<std::string>())};
  if (const auto mask = entry.find("umask"); mask != entry.end() && mask->is_number_unsigned() && *mask <= 077U) sync.umask = mask->get<unsigned>();
  for (const auto& ignore : entry.at("ignores")) sync.ignores.push_back(decode_bytes(ignore.get<std::string>()));
  return sync;
}

// nlohmann/json turns any number into any other.
unsigned id_in(const json& value) {
  constexpr std::uint64_t none = ~0U;
  const auto id = value.is_number_unsigned() ? value.get<std::uint64_t>() : none;
  return id < none ? static_cast<unsigned>(id) : 0;
}

SessionRecord record_in(const json& text) {
  SessionRecord record;
  record.id = text.at("id").get<std::string>();
  record.project = decode_bytes(text.at("project").get<std::string>());
  record.place = decode_bytes(text.at("place").get<std::string>());
  record.engine = decode_bytes(text.at("engine").get<std::string>());
  record.synced = text.at("sync") == "mutagen";
  record.image = decode_bytes(text.at("image").get<std::string>());
  record.user = text.at("user").get<std::string>();
  record.identity = {id_in(text.at("uid")), id_in(text.at("gid"))};
  for (const auto& [waiver, name] : kWaivers) {
    const auto& allow = text.at("allow");
    if (std::find(allow.begin(), allow.end(), name) != allow.end()) record.allow.insert(waiver);
  }
  if (const auto sandbox = text.find("sandbox"); sandbox != text.end()) record.sandbox = decode_bytes(sandbox->get<std::string>());
  record.seccomp = text.at("seccomp") == "jailed" ? core::Seccomp::jailed : core::Seccomp::engine;
  record.further = projects_in(text.at("further"));
  record.beside = projects_in(text.at("beside"));
  for (const auto& sync : text.at("syncs")) record.syncs.push_back(sync_in(sync, record.id));
  if (const auto elsewhere = text.find("elsewhere"); elsewhere != text.end()) {
    for (const auto& path : *elsewhere) record.elsewhere.push_back(decode_bytes(path.get<std::string>()));
  }
  return record;
}

}  // namespace

SessionRecord session_record(const Jail& jail, const Engine& engine, const core::Settings& settings) {
  SessionRecord record;
  record.id = jail.id;
  record.project = jail.project;
  record.place = jail.place.workspace;
  record.engine = engine_key(engine);
  record.synced = std::find(jail.labels.begin(), jail.labels.end(), "jailed.sync=mutagen") != jail.labels.end();
  record.image = jail.image;
  record.user = jail.user;
  record.identity = jail.identity;
  record.allow = settings.allow;
  record.sandbox = jail.sandbox;
  record.seccomp = settings.seccomp;
  record.further = jail.further;
  return record;
}

std::string format_session_record(const SessionRecord& record) {
  auto allow = json::array();
  for (const auto& [waiver, name] : kWaivers) {
    if (record.allow.contains(waiver)) allow.push_back(name);
  }
  auto syncs = json::array();
  for (const auto& sync : record.syncs) syncs.push_back(coded(sync));
  json text = {{"id", record.id},
               {"project", encode_bytes(record.project)},
               {"place", encode_bytes(record.place)},
               {"engine", encode_bytes(record.engine)},
               {"sync", record.synced ? "mutagen" : "bind"},
               {"image", encode_bytes(record.image)},
               {"user", record.user},
               {"uid", record.identity.uid},
               {"gid", record.identity.gid},
               {"allow", std::move(allow)},
               {"seccomp", record.seccomp == core::Seccomp::jailed ? "jailed" : "engine"},
               {"further", coded(record.further)},
               {"beside", coded(record.beside)},
               {"syncs", std::move(syncs)}};
  for (const auto& path : record.elsewhere) text["elsewhere"].push_back(encode_bytes(path));
  if (record.sandbox) text["sandbox"] = encode_bytes(*record.sandbox);
  return text.dump(1) + "\n";
}

std::optional<SessionRecord> parse_session_record(std::string_view text) {
  try {
    auto record = record_in(json::parse(text));
    if (!is_session_id(record.id) || !record.project.starts_with('/') || !record.place.starts_with('/') || record.identity.uid == 0) return std::nullopt;
    return record;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

bool is_session_id(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace jailed::plan
