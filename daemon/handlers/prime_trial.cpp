#include "handlers/prime_trial.hpp"

#include <algorithm>
#include <cmath>

#include "handlers/prime_verdict.hpp"

namespace millrace::handlers {

namespace {

std::uint64_t square_root(std::uint64_t number) {
  // The conversion rounds: near 2^64 the root may be wrong by one, and the square of 2^32 would overflow.
  auto root = std::min<std::uint64_t>(static_cast<std::uint64_t>(std::sqrt(static_cast<double>(number))), 0xFFFF'FFFFu);
  while (root * root > number) --root;
  while (root < 0xFFFF'FFFFu && (root + 1) * (root + 1) <= number) ++root;
  return root;
}

class trial_division : public offload::computation {
 public:
  explicit trial_division(std::uint64_t number) : number_{number}, last_{square_root(number)} {
    composite_ = number < 2 || (number % 2 == 0 && number != 2);
  }

  offload::progress step() override {
    if (composite_) return offload::progress::done;
    const std::uint64_t end = std::min(last_, divisor_ + std::uint64_t{2} * (trial_divisions_per_step - 1));
    for (; divisor_ <= end; divisor_ += 2) {
      if (number_ % divisor_ == 0) {
        composite_ = true;
        return offload::progress::done;
      }
    }
    return divisor_ <= last_ ? offload::progress::more : offload::progress::done;
  }

  result<std::string> take_result() override { return prime_verdict(number_, !composite_); }

 private:
  std::uint64_t number_;
  std::uint64_t last_;
  std::uint64_t divisor_{3};
  bool composite_;
};

}  // namespace

std::unique_ptr<offload::computation> prime_trial(std::uint64_t number) {
  return std::make_unique<trial_division>(number);
}

}  // namespace millrace::handlers
