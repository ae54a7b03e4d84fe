#include <jailed/cli/run.hpp>
#include <jailed/host/process/own_process.hpp>

int main(int argc, char** argv) {
  jailed::host::settle_own_process();
  return jailed::cli::run({argv + 1, argv + argc});
}
