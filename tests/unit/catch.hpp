#pragma once

// Catch2 as it is there: v3 (Ubuntu 24.04, fetched) or v2 (Debian 12, Ubuntu 22.04).
#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp>
#include <catch2/catch_tostring.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#else
#include <catch2/catch.hpp>
#endif
