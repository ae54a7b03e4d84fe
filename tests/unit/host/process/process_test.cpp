#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <jailed/core/platform.hpp>
#include <jailed/host/files/fd.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/process/process.hpp>

#include "catch.hpp"
#include "support.hpp"

using namespace jailed::host;
using jailed::core::Command;
using jailed::core::Environment;
using jailed::core::Error;
using jailed::core::ExitStatus;
using jailed::test::error_of;
using jailed::test::Scratch;

namespace {

using Words = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

Command shell(const std::string& script, std::vector<jailed::core::EnvVar> env = {}) {
  return {"/bin/sh", {"-c", script}, std::move(env)};
}

Environment with_path(const std::string& path) {
  return Environment(std::map<std::string, std::string>{{"PATH", path}});
}

struct Foreground {
  ForegroundResult result;
  std::string errors;
  std::vector<int> signals;
  bool ending_signals_wait = false;  // afterwards, while the caller tidies up
};

// `on_terminate` may end the child, as the lease does.
Foreground foreground(const std::string& script, const std::function<void(int)>& on_terminate = {}) {
  sigset_t former;
  ::sigprocmask(SIG_SETMASK, nullptr, &former);
  Foreground run;
  run.result =
      run_in_foreground(shell(script), {.on_error_output = [&](std::string_view text) { run.errors += text; },
                                        .on_terminate =
                                            [&](int signal) {
                                              run.signals.push_back(signal);
                                              if (on_terminate) on_terminate(signal);
                                            },
                                        .on_overdue = [] {}});
  sigset_t now;
  ::sigprocmask(SIG_SETMASK, &former, &now);
  run.ending_signals_wait = true;
  for (const int signal : {SIGTERM, SIGHUP, SIGINT, SIGQUIT})
    run.ending_signals_wait = run.ending_signals_wait && ::sigismember(&now, signal) == 1;
  return run;
}

}  // namespace

TEST_CASE("the first program on PATH, only from absolute entries", "[host]") {
  const Scratch scratch;
  for (const auto* directory : {"a", "b", "c", "d"}) make_private_directories(scratch / directory);
  make_private_directories(scratch / "a/docker");             // a directory
  write_new_file(scratch / "b/docker", "#!/bin/sh\n", 0644);  // not executable
  write_new_file(scratch / "c/docker", "#!/bin/sh\n", 0755);
  write_new_file(scratch / "d/docker", "#!/bin/sh\n", 0755);
  const auto path = scratch / "a:" + scratch / "b:" + scratch / "absent:" + scratch / "c:" + scratch / "d";
  CHECK(find_program("docker", with_path(path)) == scratch / "c/docker");
  CHECK(find_program("podman", with_path(path)) == std::nullopt);
  CHECK(find_program("docker", with_path("")) ==
        find_program("docker", with_path("/usr/local/bin:/usr/bin:/bin")));
  CHECK(find_program("sh", Environment()) ==
        std::string(lstat_of("/usr/bin/sh") ? "/usr/bin/sh" : "/bin/sh"));
}

TEST_CASE("a project cannot bring its own engine by a relative PATH", "[host]") {
  const Scratch scratch;
  write_new_file(scratch / "docker", "#!/bin/sh\n", 0755);
  const Fd here(::open(".", O_RDONLY | O_CLOEXEC));
  REQUIRE(::chdir(scratch.path().c_str()) == 0);
  for (const auto* path : {".", ":", "::", "./", "x:.:y"})
    CHECK(find_program("docker", with_path(path)) == std::nullopt);
  REQUIRE(::fchdir(here.get()) == 0);
}

TEST_CASE("what a program prints and how it ends", "[host]") {
  const auto captured = capture(shell("printf out; printf err >&2; exit 3"));
  CHECK(captured.out == "out");
  CHECK(captured.err == "err");
  CHECK(captured.status == ExitStatus::exited(3));
  CHECK(capture(shell("kill -TERM $$")).status == ExitStatus::signalled(SIGTERM));
  CHECK(capture({"/bin/cat", {}, {}}).status == ExitStatus::exited(0));  // its input is empty
}

