#include "handlers/prime_fast.hpp"

#include <flint/flint.h>
#include <flint/ulong_extras.h>

#include "handlers/prime.hpp"
#include "handlers/prime_verdict.hpp"

namespace millrace::handlers {

static_assert(sizeof(mp_limb_t) == sizeof(std::uint64_t));

namespace {

/// Frees the tables that FLINT makes for each thread, at the end of the thread.
struct thread_tables {
  thread_tables() = default;
  thread_tables(const thread_tables&) = delete;
  thread_tables& operator=(const thread_tables&) = delete;
  ~thread_tables() { flint_cleanup(); }
};

/// FLINT uses a table of the thread for numbers below this.
constexpr std::uint64_t table_limit = 1'000'000;

[[gnu::noinline]] void free_tables_at_thread_end() { thread_local const thread_tables tables; }

class fast_test : public offload::computation {
 public:
  explicit fast_test(std::uint64_t number) : number_{number} {}

  offload::progress step() override {
    is_prime_ = is_prime(number_);
    return offload::progress::done;
  }

  result<std::string> take_result() override { return prime_verdict(number_, is_prime_); }

 private:
  std::uint64_t number_;
  bool is_prime_{false};
};

}  // namespace

// Proven: the test of FLINT for one word is Baillie-PSW. No composite number below 2^64 passes it: it was compared with
// the list of all pseudoprimes to base 2 in this range (J. Feitsma and W. Galway).
bool is_prime(std::uint64_t number) {
  if (number < table_limit) free_tables_at_thread_end();
  return n_is_prime(number) != 0;
}

std::unique_ptr<offload::computation> prime_fast(std::uint64_t number) { return std::make_unique<fast_test>(number); }

}  // namespace millrace::handlers
