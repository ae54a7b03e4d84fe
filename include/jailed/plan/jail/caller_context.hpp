#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace jailed::plan {

/// What the caller's shell has set and a jail cannot always take as it is, in terms of what jailed's image has.
/// The table of all of it: docs/context.md.

/// The description that a jail uses where the image has none of the caller's terminal.
constexpr std::string_view kSubstituteTerminal = "xterm-256color";

/// Whether the image describes a terminal of this name (docker/install/terminals).
bool image_has_terminal(std::string_view name);

/// A locale of the image (docker/install/system) as `value` means it; nothing when the image has none such.
std::optional<std::string_view> image_locale(std::string_view value);

/// The editor of the image that is nearest to the caller's; nothing when the image's own choice is.
std::optional<std::string_view> image_editor(std::string_view value);

/// A TZ that means the same elsewhere. ":name" is "name", a file of the zoneinfo database is its name; another file
/// of the host's is `machine`, the zone of the machine, which may be empty.
std::string portable_time_zone(std::string_view value, std::string_view machine);

/// The caller's file mode creation mask, or 022 where that would let everybody write, or take the owner's own rights away.
mode_t sound_umask(mode_t mask);

/// The same in octal, for JAILED_UMASK; nothing where it is the jail's own, 022.
std::optional<std::string> jail_umask(mode_t mask);

}  // namespace jailed::plan