TEST_CASE("long output on both streams at once blocks nobody", "[host]") {
  const auto captured = capture(shell("head -c 300000 /dev/zero & head -c 300000 /dev/zero >&2; wait"));
  CHECK(captured.out.size() == 300000);
  CHECK(captured.err.size() == 300000);
}

TEST_CASE("arguments and variables arrive byte by byte", "[host]") {
  const std::string odd = "a b'\"\\\n\x01\xff$HOME";
  CHECK(capture({"/usr/bin/printf", {"<%s>", odd, "", "-x"}, {}}).out == "<" + odd + "><><-x>");
  CHECK(capture(shell("printf %s \"$ODD\"", {{"ODD", odd}})).out == odd);
}

TEST_CASE("a command's variable replaces one that is there", "[host]") {
  ::setenv("JAILED_UNIT", "outer", 1);
  ::setenv("JAILED_UNIT_LONGER", "kept", 1);
  CHECK(capture({"/usr/bin/env", {}, {{"JAILED_UNIT", "inner"}}}).out.find("JAILED_UNIT=outer") ==
        std::string::npos);
  CHECK(capture(shell("echo $JAILED_UNIT $JAILED_UNIT_LONGER", {{"JAILED_UNIT", "inner"}})).out ==
        "inner kept\n");
  CHECK(capture(shell("echo $JAILED_UNIT")).out == "outer\n");
  CHECK(environment_snapshot().get("JAILED_UNIT") == "outer");
  ::unsetenv("JAILED_UNIT");
  ::unsetenv("JAILED_UNIT_LONGER");
}

TEST_CASE("a program that cannot be started", "[host]") {
  CHECK(error_of([] {
          capture({"/absent/docker", {}, {}});
        }) == Error("Cannot run /absent/docker: No such file or directory."));
  CHECK(error_of([] { capture({"/tmp", {}, {}}); }) == Error("Cannot run /tmp: Permission denied."));
  const auto too_long = error_of([] { capture({"/bin/true", {std::string(1 << 20, 'x')}, {}}); });
  REQUIRE(too_long);
  CHECK(std::string(too_long->what()) == "Cannot run /bin/true: Argument list too long.");
  CHECK(too_long->next_step() == "the command line or the environment is too long; pass less of it");
}

#if JAILED_LINUX
TEST_CASE("a child starts with default signals, none blocked, and three descriptors", "[host]") {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGUSR1, SIG_IGN);
  sigset_t block;
  sigset_t former;
  ::sigemptyset(&block);
  ::sigaddset(&block, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &block, &former);
  const Fd inherited(::open("/dev/null", O_RDONLY));  // not close-on-exec, as a caller's may be
  const auto signals = capture({"/bin/grep", {"-E", "^Sig(Blk|Ign)", "/proc/self/status"}, {}});
  const auto descriptors = capture({"/bin/ls", {"/proc/self/fd"}, {}});
  ::sigprocmask(SIG_SETMASK, &former, nullptr);
  ::signal(SIGUSR1, SIG_DFL);
  // Signals 32 and 33 are the C library's own; no program can set them.
  const auto mask = [&](const std::string& name) {
    const auto at = signals.out.find(name);
    REQUIRE(at != std::string::npos);
    return std::stoull(signals.out.substr(at + name.size()), nullptr, 16) & ~0x180000000ULL;
  };
  CHECK(mask("SigBlk:\t") == 0);
  CHECK(mask("SigIgn:\t") == 0);
  CHECK(descriptors.out == "0\n1\n2\n3\n");  // 3 is ls's own
}
#endif

