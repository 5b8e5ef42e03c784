#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/time.hpp>
#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>

#include "offload/worker_host.hpp"

namespace millrace::handlers {

/// When a worker process is replaced although nothing is wrong with it.
struct recycle_rule {
  std::optional<std::uint64_t> jobs{};
  std::optional<duration> length{};

  static constexpr std::string_view expected = "a number of jobs like 1000, or a duration like 1h";
  [[nodiscard]] static result<recycle_rule> parse(std::string_view text);
  [[nodiscard]] static std::string write(const recycle_rule& rule);
};

struct worker_options {
  std::vector<std::string> command{};
  std::vector<std::string> environment{};
  std::optional<std::string> directory{};
  std::uint32_t workers{1};
  std::uint32_t in_flight{1};
  std::size_t output_max{std::size_t{1024} * 1024};
  duration kill_after{seconds{5}};
  std::optional<recycle_rule> recycle_after{};
  std::optional<std::uint64_t> memory_max{};
  std::optional<duration> cpu_max{};
};
[[nodiscard]] const options_of<worker_options>& worker_option_table();

/// Gives jobs to long-lived processes in any language, which read one JSON object a line and answer with one
/// (config/workers.md). The processes are those of an `offload::worker_pool`. Loop thread only.
class worker : public waiting_handler {
 public:
  worker(const worker_options& options, const handler_context& context);
  ~worker() override;
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  loop::awaitable<answer> handle(job work) override;
  [[nodiscard]] bool uses_processes() const noexcept override { return true; }

 private:
  std::shared_ptr<offload::worker_pool> pool_;
};

}  // namespace millrace::handlers
