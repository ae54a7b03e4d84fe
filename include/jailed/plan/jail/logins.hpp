#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace jailed::plan {

/// What `--copy-logins` makes of a login file.
struct LoginCopy {
  std::optional<std::string> text;  // what the copy holds; unset: there is nothing to copy
  bool left_out = false;            // a login is not in it, as it would die when used in two places
};

/// A login that renews itself by a refresh token which is good for one use lives in one place only: whoever renews it
/// first logs the other out. Such a login is left out, what has none (keys) is copied. `text` was written by a jail: of
/// what is not JSON nothing is copied, nor of what is nested deeper than any login.
/// `keeps`: of a file out of which something was left, this key alone means something by itself; empty: all do.
LoginCopy login_copy(std::string_view text, std::string_view keeps);

/// Whether a login file holds a login: JSON with a value in it, or, when it is no JSON, any text at all.
bool holds_login(std::string_view text);

}  // namespace jailed::plan
