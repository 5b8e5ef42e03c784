#pragma once

#include <functional>
#include <vector>

#include "beanstalk/server.hpp"
#include "control/context.hpp"
#include "http/readiness.hpp"
#include "loop/trace_recorder.hpp"
#include "service/reload.hpp"
#include "settings/settings.hpp"
#include "workload/workload.hpp"

namespace millrace::service {

/// The parts of the daemon that the control API looks into. All but `settings` and `listeners` outlive the API.
struct controlled_parts {
  loop::event_loop& loop;
  broker::broker& broker;
  const http::readiness& readiness;
  const workload::workload& work;
  const beanstalk::server& clients;
  reloader& reloads;
  loop::trace_recorder& trace;
  store::backup* backup;               ///< null: queues are in memory only
  const settings::settings& settings;  ///< of the start
  std::function<std::vector<control::listener_facts>()> listeners;
};

[[nodiscard]] control::context context_of_control(controlled_parts parts);

}  // namespace millrace::service
