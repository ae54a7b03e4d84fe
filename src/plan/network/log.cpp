#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <jailed/core/command.hpp>
#include <jailed/core/number.hpp>
#include <jailed/core/text.hpp>
#include <jailed/plan/network/host.hpp>
#include <jailed/plan/network/log.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace jailed::plan {
namespace {

using Kind = NetworkEvent::Kind;

constexpr std::size_t kFields = 10;
constexpr std::size_t kMostEvents = 200'000;
// Of a tunnel: no more than squid's own answer.
constexpr std::uint64_t kBytesOfNoTunnel = 64;

bool is_time(std::string_view text) {
  return !text.empty() && text.size() <= 20 && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

Kind kind_of(std::string_view verdict, std::string_view status, std::string_view page) {
  if (verdict == "NO_TLS_NAME" || verdict == "NOT_A_NAME") return Kind::refused_name;
  if (verdict == "OTHER_TLS_NAME") return Kind::refused_tls_name;
  if (page == "ERR_JAILED_PORT") return Kind::refused_port;
  if (page == "ERR_JAILED_ADDRESS") return Kind::refused_address;
  if (verdict.starts_with("TCP_DENIED")) return Kind::refused_host;
  return status.starts_with('5') && page.starts_with("ERR_") ? Kind::failed : Kind::passed;
}

bool is_refusal(Kind kind) { return kind != Kind::passed && kind != Kind::failed; }

// Squid writes %5B for a bracket; a terminal gets neither that nor what it could interpret.
std::string shown_host(const NetworkEvent& event) {
  constexpr std::size_t longest = 260;
  return core::printable(std::string_view(event.host).substr(0, longest));
}

std::string refusal_line(const NetworkEvent& event, std::size_t count) {
  const auto said = fmt::format("refused: {}:{} ×{}", shown_host(event), event.port, count);
  const bool name = is_host_name(event.host);
  switch (event.kind) {
    case Kind::refused_address: return said + " (it leads to a private or local address)";
    case Kind::refused_tls_name: return fmt::format("{} (inside, it asked for {})", said, core::printable(event.detail));
    case Kind::refused_name: return said + " (no host's name in it that TLS would ask for)";
    case Kind::refused_port:
      if (name && event.port == "80") return fmt::format("{}; to allow plain HTTP: jailed network allow {}:80", said, event.host);
      return said + " (only port 443, and 80 where it is allowed, leave a jail)";
    default: break;
  }
  if (!name) return said + " (an address or no name: only names can be allowed)";
  return fmt::format("{}; to allow: jailed network allow {}{}", said, event.host, event.port == "80" ? ":80" : "");
}

std::string clock_time(const std::string& time) {
  std::int64_t seconds = 0;
  if (!core::parse_number(std::string_view(time).substr(0, time.find('.')), seconds)) return "-";
  const auto when = static_cast<std::time_t>(seconds);
  std::tm local{};
  if (::localtime_r(&when, &local) == nullptr) return "-";
  return fmt::format("{:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec);
}

}  // namespace

std::vector<NetworkEvent> parse_network_log(std::string_view text) {
  std::vector<NetworkEvent> events;
  for (const auto line : core::lines(text)) {
    const auto fields = core::words(line, " ");
    if (fields.size() != kFields || !is_time(fields[0]) || events.size() >= kMostEvents) continue;
    NetworkEvent event;
    event.time = fields[0];
    event.host = fields[2];
    event.port = fields[3];
    std::uint16_t port = 0;
    if (event.port != "-" && !core::parse_number(event.port, port)) continue;
    event.kind = kind_of(fields[4], fields[5], fields[9]);
    if (!core::parse_number(fields[7], event.up) || !core::parse_number(fields[8], event.down)) continue;
    if (event.kind == Kind::refused_tls_name) event.detail = fields[9];
    // A tunnel that was closed here for its name is none that was let through.
    if (event.kind == Kind::passed && fields[1] == "CONNECT" && event.down <= kBytesOfNoTunnel && !events.empty()) {
      const auto& before = events.back();
      const bool closed = before.kind == Kind::refused_name || before.kind == Kind::refused_tls_name;
      if (closed && before.host == event.host && before.port == event.port) continue;
    }
    events.push_back(std::move(event));
  }
  return events;
}

std::string_view decision_of(const NetworkEvent& event) {
  switch (event.kind) {
    case Kind::passed: return "passed";
    case Kind::failed: return "no answer";
    case Kind::refused_host: return "refused: host";
    case Kind::refused_port: return "refused: port";
    case Kind::refused_address: return "refused: address";
    case Kind::refused_name: return "refused: no name";
    case Kind::refused_tls_name: return "refused: other name in TLS";
  }
  return "-";
}

std::vector<std::string> refusal_lines(const std::vector<NetworkEvent>& events, std::size_t most) {
  std::vector<std::pair<NetworkEvent, std::size_t>> refusals;
  std::map<std::tuple<std::string, std::string, Kind>, std::size_t> places;
  for (const auto& event : events) {
    if (!is_refusal(event.kind)) continue;
    const auto [place, first] = places.try_emplace({event.host, event.port, event.kind}, refusals.size());
    if (first) refusals.emplace_back(event, 0);
    ++refusals[place->second].second;
  }
  std::vector<std::string> lines;
  for (const auto& [event, count] : refusals) {
    if (lines.size() == most) {
      lines.push_back(fmt::format("refused: {} more", refusals.size() - most));
      break;
    }
    lines.push_back(refusal_line(event, count));
  }
  return lines;
}

std::string network_log_table(const std::vector<NetworkEvent>& events) {
  std::string table;
  for (const auto& event : events) {
    const auto host = fmt::format("{}:{}", shown_host(event), event.port);
    table += fmt::format("{}  {:<26}  {:<40}  {:>10} up  {:>10} down{}\n", clock_time(event.time), decision_of(event), host, event.up,
                         event.down, event.detail.empty() ? "" : "  asked for " + core::printable(event.detail));
  }
  return table;
}

std::string network_log_json(const std::vector<NetworkEvent>& events) {
  std::string lines;
  for (const auto& event : events) {
    const nlohmann::json line = {{"time", event.time}, {"decision", decision_of(event)}, {"host", event.host}, {"port", event.port},
                                 {"up", event.up},     {"down", event.down},             {"detail", event.detail}};
    lines += line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }
  return lines;
}

std::vector<std::string> suggested_rules(const std::vector<NetworkEvent>& events) {
  std::set<HostRule> rules;
  for (const auto& event : events) {
    const bool http = event.port == "80";
    if (is_refusal(event.kind) || !is_host_name(event.host) || (!http && event.port != "443")) continue;
    rules.insert({event.host, false, http ? kHttpPort : kTlsPort});
  }
  std::vector<std::string> texts;
  for (const auto& rule : rules) texts.push_back(host_rule_text(rule));
  return texts;
}

}  // namespace jailed::plan
