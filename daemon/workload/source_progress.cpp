#include "workload/source_progress.hpp"

#include <utility>

#include "base/log.hpp"

namespace millrace::workload {

result<std::optional<source_progress>> source_progress::begin(broker::broker& broker, const producer_settings& of,
                                                              queue_id queue, sources::source& source,
                                                              const progress_mark* earlier) {
  const auto none = [&of](const char* reason) -> result<std::optional<source_progress>> {
    if (of.common.begin == start::resume) return invalid("start: it cannot resume: " + std::string{reason});
    return std::optional<source_progress>{};
  };
  if (!broker.is_on_disk(queue)) return none("its queue is in memory");
  if (!source.track_position()) return none("its source has no position");
  const auto* const known = earlier != nullptr && earlier->source->kind == of.kind->name ? earlier->source : nullptr;
  const auto* const name = known != nullptr ? known : broker.name_source(of.name, of.kind->name);
  std::optional<store::kept_position> kept;
  if (of.common.begin != start::again) {
    kept = broker.position_of(of.name);
    if (earlier != nullptr && earlier->reached) kept = {*earlier->source, *earlier->reached};
  }
  return std::optional{source_progress{of.name, source, *name, std::move(kept)}};
}

source_progress::source_progress(std::string producer, sources::source& source, const engine::source_name& name,
                                 std::optional<store::kept_position> kept)
    : producer_{std::move(producer)},
      source_{&source},
      kept_{std::move(kept)},
      bodies_{kept_ ? kept_->at.bodies : 0},
      reached_{kept_ ? std::optional{kept_->at} : std::nullopt},
      step_{&name, {}} {}

loop::awaitable<std::string> source_progress::resume() {
  if (!kept_) co_return std::string{};
  if (kept_->source.kind != step_.source->kind) {
    co_return "its position is one of the kind `" + kept_->source.kind + "`";
  }
  const auto done = co_await source_->resume({kept_->at.place, kept_->at.checksum});
  if (!done) co_return done.error().text;
  if (*done == sources::resumption::behind_position) {
    log::info("source_resumed", "a source continues behind the last body that was put",
              {{"producer", producer_}, {"place", kept_->at.place}, {"bodies", kept_->at.bodies}});
  }
  co_return std::string{};
}

}  // namespace millrace::workload
