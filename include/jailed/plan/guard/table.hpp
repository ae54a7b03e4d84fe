#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace jailed::plan {

/// When the host's tool runs what stands there: with nobody asked, after the user once said yes, or when the
/// user does something (build, test, commit …).
enum class Trigger { automatic, trust, action };
enum class Severity { critical, high, medium, low };

/// A path that a program on the host runs or obeys: a line of data/host-execution.txt, which says how its
/// columns are read.
struct HostEntry {
  std::string glob;
  std::string tool;
  std::string when;
  Trigger trigger = Trigger::action;
  Severity severity = Severity::high;
  std::string source;
  bool operator==(const HostEntry&) const = default;

  /// Read-only in the jail where it exists, moved into quarantine where it is new.
  bool guarded() const { return trigger == Trigger::automatic && severity == Severity::critical; }
};

std::string_view name_of(Trigger trigger);
std::string_view name_of(Severity severity);

/// Throws core::Error, naming the line, for one that is not as it should be.
std::vector<HostEntry> parse_host_table(std::string_view text);

/// The table as compiled in.
const std::vector<HostEntry>& host_table();

/// The entry of a shape: "(bare)".
const HostEntry& host_shape(std::string_view glob);

/// Whether `path` (below the project, without a leading slash) is what `glob` means, or is below it when it
/// ends with /**.
bool glob_matches(std::string_view glob, std::string_view path);

/// The glob that means this path below the project alone, whatever its names hold; and back.
std::string literal_glob(std::string_view path);
std::string path_of_literal(std::string_view glob);

/// Finds the entry for a path among many, so fast that every name of a large tree can be asked for. Keeps
/// views into the entries.
class HostIndex {
 public:
  explicit HostIndex(std::span<const HostEntry> entries);

  /// Whether a file of this name can be an entry at all; cheap.
  bool may_be_file(std::string_view name) const { return files_.may_be(name); }
  bool may_be_tree(std::string_view name) const { return trees_.may_be(name); }

  /// The gravest entry for a file; null: none.
  const HostEntry* file(std::string_view path) const { return gravest(files_, path); }
  /// The gravest entry X/** for a directory X.
  const HostEntry* tree(std::string_view path) const { return gravest(trees_, path); }

 private:
  // Entries by the last name of their glob: exact, by its first character, by its extension.
  struct Names {
    struct Wild {
      std::string_view pattern;
      std::uint32_t entry;
    };
    std::unordered_map<std::string_view, std::vector<std::uint32_t>> exact, by_extension;
    std::array<std::vector<Wild>, 256> by_first;

    void add(std::string_view pattern, std::uint32_t entry);
    std::vector<std::uint32_t> candidates(std::string_view name) const;
    bool may_be(std::string_view name) const;
  };

  const HostEntry* gravest(const Names& names, std::string_view path) const;

  std::span<const HostEntry> entries_;
  Names files_, trees_;
};

/// The gravest first: automatic before trust before action, then by severity.
bool graver(const HostEntry& left, const HostEntry& right);

/// Whether an entry's trees are too large to be remembered file by file.
bool is_bulk(const HostEntry& entry);

}  // namespace jailed::plan
