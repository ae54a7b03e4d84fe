#pragma once
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <jailed/host/files/fd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::host {

/// The one way into trees that something hostile may have written, or writes meanwhile: on directory descriptors, following no
/// symbolic link, however deep, with a bounded number of open descriptors and no recursion.

/// Opens a directory by an absolute path of which no component may be a symbolic link.
Fd open_exactly(const std::string& path, bool any_kind = false);

/// Opens a directory or file of `parent` by its name; a closed one (EACCES) after its owner was given `rights`.
Fd open_even_closed(int parent, const char* name, int flags, mode_t rights);

/// Gives the owner `rights` to a file or directory; no link is followed.
bool open_up(int parent, const char* name, mode_t rights);
/// The same for a directory that is open for reading, also where nothing in it can be looked up.
bool open_up(int directory, mode_t rights);

/// Whether what is in an open directory can be looked up, if need be after its owner was given `rights`. One of mode 0600 can be listed
/// only: each name is known, and looks as if nothing had it. errno is the reason.
bool is_searchable(int directory, mode_t rights);

/// A name in a directory, with what the directory itself tells of it: no file is looked at.
struct ScannedName {
  std::string_view name;  // its bytes end with a NUL
  enum class Kind { file, directory, link, other } kind = Kind::other;
  /// For directories, to be changed by the visitor: whether to go in, and with which context.
  bool enter = false;
  int context = 0;
};

/// A directory of a walk. `path` is empty for the root; `directory` is open.
struct ScannedDirectory {
  const std::string& path;
  int directory;
  int context;
  std::span<ScannedName> names;  // in no order; directories are entered unless the visitor says otherwise
};

/// The names of one directory.
class DirectoryNames {
 public:
  /// From where the descriptor is on. False when the directory cannot be read to its end, or holds more names than that, or a quarter of a
  /// GiB of them (then errno is 0); what was read is there.
  bool read(int directory, std::size_t most = SIZE_MAX);
  std::span<ScannedName> names() { return names_; }

 private:
  struct Found {
    std::size_t at, size;
    ScannedName::Kind kind;
  };
  void add(int directory, const char* name, unsigned char type);
  bool read_all(int directory, std::size_t most);
  bool is_full(std::size_t most) const;

  std::string bytes_;
  std::vector<Found> found_;
  std::vector<ScannedName> names_;
};

/// A way down and up again. At most 32 descriptors are open besides the root's: a directory that was closed meanwhile is found again
/// by "..", and only if it is still the same one, else by its names from the root.
class Descent {
 public:
  explicit Descent(Fd root);
  int here() const { return levels_.back().fd.get(); }
  std::size_t depth() const { return levels_.size() - 1; }
  /// Goes into the directory `name`; false, with errno, when that cannot be done.
  bool enter(const char* name, mode_t open_up_rights = 0);
  /// Goes up. False: the directory above was moved meanwhile and `here` is none; going further up may help, and the root always
  /// is there.
  bool leave();

 private:
  struct Level {
    Fd fd;
    std::string name;
    dev_t device = 0;
    ino_t inode = 0;
  };
  bool find_again();
  std::vector<Level> levels_;
};

/// A walk over a tree, depth first. What is done on it is in the classes that derive from this one.
class TreeWalk {
 public:
  struct Limits {
    std::size_t names = SIZE_MAX;
    std::size_t depth = SIZE_MAX;
    std::size_t path = SIZE_MAX;  // bytes
    mode_t open_up = 0;  // rights that the owner gets back to a directory that somebody closed
  };

  explicit TreeWalk(const Limits& limits) : limits_(limits), left_names_(limits.names) {}
  TreeWalk(const TreeWalk&) = delete;
  TreeWalk& operator=(const TreeWalk&) = delete;
  virtual ~TreeWalk() = default;
  /// False when it was stopped.
  bool run(Fd root);

 protected:
  /// Each directory, before it is read.
  virtual void opening(int directory) { static_cast<void>(directory); }
  /// Each directory, once its names are known and before any of them is met.
  virtual void opened(const ScannedDirectory&) {}
  /// Each name, in the order in which `opened` left them; whether to go in, if it is a directory.
  virtual bool meet(const std::string& directory_path, int directory, const ScannedName& name) {
    static_cast<void>(directory_path);
    static_cast<void>(directory);
    return name.enter;
  }
  /// After all below `name` was met; `parent` is the directory that it is in, -1 if somebody moved that meanwhile.
  virtual void left(int parent, const char* name) {
    static_cast<void>(parent);
    static_cast<void>(name);
  }
  /// A directory that cannot be read to its end, or of which only the names can be, or that is beyond the limits; errno is the reason, if
  /// there is one.
  virtual void unreadable(const std::string& path) { static_cast<void>(path); }
  void stop() { stopped_ = true; }

 private:
  struct Step {
    DirectoryNames names;
    std::size_t next = 0;
    std::size_t path_length = 0;
  };
  void open_here(int directory, std::size_t depth, int context);
  bool go_in(Descent& way, const ScannedName& name);

  const Limits limits_;
  std::size_t left_names_;
  bool stopped_ = false;
  std::string path_;
  std::deque<Step> steps_;  // keeps its elements in place
};

/// Copies an entry, whatever it is, to a new name: sparse files stay sparse, links are links; sockets and devices are left out.
/// Nothing when it was done, else the system's reason (what was copied of a directory by then is there). A file becomes `owner`'s.
std::optional<std::string> copy_entry(int from, const std::string& name, int to, const std::string& as, const struct stat* owner = nullptr);

/// Copies the content of a file, without copying its blocks where the file system can, and without filling its holes.
/// False with errno.
bool copy_content(int from, int to, std::uint64_t most = UINT64_MAX);

/// Removes an entry with all that is below it. False when something stays.
bool remove_entry(int parent, const std::string& name);

}  // namespace jailed::host
