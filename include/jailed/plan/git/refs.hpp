#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// The refs of a repository as its files say: name -> object id in hex, or "ref: NAME" for a symbolic one.
/// HEAD is among them.
using GitRefs = std::map<std::string, std::string>;

/// The value of a loose ref's file or of HEAD; nothing when it is neither an id nor a symbolic ref.
std::optional<std::string> parse_loose_ref(std::string_view content);

/// Adds the lines of a packed-refs file; what `refs` has already wins, as loose refs do.
void add_packed_refs(std::string_view content, GitRefs& refs);

/// A packed-refs file that holds all of them but HEAD and the symbolic ones.
std::string packed_refs_file(const GitRefs& refs);

/// One "VALUE NAME" a line, and back; lines that are no such thing are left out.
std::string format_refs(const GitRefs& refs);
GitRefs parse_refs(std::string_view text);

/// 40 or 64 hex digits.
bool is_object_id(std::string_view text);

/// Whether a ref of this name may be made on the host: stricter than git-check-ref-format(1), so that no
/// shell, prompt or option parser can take it for something else. Only [A-Za-z0-9._/-], no part that begins
/// with a dash or a dot.
bool is_plain_ref_name(std::string_view name);

/// Refs that are the agent's work: branches, tags, notes, the stash. Not remote-tracking refs, which the
/// next fetch brings, and not those of unfinished operations.
bool is_work(std::string_view name);

/// Of `now`, what is new or different and worth bringing home.
GitRefs changed_work(const GitRefs& before, const GitRefs& now);

}  // namespace jailed::plan
