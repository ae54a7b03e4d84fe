#include <fmt/format.h>

#include <algorithm>
#include <jailed/plan/network/policy.hpp>
#include <jailed/plan/network/sidecar.hpp>

namespace jailed::plan {
namespace {

// Nothing is kept, nothing is asked of helpers, and nothing of the jail is told to who is talked to.
constexpr const char* kSquidBase =
    "visible_hostname jailed\n"
    "http_port 127.0.0.1:3128\n"
    "http_port 127.0.0.1:3129\n"
    "pid_filename none\n"
    "coredump_dir /tmp\n"
    "cache deny all\n"
    "cache_mem 0\n"
    "memory_pools off\n"
    "digest_generation off\n"
    "netdb_filename none\n"
    "pinger_enable off\n"
    "max_filedescriptors 4096\n"
    "cache_log /dev/stderr\n"
    "debug_options ALL,0\n"
    "logformat jailed %ts.%03tu %rm %>rd %>rP %Ss %>Hs %<a %>st %<st %err_code\n"
    "access_log stdio:/run/squid.log logformat=jailed\n"
    "buffered_logs off\n"
    "shutdown_lifetime 0 seconds\n"
    "connect_timeout 15 seconds\n"
    "dns_timeout 10 seconds\n"
    "dns_defnames off\n"
    "read_timeout 1 day\n"
    "client_lifetime 30 days\n"
    "hosts_file none\n"
    "via off\n"
    "forwarded_for delete\n"
    "httpd_suppress_version_string on\n"
    "reply_header_access X-Squid-Error deny all\n"
    "reply_header_access Cache-Status deny all\n";

// Not the documentation's, which lead nowhere. IPv4 mapped into IPv6 is IPv4 to squid; as a range here it would be all of IPv4.
constexpr const char* kRefusedAddresses[] = {
    // this host and net, private, shared, loopback, link-local with the clouds' metadata
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "168.63.129.16",
    // protocols' own, 6to4's relays, benchmarks, multicast, reserved
    "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
    // unspecified, loopback and compatible with IPv4; NAT64, discard, Teredo, 6to4
    "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2002::/16",
    // unique local with the clouds' metadata, link-local, site-local, multicast
    "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"};

// Names hold letters, digits, '-', '_' and '.': of these a regular expression takes only the dot for something else.
std::string below_pattern(const std::string& name) {
  std::string pattern = R"(^([a-z0-9_-]+\.)+)";
  for (const char c : name) pattern += c == '.' ? std::string(R"(\.)") : std::string(1, c);
  return pattern + "$";
}

// The list `name` of hosts, and how http_access is to ask for it; an empty one does not exist.
bool add_list(std::string& text, const std::string& name, const std::vector<HostRule>& rules, bool registries) {
  std::string kinds;
  const auto has = [&](bool below) { return std::any_of(rules.begin(), rules.end(), [&](const auto& rule) { return rule.below == below; }); };
  if (has(false)) kinds += " " + name + "_exact";
  if (has(true)) kinds += " " + name + "_below";
  if (registries) kinds += " registries";
  for (const auto& rule : rules) {
    if (rule.below)
      text += fmt::format("acl {}_below dstdom_regex -n {}\n", name, below_pattern(rule.name));
    else
      text += fmt::format("acl {}_exact dstdomain -n {}\n", name, rule.name);
  }
  if (registries) text += fmt::format("acl registries dstdomain -n \"{}\"\n", kImageRegistries);
  if (kinds.empty()) return false;
  text += fmt::format("acl {} any-of{}\n", name, kinds);
  return true;
}

std::vector<HostRule> at_port(const std::vector<HostRule>& rules, std::uint16_t port) {
  std::vector<HostRule> chosen;
  std::copy_if(rules.begin(), rules.end(), std::back_inserter(chosen), [&](const auto& rule) { return rule.port == port; });
  return chosen;
}

std::vector<HostRule> allowed_hosts(const NetworkPolicy& policy) {
  std::vector<HostRule> rules;
  for (const auto& allowed : policy.allow) rules.push_back(allowed.host);
  return rules;
}

// squid answers with the page of a line's last list.
std::string tunnel_rules(bool any_listed, bool observe) {
  std::string rules;
  if (!observe && !any_listed) rules += "http_access deny tunnel refused_host\n";
  if (!observe && any_listed) rules += "http_access deny tunnel !listed refused_host\n";
  if (!observe) rules += "http_access deny tunnel !port443 refused_port\n";
  return rules + "http_access deny tunnel private refused_address\nhttp_access allow tunnel\n";
}

std::string plain_rules(bool any_listed, bool any_plain, bool observe) {
  std::string rules = "http_access deny !http refused_port\n";
  if (observe) return rules + "http_access deny private refused_address\nhttp_access allow all\n";
  const std::string other = any_plain ? " !plain" : "";
  if (any_listed) rules += "http_access deny listed" + other + " refused_port\n";
  if (!any_plain) return rules;
  return rules +
         "http_access deny !plain refused_host\n"
         "http_access deny !port80 refused_port\n"
         "http_access deny private refused_address\n"
         "http_access allow plain\n";
}

}  // namespace

std::string squid_configuration(const NetworkPolicy& policy) {
  std::string text = kSquidBase;
  text += fmt::format("error_directory {}\n", kImageErrorPages);
  text +=
      "acl tunnel method CONNECT\n"
      "acl tunnels localport 3128\n"
      "acl http proto HTTP\n"
      "acl port443 port 443\n"
      "acl port80 port 80\n"
      "acl refused_host src all\n"
      "acl refused_port src all\n"
      "acl refused_address src all\n"
      "deny_info ERR_JAILED_HOST refused_host\n"
      "deny_info ERR_JAILED_PORT refused_port\n"
      "deny_info ERR_JAILED_ADDRESS refused_address\n";
  for (const auto* range : kRefusedAddresses) text += fmt::format("acl private dst {}\n", range);
  for (const auto& address : policy.addresses) text += fmt::format("acl private dst {}\n", address);
  const auto allowed = allowed_hosts(policy);
  const bool any_listed = add_list(text, "listed", at_port(allowed, kTlsPort), policy.registries);
  const bool any_plain = add_list(text, "plain", at_port(allowed, kHttpPort), false);
  const bool any_denied = add_list(text, "denied", policy.deny, false);
  text +=
      "http_access deny manager refused_host\n"
      "http_access deny tunnel !tunnels refused_port\n"
      "http_access deny !tunnel tunnels refused_port\n";
  if (any_denied) text += "http_access deny denied refused_host\n";
  text += tunnel_rules(any_listed, policy.observe);
  text += plain_rules(any_listed, any_plain, policy.observe);
  return text + "http_access deny refused_host\n";
}

}  // namespace jailed::plan
