#include <fmt/format.h>

#include <jailed/core/command.hpp>
#include <jailed/plan/engine/endpoint.hpp>
#include <jailed/plan/engine/traits.hpp>

namespace jailed::plan {

std::optional<Endpoint> engine_endpoint(const Engine& engine, const EndpointFacts& facts) { return traits_of(engine).endpoint(facts); }

Reach reach_of(const Endpoint& endpoint) {
  return endpoint.machine || endpoint.address.starts_with(kUnixScheme) ? kHere : kAnotherMachine;
}

std::string shown_address(std::string_view address) {
  const auto scheme = address.find("://");
  if (scheme == std::string_view::npos) return core::printable(std::string(address));
  auto host = address.substr(scheme + 3);
  host = host.substr(0, host.find('/'));
  if (const auto at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
  return core::printable(fmt::format("{}{}", address.substr(0, scheme + 3), host));
}

void check_caller_is_mapped(const Engine& engine, const EndpointFacts& facts) {
  if (const auto check = traits_of(engine).check_caller) check(facts);
}

}  // namespace jailed::plan
