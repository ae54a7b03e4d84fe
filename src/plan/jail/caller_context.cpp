#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <jailed/plan/jail/caller_context.hpp>

namespace jailed::plan {
namespace {

// In the order of their bytes. tests/e2e/test_context.py asks the image for each.
constexpr std::string_view kTerminals[] = {
    "Eterm", "Eterm-256color", "alacritty", "alacritty-direct", "ansi", "contour", "cygwin", "domterm",
    "dtterm", "dumb", "eterm-color", "foot", "foot-direct", "ghostty", "gnome", "gnome-256color", "hterm",
    "hterm-256color", "iterm2", "iterm2-direct", "kitty", "kitty-direct", "konsole", "konsole-256color",
    "konsole-direct", "kterm", "linux", "mintty", "mintty-direct", "mlterm", "mlterm-256color", "ms-terminal",
    "nsterm", "nsterm-256color", "putty", "putty-256color", "rio", "rxvt", "rxvt-256color", "rxvt-unicode",
    "rxvt-unicode-256color", "screen", "screen-256color", "screen-256color-bce", "screen.linux",
    "screen.xterm-256color", "st", "st-256color", "st-direct", "sun", "teraterm", "teraterm-256color",
    "terminology", "tmux", "tmux-256color", "tmux-direct", "unknown", "vscode-direct", "vt100", "vt102",
    "vt220", "vt320", "vt52", "vte", "vte-256color", "vte-direct", "wezterm", "xterm", "xterm-16color",
    "xterm-256color", "xterm-88color", "xterm-color", "xterm-direct", "xterm-direct2", "xterm-ghostty",
    "xterm-kitty", "xterm-mono", "xterm-vt220"};
constexpr mode_t kUsualMask = 0022;

static_assert(std::is_sorted(std::begin(kTerminals), std::end(kTerminals)));

// glibc's own comparison of what follows the dot: letters and digits only, whatever their case.
std::string plain(std::string_view codeset) {
  std::string text;
  for (const char c : codeset) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) text += static_cast<char>(std::tolower(byte));
  }
  return text;
}

}  // namespace

bool image_has_terminal(std::string_view name) {
  return std::binary_search(std::begin(kTerminals), std::end(kTerminals), name);
}

std::optional<std::string_view> image_locale(std::string_view value) {
  if (value == "C" || value == "POSIX") return "C";
  const auto dot = value.find('.');
  if (dot == std::string_view::npos || plain(value.substr(dot + 1)) != "utf8") return std::nullopt;
  const auto language = value.substr(0, dot);
  if (language == "en_US") return "en_US.UTF-8";
  if (language == "C") return "C.UTF-8";
  return std::nullopt;
}

std::optional<std::string_view> image_editor(std::string_view value) {
  auto program = value.substr(0, value.find(' '));
  program = program.substr(program.rfind('/') + 1);
  const bool is_vi = program == "vi" || program == "vim" || program == "nvim" || program == "vim.tiny";
  return is_vi ? std::optional<std::string_view>("vi") : std::nullopt;
}

std::string portable_time_zone(std::string_view value, std::string_view machine) {
  constexpr std::string_view kDatabase = "/zoneinfo/";
  if (value.starts_with(':')) value.remove_prefix(1);
  if (!value.starts_with('/')) return std::string(value);
  const auto at = value.find(kDatabase);
  return std::string(at == std::string_view::npos ? machine : value.substr(at + kDatabase.size()));
}

mode_t sound_umask(mode_t mask) {
  constexpr mode_t kOwner = 0700, kOthersWrite = 0002;
  mask &= 0777;
  return (mask & kOwner) != 0 || (mask & kOthersWrite) == 0 ? kUsualMask : mask;
}

std::optional<std::string> jail_umask(mode_t mask) {
  mask = sound_umask(mask);
  return mask == kUsualMask ? std::nullopt : std::optional(fmt::format("{:04o}", mask));
}

}  // namespace jailed::plan
