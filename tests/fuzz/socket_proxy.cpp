// A request to the proxy for the engine's socket: METHOD, target, body, one a line. What is forwarded is one line of a request, and an
// object that asks for nothing which a jail must not have (tests/unit/socket_proxy/fuzz_test.cpp knows more such rules).
#include <jailed/socket_proxy/decision.hpp>
#include <jailed/socket_proxy/target.hpp>
#include <nlohmann/json.hpp>

#include "fuzz.hpp"

using namespace jailed::socket_proxy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = std::string(jailed::fuzz::text_of(data, size));
  const auto first = text.find('\n'), second = first == std::string::npos ? first : text.find('\n', first + 1);
  if (second == std::string::npos) return 0;
  const Request request{text.substr(0, first), text.substr(first + 1, second - first - 1), text.substr(second + 1)};
  if (const auto target = parse_target(request.target)) {
    const auto again = parse_target(format_target(*target));
    MUST(again && again->segments == target->segments && again->query == target->query);
  }
  const Owned owned;
  const auto decision = decide(request, {"0123456789ab", 1U << 30U, 100}, owned);
  if (const auto* forward = std::get_if<Forward>(&decision)) {
    MUST(jailed::fuzz::every_byte(forward->method + forward->target, [](auto c) { return c > 0x20 && c < 0x7F; }));
    if (!forward->body.empty()) {
      const auto body = nlohmann::json::parse(forward->body);
      if (body.is_object() && body.contains("HostConfig")) {
        const auto& config = body["HostConfig"];
        MUST(config.value("Privileged", false) == false);
        MUST(!config.contains("PidMode") || config["PidMode"] == "");
        MUST(!config.contains("CapAdd") || config["CapAdd"].empty());
        MUST(!config.contains("Devices") || config["Devices"].empty());
      }
    }
  }
  for (const auto reply : {Reply::container_list, Reply::network_list, Reply::volume_list, Reply::info}) (void)filter_reply(reply, request.body, owned);
  return 0;
}
