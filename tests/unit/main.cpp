#if !__has_include(<catch2/catch_test_macros.hpp>)
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif

#include <csignal>

namespace {

// As jailed itself has it from its first moment (host::settle_own_process): a child that has ended ends nobody who writes to it.
const auto without_sigpipe = std::signal(SIGPIPE, SIG_IGN);

}  // namespace
