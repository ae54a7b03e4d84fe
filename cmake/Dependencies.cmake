# Libraries come from the system; where one is missing, CMake fetches the named release.
include(FetchContent)

function(require_library package target repository tag)
  find_package(${package} QUIET)
  if(NOT TARGET ${target})
    message(STATUS "${package} not found on the system, fetching ${tag}")
    FetchContent_Declare(${package} GIT_REPOSITORY ${repository} GIT_TAG ${tag} GIT_SHALLOW TRUE)
    FetchContent_MakeAvailable(${package})
  endif()
endfunction()

require_library(fmt fmt::fmt-header-only https://github.com/fmtlib/fmt.git 9.1.0)
set(SPDLOG_FMT_EXTERNAL_HO ON)
require_library(spdlog spdlog::spdlog_header_only https://github.com/gabime/spdlog.git v1.12.0)
require_library(nlohmann_json nlohmann_json::nlohmann_json https://github.com/nlohmann/json.git v3.11.2)
require_library(CLI11 CLI11::CLI11 https://github.com/CLIUtils/CLI11.git v2.3.2)
# Boost.Beast speaks HTTP for the socket proxy; headers only.
require_library(Boost Boost::headers https://github.com/boostorg/boost.git boost-1.83.0)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
if(JAILED_TESTS)
  require_library(Catch2 Catch2::Catch2 https://github.com/catchorg/Catch2.git v3.4.0)
endif()
