#pragma once
#include <sys/types.h>

#include <string>
#include <string_view>

namespace jailed::host {

/// A file (or a link) that is at its path as a whole, or as it was before: for who reads it at any time, and however jailed ends. It is made
/// beside its place and then put there. What a jailed that was killed had begun goes with the next one of the same path.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Where it is to be made. Nothing is there yet.
  const std::string& beside() const { return beside_; }
  /// Puts it in its place. Throws core::Error where that cannot be done.
  void put();

 private:
  std::string path_;
  std::string beside_;
};

/// Such a file with this content; whatever was at the path goes.
void replace_file(const std::string& path, std::string_view content, mode_t mode);

}  // namespace jailed::host
