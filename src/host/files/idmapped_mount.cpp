#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/platform.hpp>
#include <jailed/host/beneath/beneath.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/files/idmapped_mount.hpp>
#include <jailed/host/machine/process_list.hpp>
#include <thread>
#include <utility>

#if JAILED_LINUX
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdint>
#endif

namespace jailed::host {
namespace {

constexpr const char* kRoot = "/run/jailed";

core::Error impossible(const std::string& source, const std::string& reason) {
  return core::Error(
      fmt::format("Root's directory {} cannot be handed to a jail without root: {}.", core::printable(source),
                  reason),
      "run jailed as an ordinary user, or give the project to one: chown -R USER DIR\n"
      "(handing over root's files takes Linux 5.12 or newer and a file system with idmapped mounts)");
}

#if JAILED_LINUX

// glibc has these since 2.36 and their numbers since 2.32; Ubuntu 22.04's is 2.35.
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
constexpr unsigned kOpenTreeClone = 1;
constexpr unsigned kRecursive = 0x8000;
constexpr unsigned kEmptyPath = 0x1000;
constexpr unsigned kMoveFromEmptyPath = 0x4;
constexpr std::uint64_t kNoSuid = 0x2;
constexpr std::uint64_t kNoDev = 0x4;
constexpr std::uint64_t kIdmap = 0x00100000;

struct MountAttributes {
  std::uint64_t set;
  std::uint64_t clear;
  std::uint64_t propagation;
  std::uint64_t user_namespace;
};

bool write_text(const std::string& path, const std::string& text) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// A child that only lends its user namespace and is gone when this object is.
class NamespaceChild {
 public:
  NamespaceChild() : ready_(make_pipe()) {
    const auto parent = ::getpid();
    pid_ = ::fork();
    if (pid_ != 0) {
      ready_.write.reset();
      return;
    }
    // Also when jailed is killed in this moment.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(0);
    const char answer = ::unshare(CLONE_NEWUSER) == 0 ? 'y' : 'n';
    [[maybe_unused]] const auto written = ::write(ready_.write.get(), &answer, 1);
    while (true) ::pause();
  }
  NamespaceChild(const NamespaceChild&) = delete;
  NamespaceChild& operator=(const NamespaceChild&) = delete;
  ~NamespaceChild() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  // The namespace in which what is root's on disk is the given user's.
  Fd open_namespace(uid_t uid, gid_t gid, bool made_by_root) const {
    char answer = 'n';
    if (pid_ < 0 || ::read(ready_.read.get(), &answer, 1) != 1 || answer != 'y') return {};
    const auto process = fmt::format("/proc/{}", pid_);
    const auto map = [&](std::uint32_t id) {
      return made_by_root ? fmt::format("0 {0} 1\n{0} 0 1\n", id) : fmt::format("0 {} 1\n", id);
    };
    if (!write_text(process + "/uid_map", map(uid)) || !write_text(process + "/gid_map", map(gid))) {
      return {};
    }
    return Fd(::open((process + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC));
  }

 private:
  Pipe ready_;
  pid_t pid_ = -1;
};

Fd clone_of(const Fd& opened) {
  return Fd(static_cast<int>(::syscall(SYS_open_tree, opened.get(), "", kOpenTreeClone | kRecursive | kEmptyPath | O_CLOEXEC)));
}

core::Error cannot_hold(const std::string& source) {
  return core::Error(fmt::format("{} cannot be mounted for the jail: {}.", core::printable(source), std::strerror(errno)),
                     "run jailed as the user whose project it is");
}

void mount_idmapped(const std::string& source, const Fd& opened, const std::string& target, uid_t uid, gid_t gid,
                    bool made_by_root) {
  const NamespaceChild child;
  const auto name_space = child.open_namespace(uid, gid, made_by_root);
  if (!name_space) throw impossible(source, "user namespaces are not to be had here");
  const auto tree = clone_of(opened);
  if (!tree) throw impossible(source, std::strerror(errno));
  const MountAttributes attributes{kIdmap | kNoSuid | kNoDev, 0, 0,
                                   static_cast<std::uint64_t>(name_space.get())};
  if (::syscall(SYS_mount_setattr, tree.get(), "", kEmptyPath | kRecursive, &attributes, sizeof attributes) !=
      0) {
    throw impossible(source,
                     errno == EINVAL ? "its file system knows no idmapped mounts" : std::strerror(errno));
  }
  if (::syscall(SYS_move_mount, tree.get(), "", AT_FDCWD, target.c_str(), kMoveFromEmptyPath) != 0) {
    throw impossible(source, std::strerror(errno));
  }
}

void mount_as_is(const std::string& source, const Fd& opened, const std::string& target) {
  const auto tree = clone_of(opened);
  if (!tree || ::syscall(SYS_move_mount, tree.get(), "", AT_FDCWD, target.c_str(), kMoveFromEmptyPath) != 0) throw cannot_hold(source);
}

void unmount(const std::string& target) { ::umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW); }

#else

void mount_idmapped(const std::string& source, const Fd&, const std::string&, uid_t, gid_t, bool) {
  throw impossible(source, "this system has no idmapped mounts");
}

void mount_as_is(const std::string& source, const Fd&, const std::string&) { throw impossible(source, "this system has no such mounts"); }

void unmount(const std::string&) {}

#endif

// rmdir and never a recursive removal: if an unmount failed, the project's files are below.
void dismantle(const std::string& directory) {
  for (const auto& name : list_directory(directory)) {
    const auto target = directory + "/" + name;
    unmount(target);
    if (::rmdir(target.c_str()) != 0 && errno == ENOTDIR) ::unlink(target.c_str());
  }
  ::rmdir(directory.c_str());
}

}  // namespace

IdmappedMounts::IdmappedMounts(const std::string& session_id, uid_t uid, gid_t gid, bool made_by_root)
    : uid_(uid), gid_(gid), made_by_root_(made_by_root), directory_(directory(session_id)) {}

void IdmappedMounts::make() {
  make_private_directories(kRoot);
  // A sweep may take the new directory for an abandoned one before it is locked.
  for (int attempt = 0; attempt < 100 && !lock_; ++attempt) {
    if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) break;
    lock_ = try_lock_directory(directory_);
    if (lock_ && lstat_of(directory_)) continue;
    lock_.reset();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (!lock_) throw core::Error(fmt::format("Cannot lock {}: {}.", directory_, std::strerror(errno)), "try again");
  for (const auto& planned : std::exchange(planned_, {})) mount(planned);
}

IdmappedMounts::~IdmappedMounts() {
  if (lock_) dismantle(directory_);
}

std::string IdmappedMounts::directory(const std::string& session_id) { return fmt::format("{}/{}", kRoot, session_id); }

std::string IdmappedMounts::place(const std::string& session_id, const std::string& name) { return directory(session_id) + "/" + name; }

void IdmappedMounts::mount(const Planned& planned) const {
  const auto& source = planned.source;
  const auto& target = planned.place;
  // Whoever can write above it may put something else there, or a link, after it was looked at.
  const auto opened = open_exactly(source, true);
  if (!opened) throw impossible(source, errno == ELOOP || errno == ENOTDIR ? "a symbolic link leads there now" : std::strerror(errno));
  struct stat info {};
  if (::fstat(opened.get(), &info) != 0) throw impossible(source, std::strerror(errno));
  if (planned.checked && (info.st_dev != planned.checked->st_dev || info.st_ino != planned.checked->st_ino))
    throw core::Error(fmt::format("{} was replaced while the jail was being prepared.", core::printable(source)),
                      "look what does that, then try again");
  if (!S_ISDIR(info.st_mode)) {
    write_new_file(target, {}, 0600);  // a mount point for a file or socket is a file
  } else {
    make_private_directories(target);
  }
  if (planned.as_it_is) {
    mount_as_is(source, opened, target);
  } else {
    mount_idmapped(source, opened, target, uid_, gid_, made_by_root_);
  }
}

void IdmappedMounts::plan_or_mount(Planned planned) {
  if (lock_) {
    mount(planned);
  } else {
    planned_.push_back(std::move(planned));
  }
}

void IdmappedMounts::add(const std::string& source, const std::string& place, const struct stat* checked) {
  plan_or_mount({source, place, checked != nullptr ? std::optional(*checked) : std::nullopt, false});
}

void IdmappedMounts::hold(const std::string& source, const std::string& place, const struct stat& checked) {
  plan_or_mount({source, place, checked, true});
}

void IdmappedMounts::sweep() {
  for (const auto& name : list_directory(kRoot)) {
    const auto directory = fmt::format("{}/{}", kRoot, name);
    const auto lock = try_lock_directory(directory);
    // A client that outlived its jailed may be about to mount what is there.
    if (lock && !runs_with_option("--name", "-" + name)) dismantle(directory);
  }
}

}  // namespace jailed::host
