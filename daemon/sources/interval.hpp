#pragma once

#include <optional>
#include <string>

#include <millrace/sources/registry.hpp>

namespace millrace::sources {

struct interval_options {
  duration every{seconds{1}};
  std::string body;
};
[[nodiscard]] const options_of<interval_options>& interval_option_table();

/// The same body every so often, without end: the first at once, then at whole multiples of `every` after it. What was
/// missed (the queue was full, the machine slept) is left out: there is no burst afterwards.
class interval : public source {
 public:
  [[nodiscard]] static result<std::unique_ptr<source>> make(const interval_options& options, const surroundings& where);
  interval(const interval_options& options, loop::event_loop& loop);

  next_body next(instant now) override;
  [[nodiscard]] instant due() const override { return due_.value_or(never); }
  loop::awaitable<> more() override;
  [[nodiscard]] bool endless() const override { return true; }

 private:
  loop::event_loop& loop_;
  duration every_;
  millrace::body body_;
  std::optional<instant> due_;  ///< none before the first
};

}  // namespace millrace::sources
