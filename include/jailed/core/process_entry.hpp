#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

namespace jailed::core {

/// A process as the system lists it. Every part of it but the numbers is the process's own to choose.
struct ProcessEntry {
  pid_t pid = 0;
  pid_t parent = 0;
  std::vector<std::string> words;  // its command line
  std::string cgroup;              // the text of /proc/<pid>/cgroup
  bool closed = false;             // it is there, but its command line is not the caller's to read
};

}  // namespace jailed::core
