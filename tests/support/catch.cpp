// The main of every test program, and a last line that tests/run adds up: "cases: 12 passed, 0 failed".
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_RUNNER
#endif
#include "support/catch.hpp"

#include <cstdio>

namespace {

#if __has_include(<catch2/catch_all.hpp>)
using listener_base = Catch::EventListenerBase;
#else
using listener_base = Catch::TestEventListenerBase;
#endif

class tally : public listener_base {
 public:
  using listener_base::listener_base;

  void testRunEnded(const Catch::TestRunStats& stats) override {
    const auto& cases = stats.totals.testCases;
    std::printf("cases: %llu passed, %llu failed\n", static_cast<unsigned long long>(cases.passed) + cases.failedButOk,
                static_cast<unsigned long long>(cases.failed));
    std::fflush(stdout);
  }
};

}  // namespace

CATCH_REGISTER_LISTENER(tally)

int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
