// Catch2 under one name: Debian 12 has 2.13, a single header; Debian 13 has 3.7, a library of several.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
