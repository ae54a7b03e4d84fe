#include <jailed/core/error.hpp>
#include <jailed/plan/jail/terminal_reset.hpp>

namespace jailed::plan {
namespace {

// Out of a sequence that was cut off in the middle: cancelled, and a string is ended.
constexpr std::string_view kResync = "\x18\x1b\\";

// Mouse reports of every kind, focus, paste, colour-scheme and resize reports; the drawing that waits for its end. Not the
// wheel as arrow keys (1007), the cursor's shape or its blinking: there each terminal has a default of its own.
constexpr std::string_view kReports =
    "\x1b[?9l\x1b[?1000l\x1b[?1001l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l"
    "\x1b[?1004l\x1b[?2004l\x1b[?2031l\x1b[?2048l\x1b[?2026l";

// Kitty's keyboard protocol, which each screen has a stack of, and xterm's other keys.
constexpr std::string_view kKeyboard = "\x1b[<99u\x1b[=0u\x1b[>4m";

// Leaving the other screen puts back the cursor of when it was entered, also when it was not: to a place of long ago, or to
// the top. Entering it first makes that the place where the cursor is, and does nothing where it was entered already.
constexpr std::string_view kEnterOther = "\x1b[?1049h";
constexpr std::string_view kLeaveOther = "\x1b[?1049l";

// The region's reset moves the cursor, so it is saved meanwhile. Then colours, characters, inserting, wrapping, keys, cursor.
constexpr std::string_view kRest = "\x1b" "7\x1b[r\x1b" "8\x1b[0m\x0f\x1b(B\x1b[4l\x1b[?7h\x1b[?1l\x1b>\x1b[?25h";

}  // namespace

bool may_have_left_modes(core::ExitStatus status) {
  constexpr int kBySignal = 128;
  return status.how == core::ExitStatus::How::signalled || status.value > kBySignal || status.value == core::kFailed;
}

std::string terminal_reset(std::string_view term) {
  if (term.empty() || term == "dumb" || term == "unknown") return {};
  std::string text(kResync);
  // The kernel's console has none of it, and older ones print what they do not know.
  if (term != "linux") {
    for (const auto part : {kReports, kEnterOther, kKeyboard, kLeaveOther, kKeyboard}) text += part;
  }
  return text.append(kRest);
}

}  // namespace jailed::plan
