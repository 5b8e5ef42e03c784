#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <millrace/base/ids.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "broker/broker.hpp"
#include "control/reload.hpp"
#include "http/readiness.hpp"
#include "loop/trace_recorder.hpp"
#include "store/backup.hpp"

namespace millrace::control {

/// A listener of the daemon.
struct listener_facts {
  std::string name;
  std::string address;
  std::uint32_t connections{0};
};

/// What the control API reads and changes. The daemon fills it in; everything that it refers to outlives the API.
struct context {
  loop::event_loop& loop;
  broker::broker& broker;
  const http::readiness& readiness;
  std::string version{};
  std::string settings_file{};
  std::optional<std::string> data_dir{};  ///< nullopt: queues are in memory only
  instant started_at{};
  std::function<std::vector<listener_facts>()> listeners{};
  /// The consumer, client or producer that has this session, for people. Empty: unknown.
  std::function<std::string(session_id)> holder_name{};
  loop::trace_recorder* trace{nullptr};  ///< null: this daemon cannot trace
  store::backup* backup{nullptr};        ///< null: queues are in memory only
  reload_function reload{};              ///< empty: the daemon cannot reload
};

}  // namespace millrace::control
