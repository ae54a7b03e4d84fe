#pragma once

/// Whether what only Linux has may be used: /proc, O_PATH, statx(2), inotify(7), pidfds, mounts, a FIFO that a jail shares. Not on
/// macOS, nor in a build for Linux with -D JAILED_PORTABLE=ON, which shows on any machine that all the rest does without.
#if defined(__linux__) && !defined(JAILED_PORTABLE)
#define JAILED_LINUX 1
#else
#define JAILED_LINUX 0
#endif
