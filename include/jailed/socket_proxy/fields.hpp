#pragma once
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

namespace jailed::socket_proxy {

/// Why a body is refused.
struct BodyRefused {
  std::string reason;
};

/// Whether a value can do no harm under its key. null is never asked about: it means "not given" to every engine.
using Check = bool (*)(const nlohmann::json&);

struct Field {
  std::string_view name;
  Check check;
};

/// An object of nothing but these, each null or as it may be.
bool object_with(const nlohmann::json& value, std::span<const Field> fields);

/// Of an object what is known and given, by its exact names. Throws BodyRefused for what is not known, and for a value that
/// may not be; `where` is the object's name in the reason, with its dot.
nlohmann::json known(const nlohmann::json& object, std::span<const Field> fields, std::string_view where);

/// Throws BodyRefused.
[[noreturn]] void refuse(std::string_view where, std::string_view name, std::string_view why);

}  // namespace jailed::socket_proxy
