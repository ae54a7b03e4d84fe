#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/number.hpp>
#include <jailed/host/files/atomic_file.hpp>
#include <jailed/host/files/files.hpp>
#include <utility>

namespace jailed::host {
namespace {

// Its name says whose it is. This process has none for long: one of its number is of another that is gone.
void remove_unfinished(const std::string& path) {
  const auto slash = path.rfind('/');
  const auto directory = slash == std::string::npos ? std::string(".") : path.substr(0, slash);
  const auto begin = path.substr(slash + 1) + ".";
  for (const auto& name : list_directory(directory)) {
    pid_t writer = 0;
    if (!name.starts_with(begin) || !core::parse_number(std::string_view(name).substr(begin.size()), writer) || writer <= 0) continue;
    if (writer == ::getpid() || (::kill(writer, 0) != 0 && errno == ESRCH)) ::unlink((directory + "/" + name).c_str());
  }
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)), beside_(fmt::format("{}.{}", path_, ::getpid())) { remove_unfinished(path_); }

AtomicFile::~AtomicFile() {
  if (!beside_.empty()) ::unlink(beside_.c_str());
}

void AtomicFile::put() {
  if (::rename(beside_.c_str(), path_.c_str()) != 0)
    throw core::Error(fmt::format("Cannot write {}: {}.", core::printable(path_), std::strerror(errno)));
  beside_.clear();
}

void replace_file(const std::string& path, std::string_view content, mode_t mode) {
  AtomicFile file(path);
  write_new_file(file.beside(), content, mode);
  file.put();
}

}  // namespace jailed::host
