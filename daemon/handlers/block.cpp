#include "handlers/block.hpp"

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <millrace/base/quantity.hpp>

#include "handlers/body_duration.hpp"

namespace millrace::handlers {

const options_of<block_options>& block_option_table() {
  static const auto table =
      options_of<block_options>{}
          .duration("length", &block_options::length, {.most = block::length_max},
                    "Time that each job holds the loop, or its thread; without it, the body is the time.")
          .example("200ms");
  return table;
}

namespace {

class blocking : public offload::computation {
 public:
  blocking(duration length, body content) : length_{length}, content_{std::move(content)} {}

  offload::progress step() override {
    std::this_thread::sleep_for(length_);
    return offload::progress::done;
  }
  result<std::string> take_result() override { return std::string{content_.view()}; }

 private:
  duration length_;
  body content_;
};

}  // namespace

result<std::unique_ptr<offload::computation>> block::begin(const job& work) {
  const auto length = length_ ? result<duration>{*length_} : parse_body_as_duration(work.content.view());
  if (!length) return length.error();
  if (*length > length_max) return rejected("longer than " + write_duration(length_max));
  return std::unique_ptr<offload::computation>{std::make_unique<blocking>(*length, work.content)};
}

}  // namespace millrace::handlers
