#include "handlers/prime_fast.hpp"

#include <flint/flint.h>
#include <flint/ulong_extras.h>

#include "handlers/prime.hpp"
#include "handlers/prime_verdict.hpp"

namespace millrace::handlers {

static_assert(sizeof(mp_limb_t) == sizeof(std::uint64_t));

namespace {

/// FLINT keeps tables per thread, made when first wanted; they go with the thread.
struct thread_tables {
  thread_tables() = default;
  thread_tables(const thread_tables&) = delete;
  thread_tables& operator=(const thread_tables&) = delete;
  ~thread_tables() { flint_cleanup(); }
};

/// Below this FLINT looks the answer up in a table of the thread; above, it computes without one.
constexpr std::uint64_t looked_up_below = 1'000'000;

[[gnu::noinline]] void tables_go_with_this_thread() { thread_local const thread_tables tables; }

class testing : public offload::computation {
 public:
  explicit testing(std::uint64_t number) : number_{number} {}

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

// Proven: FLINT's test for one word is Baillie-PSW, which was compared with the list of all pseudoprimes to base 2
// below 2^64 (J. Feitsma and W. Galway); no composite number of that range passes it.
bool is_prime(std::uint64_t number) {
  if (number < looked_up_below) tables_go_with_this_thread();
  return n_is_prime(number) != 0;
}

std::unique_ptr<offload::computation> prime_fast(std::uint64_t number) { return std::make_unique<testing>(number); }

}  // namespace millrace::handlers