namespace {

// Every way to run a program to its end and keep what it prints.
std::string printed_by(const std::string& way, const Command& command) {
  if (way == "capture") return capture(command).out;
  if (way == "shielded") return capture_shielded(command).out;
  if (way == "with patience") return capture_shielded(command, std::chrono::seconds(10)).value_or(Captured{}).out;
  const Scratch scratch;
  if (way == "to a file") {
    capture_to_file(command, scratch / "out", 0600);
    return read_file(scratch / "out").value_or("");
  }
  if (way == "as lines") {
    std::string text;
    run_with_lines(command, [&](std::string_view line) { text += std::string(line) + "\n"; }, [] {});
    return text;
  }
  const Fd file(::open((scratch / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  CHECK(stream_to(command, file.get(), 1 << 20, {std::chrono::seconds(10), std::chrono::minutes(1)}).status.ok());
  return read_file(scratch / "out").value_or("");
}

bool is_alive(const std::string& pid) {
  const auto state = read_file("/proc/" + pid + "/stat").value_or("");
  return !state.empty() && state.find(") Z ") == std::string::npos;
}

}  // namespace

TEST_CASE("a call takes as long as its child, whoever else holds the child's output", "[host]") {
  const auto* way = GENERATE("capture", "shielded", "with patience", "to a file", "as lines", "streamed");
  const auto began = Clock::now();
  CHECK(printed_by(way, shell("sleep 20 & echo x")) == "x\n");
  CHECK(Clock::now() - began < std::chrono::seconds(8));
}

TEST_CASE("all that a child has printed is there, and one who goes on for it is not listened to for ever", "[host]") {
  const auto* way = GENERATE("capture", "shielded", "streamed");
  const auto began = Clock::now();
  CHECK(printed_by(way, shell("sleep 20 & head -c 65000 /dev/zero")).size() == 65000);
  CHECK(printed_by(way, shell("(while :; do echo y; done) & exit 0")).find_first_not_of("y\n") == std::string::npos);
  CHECK(Clock::now() - began < std::chrono::seconds(15));
}

TEST_CASE("patience holds for a child that has closed its output", "[host]") {
  const auto began = Clock::now();
  const auto silent = shell("exec >&- 2>&-; sleep 30");
  CHECK(capture_shielded(silent, std::chrono::milliseconds(300)) == std::nullopt);
  Background background(silent);
  CHECK(background.wait(std::chrono::milliseconds(100)) == std::nullopt);
  CHECK(background.wait(std::chrono::milliseconds(100)) == std::nullopt);
  const auto nothing = open_null();
  CHECK(stream_to(silent, nothing.get(), 100, {std::chrono::seconds(1), std::chrono::minutes(1)}).silent);
  CHECK(Clock::now() - began < std::chrono::seconds(15));
}

TEST_CASE("who is asked and never answers is one line, and not waited for", "[host]") {
  const auto began = Clock::now();
  const auto silent = shell("echo half an answer; sleep 60");
  for (const auto& captured : {capture(silent, std::chrono::seconds(1)), ask_shielded(silent, std::chrono::seconds(1))}) {
    CHECK(captured.overdue);
    CHECK(captured.status == ExitStatus::signalled(SIGKILL));
    CHECK(captured.out.empty());
    CHECK(captured.err == "it has not answered for 1 s, and nobody waits for it any longer");
  }
  CHECK_FALSE(capture(shell("exit 3")).overdue);
  CHECK(Clock::now() - began < std::chrono::seconds(20));
}

#if JAILED_LINUX
TEST_CASE("what runs out of patience is killed with all that it started", "[host]") {
  const Scratch scratch;
  const auto script = shell("sleep 40 & echo $! >" + (scratch / "pid") + "; wait");
  SECTION("at once") { capture_shielded(script, std::chrono::milliseconds(500)); }
  SECTION("by silence") {
    const auto nothing = open_null();
    stream_to(script, nothing.get(), 100, {std::chrono::seconds(1), std::chrono::minutes(1)});
  }
  auto pid = read_file(scratch / "pid").value_or("");
  REQUIRE(pid.ends_with('\n'));
  pid.pop_back();
  for (int look = 0; look < 100 && is_alive(pid); ++look) ::usleep(20000);
  CHECK_FALSE(is_alive(pid));
}
#endif

TEST_CASE("an output that cannot be written is no success", "[host]") {
  const Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  if (!full) return;
  const auto result = stream_to(shell("printf x"), full.get(), 100, {std::chrono::seconds(5), std::chrono::minutes(1)});
  CHECK(result.write_error != 0);
  CHECK_FALSE(result.status.ok());
}

TEST_CASE("signals in between cut nothing short", "[host]") {
  struct sigaction action {};
  struct sigaction former {};
  action.sa_handler = [](int) {};  // without SA_RESTART
  ::sigaction(SIGALRM, &action, &former);
  const itimerval often{{0, 3000}, {0, 3000}};
  const itimerval never{};
  ::setitimer(ITIMER_REAL, &often, nullptr);
  const auto captured = capture(shell("sleep 0.2; echo x; sleep 0.2; exit 3"));
  const auto silent = capture_shielded(shell("exec >&- 2>&-; sleep 0.2; exit 4"), std::chrono::seconds(5));
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &former, nullptr);
  CHECK(captured.out == "x\n");
  CHECK(captured.status == ExitStatus::exited(3));
  REQUIRE(silent);
  CHECK(silent->status == ExitStatus::exited(4));
}

TEST_CASE("lines of both streams in the order of arrival, the last one without a line break, too", "[host]") {
  Words lines;
  int ticks = 0;
  const auto result = run_with_lines(
      shell("echo one; echo two >&2; echo; printf 'a\\0b\\n'; printf last; exit 4"),
      [&](std::string_view line) { lines.emplace_back(line); }, [&] { ++ticks; });
  CHECK(lines == Words{"one", "two", "", std::string("a\0b", 3), "last"});
  CHECK(result.status == ExitStatus::exited(4));
  CHECK(result.interrupted_by == std::nullopt);
  CHECK(ticks > 0);
}

TEST_CASE("a very long line arrives whole", "[host]") {
  Words lines;
  run_with_lines(
      shell("head -c 200000 /dev/zero | tr '\\0' x; echo"),
      [&](std::string_view line) { lines.emplace_back(line); }, [] {});
  CHECK(lines == Words{std::string(200000, 'x')});
}

TEST_CASE("a signal from another process is passed on to a logged child", "[host]") {
  const int signal = GENERATE(SIGINT, SIGTERM, SIGHUP);
  const auto name = std::to_string(signal);
  const auto result = run_with_lines(
      shell("trap 'echo got; exit 9' " + name + "; kill -" + name + " $PPID; while :; do sleep 0.05; done"),
      [](std::string_view) {}, [] {});
  CHECK(result.status == ExitStatus::exited(9));
  CHECK(result.interrupted_by == signal);
}

TEST_CASE("a foreground child's end and error output", "[host]") {
  const auto run = foreground("printf 'a\\nb' >&2; exit 5");
  CHECK(run.result.status == ExitStatus::exited(5));
  CHECK_FALSE(run.result.terminated);
  CHECK(run.errors == "a\nb");
  CHECK(run.signals.empty());
  CHECK(foreground("kill -KILL $$").result.status == ExitStatus::signalled(SIGKILL));
}

TEST_CASE("no error output is lost when the child ends right after it", "[host]") {
  const auto run = foreground("head -c 500000 /dev/zero >&2");
  CHECK(run.errors.size() == 500000);
}

TEST_CASE("who else holds the error output does not keep the call from ending", "[host]") {
  const auto began = Clock::now();
  const auto run = foreground("sleep 5 >/dev/null & echo x >&2; exit 0");
  CHECK(Clock::now() - began < std::chrono::seconds(3));
  CHECK(run.errors == "x\n");
  CHECK(run.result.status == ExitStatus::exited(0));
}

TEST_CASE("TERM and HUP are the owner's to answer, not the child's", "[host]") {
  const Scratch scratch;
  const int signal = GENERATE(SIGTERM, SIGHUP);
  const auto run =
      foreground("trap 'exit 99' TERM HUP; kill -" + std::to_string(signal) + " $PPID; while ! [ -e " +
                     (scratch / "stop") + " ]; do sleep 0.05; done; exit 7",
                 [&](int) { write_new_file(scratch / "stop", "", 0600); });
  CHECK(run.signals == std::vector<int>{signal});
  CHECK(run.result.status == ExitStatus::exited(7));
  CHECK(run.result.terminated);
  CHECK(run.ending_signals_wait);
}

TEST_CASE("INT and QUIT from another process are passed on to the child", "[host]") {
  const int signal = GENERATE(SIGINT, SIGQUIT);
  const auto name = std::to_string(signal);
  const auto run =
      foreground("trap 'exit 8' " + name + "; kill -" + name + " $PPID; while :; do sleep 0.05; done");
  CHECK(run.result.status == ExitStatus::exited(8));
  CHECK(run.signals.empty());
  CHECK_FALSE(run.result.terminated);
  CHECK_FALSE(run.ending_signals_wait);
}

TEST_CASE("who never stops talking is stopped, and no part of it is an answer", "[host]") {
  const auto flood = shell(GENERATE("exec yes", "exec yes >&2"));
  const auto began = Clock::now();
  const auto check = [](const Captured& captured) {
    CHECK(captured.status == ExitStatus::signalled(SIGKILL));
    CHECK(captured.out.empty());
    CHECK(captured.err == "it says more than 64 MiB, which is no answer, and was stopped");
  };
  check(capture(flood));
  check(capture_shielded(flood));
  check(capture_shielded(flood, std::chrono::minutes(5)).value());
  CHECK(Clock::now() - began < std::chrono::seconds(60));
}

TEST_CASE("who has a patience is asked to end first, so that it takes its lock files along", "[host]") {
  const Scratch scratch;
  const auto began = Clock::now();
  const auto nothing = open_null();
  const auto script = "touch " + (scratch / "lock") + "; trap 'rm " + (scratch / "lock") + "; exit' TERM; while :; do sleep 0.1; done";
  CHECK(!capture_with_input(shell(script), nothing.get(), std::chrono::seconds(1)));
  CHECK_FALSE(lstat_of(scratch / "lock"));
  CHECK(capture_with_input(shell("trap '' TERM; while :; do sleep 0.1; done"), nothing.get(), std::chrono::seconds(1)) == std::nullopt);
  CHECK(capture_with_input(shell("echo x"), nothing.get(), std::chrono::seconds(10)).value().out == "x\n");
  CHECK(Clock::now() - began < std::chrono::seconds(12));
}

TEST_CASE("a drop now and then does not keep a stream open for ever", "[host]") {
  const auto nothing = open_null();
  const auto began = Clock::now();
  CHECK(stream_to(shell("while :; do echo y; sleep 0.1; done"), nothing.get(), 1 << 20, {std::chrono::seconds(5), std::chrono::seconds(1)}).silent);
  CHECK(stream_to(shell("exec yes"), nothing.get(), UINT64_MAX, {std::chrono::seconds(5), std::chrono::seconds(1)}).silent);
  CHECK(Clock::now() - began < std::chrono::seconds(10));
}

TEST_CASE("a line without end comes in parts", "[host]") {
  std::size_t longest = 0, all = 0;
  run_with_lines(shell("head -c 10000000 /dev/zero"), [&](std::string_view line) { longest = std::max(longest, line.size()), all += line.size(); }, [] {});
  CHECK(all == 10000000);
  CHECK(longest < 2000000);
}

TEST_CASE("who takes nothing more of what is copied, or is given nothing, is not waited for", "[host]") {
  const auto pour = [](const std::string& source, const std::string& sink) {
    auto pipe = make_pipe();
    const auto nothing = open_null();
    const auto reader = start_beside(shell(source), nothing.get(), pipe.write.get());
    pipe.write.reset();
    auto captured = capture_pouring(shell(sink), std::move(pipe.read), {std::chrono::seconds(1), std::chrono::seconds(30)});
    ::kill(reader, SIGKILL);
    wait_for(reader);
    return captured;
  };
  CHECK_FALSE(pour("exec cat /dev/zero", "exec sleep 30"));
  CHECK_FALSE(pour("exec sleep 30", "exec cat >/dev/null"));
  CHECK_FALSE(pour("exec cat /dev/zero", "trap '' TERM; while :; do sleep 0.1; done"));
  // As long as it goes on, it may take longer than that.
  CHECK(pour("for i in 1 2 3 4 5; do sleep 0.4; echo $i; done", "exec cat").value().out == "1\n2\n3\n4\n5\n");
  CHECK(pour("exec head -c 8000000 /dev/zero", "exec wc -c").value().out == "8000000\n");
  const auto refused = pour("exec cat /dev/zero", "echo full >&2; exit 3").value();
  CHECK(refused.status == jailed::core::ExitStatus::exited(3));
  CHECK(refused.err == "full\n");
}
