#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/text.hpp>
#include <jailed/plan/network/host.hpp>

namespace jailed::plan {
namespace {

constexpr std::size_t kLongestHost = 253;
constexpr std::size_t kLongestLabel = 63;

// Outer names of encrypted ClientHellos: behind each of them is whatever its provider serves.
constexpr std::string_view kOuterNames[] = {"cloudflare-ech.com"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_label_char(char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_'; }

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kLongestLabel && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), is_label_char);
}

// As inet_aton(3) reads addresses: what ends in a number is one, also 1.2, 0x7f.1 and 2130706433.
bool is_number_label(std::string_view label) {
  return std::all_of(label.begin(), label.end(), is_digit) || label.starts_with("0x");
}

core::UsageError bad_host(std::string_view set_by, std::string_view text, std::string_view why, std::string next_step = {}) {
  return core::UsageError(fmt::format("{}: '{}' {}.", set_by, core::printable(text), why), std::move(next_step));
}

std::uint16_t port_of(std::string_view digits, std::string_view set_by, std::string_view text) {
  for (const auto port : {kTlsPort, kHttpPort}) {
    if (digits == std::to_string(port)) return port;
  }
  throw bad_host(set_by, text, "names a port that nothing leaves a jail by", "443 (TLS, also without a port) and 80 (plain HTTP) are the two that there are");
}

void check_name(std::string_view name, bool below, std::string_view set_by, std::string_view text) {
  if (std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
    throw bad_host(set_by, text, "has letters beyond ASCII", "write the name as DNS has it, with xn--…: idn2 NAME or your browser shows it");
  if (!is_host_name(name)) throw bad_host(set_by, text, "is no host's name such as example.org or *.example.org");
  if (below && name.find('.') == std::string_view::npos) throw bad_host(set_by, text, "is too wide");
  for (const auto outer : kOuterNames) {
    if (name == outer) throw bad_host(set_by, text, "stands for every host of its provider: it is the outer name of encrypted requests");
  }
}

void add_host_once(std::vector<HostRule>& rules, HostRule rule) {
  if (std::find(rules.begin(), rules.end(), rule) == rules.end()) rules.push_back(std::move(rule));
}

}  // namespace

bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > kLongestHost || text.back() == '.' || text.find('.') == std::string_view::npos) return false;
  std::string_view last;
  for (const auto label : core::parts(text, '.')) {
    if (!is_label(label)) return false;
    last = label;
  }
  return !is_number_label(last);
}

HostRule parse_host_rule(std::string_view text, std::string_view set_by) {
  HostRule rule;
  auto name = text;
  if (name.find("//") != std::string_view::npos || name.find('/') != std::string_view::npos)
    throw bad_host(set_by, text, "is more than a host", "name the host alone: a path or a scheme cannot be allowed");
  if (const auto colon = name.rfind(':'); colon != std::string_view::npos) {
    rule.port = port_of(name.substr(colon + 1), set_by, text);
    name = name.substr(0, colon);
  }
  if (name.starts_with("*.")) {
    rule.below = true;
    name.remove_prefix(2);
  }
  rule.name = core::lower_case(name);
  if (rule.name.ends_with('.')) rule.name.pop_back();
  check_name(rule.name, rule.below, set_by, text);
  return rule;
}

std::string host_rule_text(const HostRule& rule) {
  return fmt::format("{}{}{}", rule.below ? "*." : "", rule.name, rule.port == kTlsPort ? "" : fmt::format(":{}", rule.port));
}

bool covers(const HostRule& rule, std::string_view host, std::uint16_t port) {
  if (rule.port != port) return false;
  if (!rule.below) return host == rule.name;
  return host.size() > rule.name.size() + 1 && host.ends_with(rule.name) && host[host.size() - rule.name.size() - 1] == '.';
}

std::vector<HostRule> hosts_of_urls(std::string_view text) {
  std::vector<HostRule> rules;
  for (auto at = text.find("://"); at != std::string_view::npos; at = text.find("://", at + 3)) {
    const auto before = text.substr(0, at);
    const bool tls = before.ends_with("https");
    if (!tls && !before.ends_with("http")) continue;
    auto authority = text.substr(at + 3);
    authority = authority.substr(0, authority.find_first_of("/?# \t\r\n\"'<>|,;"));
    authority = authority.substr(authority.rfind('@') + 1);
    const auto colon = authority.find(':');
    const auto name = core::lower_case(authority.substr(0, colon));
    const std::uint16_t port = tls ? kTlsPort : kHttpPort;
    if (colon != std::string_view::npos && authority.substr(colon + 1) != std::to_string(port)) continue;
    if (is_host_name(name)) add_host_once(rules, {name, false, port});
  }
  return rules;
}

}  // namespace jailed::plan
