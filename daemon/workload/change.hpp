#pragma once

#include <memory>
#include <string>
#include <vector>

#include <millrace/handlers/handler.hpp>
#include <millrace/sources/source.hpp>

#include "workload/options.hpp"

namespace millrace::workload {

/// How the producers and consumers of new settings differ from those that run.
struct workload_change {
  std::vector<std::string> removed_producers;
  std::vector<std::string> removed_consumers;
  std::vector<producer_settings> producers;  ///< added and changed ones
  std::vector<consumer_settings> consumers;  ///< likewise

  [[nodiscard]] bool empty() const noexcept {
    return removed_producers.empty() && removed_consumers.empty() && producers.empty() && consumers.empty();
  }
};

/// A change whose sources and handlers are made, so that applying it cannot fail for lack of a file.
struct prepared_change {
  struct made_producer {
    producer_settings settings;
    std::unique_ptr<sources::source> source;  ///< null: the running producer keeps its source
  };
  struct made_consumer {
    consumer_settings settings;
    std::vector<handlers::handler> handlers;  ///< of its steps
  };

  std::vector<std::string> removed_producers;
  std::vector<std::string> removed_consumers;
  std::vector<made_producer> producers;
  std::vector<made_consumer> consumers;
};

}  // namespace millrace::workload
