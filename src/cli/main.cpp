#include <csignal>
#include <jailed/cli/run.hpp>

int main(int argc, char** argv) {
  std::signal(SIGCHLD, SIG_DFL);  // a parent that ignores it would make children's ends unknowable
  return jailed::cli::run({argv + 1, argv + argc});
}
