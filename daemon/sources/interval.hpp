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

/// The same body again and again, without end: the first at once, then at whole multiples of `every` after it. Missed
/// bodies are skipped (the queue was full, the machine was suspended), so there is no burst.
class interval : public source {
 public:
  [[nodiscard]] static result<std::unique_ptr<source>> make(const interval_options& options,
                                                            const source_context& context);
  interval(const interval_options& options, loop::event_loop& loop);

  next_body next(instant now) override;
  [[nodiscard]] instant due() const override { return due_.value_or(never); }
  loop::awaitable<> more() override;
  [[nodiscard]] bool endless() const override { return true; }

 private:
  loop::event_loop& loop_;
  duration every_;
  millrace::body body_;
  std::optional<instant> due_;  ///< nullopt before the first body
};

}  // namespace millrace::sources
