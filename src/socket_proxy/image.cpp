#include <fmt/format.h>

#include <jailed/core/annotation.hpp>
#include <jailed/socket_proxy/image.hpp>
#include <jailed/socket_proxy/names.hpp>
#include <jailed/socket_proxy/target.hpp>
#include <nlohmann/json.hpp>

namespace jailed::socket_proxy {
namespace {

using nlohmann::json;

Answer ask_of_image(const Upstream& engine, std::vector<std::string> segments) {
  return engine.ask({.method = "GET", .target = format_target({.version = {}, .segments = std::move(segments), .query = {}})});
}

Answer refusal_of(unsigned status, const std::string& text) {
  return {status, json{{"message", text}}.dump(-1, ' ', false, json::error_handler_t::replace)};
}

}  // namespace

std::optional<Answer> refused_image(const Upstream& engine, const std::string& image) {
  const auto unclear = refusal_of(502, "jailed: the engine does not say which annotations this image has");
  // Each of its two languages looks for names in its own way; the container is made in Docker's.
  const auto named = ask_of_image(engine, {"images", image, "json"});
  if (!named.ok()) return named;
  const auto known = json::parse(named.body, nullptr, false);
  const auto id = known.is_object() && known.contains("Id") && known["Id"].is_string() ? known["Id"].get<std::string>() : std::string{};
  if (!is_image(id)) return unclear;
  const auto whole = ask_of_image(engine, {"v4.0.0", "libpod", "images", id, "json"});
  const auto value = whole.ok() ? json::parse(whole.body, nullptr, false) : json();
  if (!value.is_object() || !value.contains("Annotations")) return unclear;
  const auto& annotations = value["Annotations"];
  if (annotations.is_null()) return std::nullopt;
  if (!annotations.is_object()) return unclear;
  for (const auto& [name, text] : annotations.items()) {
    if (core::only_describes(name)) continue;
    return refusal_of(403, fmt::format("jailed: this image has an annotation that the OCI runtime may obey ({}); see docs/testcontainers.md", name.substr(0, 64)));
  }
  return std::nullopt;
}

}  // namespace jailed::socket_proxy
