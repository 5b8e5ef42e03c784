#include "workload/producer_group.hpp"

#include "base/log.hpp"

namespace millrace::workload {

producer_group::producer_group(broker::broker& broker, session_id session, queue_id queue,
                               const producer_settings& settings)
    : broker_{broker},
      session_{session},
      queue_{queue},
      producer_{settings.name},
      name_{settings.group_name()},
      options_{settings.common.group} {}

void producer_group::begin(bool resumes) {
  while (const auto earlier = broker_.continue_group(session_, name_).answer) {
    if (resumes && !group_) {
      group_ = *earlier;
    } else {
      static_cast<void>(broker_.close_group(*earlier));
    }
  }
}

engine::group_id producer_group::of_next_job() {
  if (given_up_) return {};
  if (!group_) open();
  if (!group_ || given_up_) return {};
  const auto refusal = broker_.engine().refusal_to_join(group_);
  if (!refusal) return group_;
  give_up(*refusal == engine::reason::overflow ? "the group has as many members as it may have" : "the group is over");
  return {};
}

bool producer_group::is_cancelled() const {
  if (!group_ || !options_ || options_->remaining != engine::remaining_members::cancel) return false;
  return broker_.engine().refusal_to_join(group_) == engine::reason::cancelled;
}

void producer_group::release() {
  if (group_) static_cast<void>(broker_.release_group(group_));
}

void producer_group::open() {
  engine::group_request request{.name = name_, .durability = broker_.engine().options_of(queue_).durability};
  if (options_) {
    request.outcome_queue = options_->then;
    request.ends_with = options_->when;
    request.remaining = options_->remaining;
  }
  const auto opened = broker_.open_group(session_, std::move(request)).answer;
  if (opened.has_error()) return give_up(opened.error().text);
  group_ = *opened;
}

void producer_group::give_up(std::string_view reason) {
  given_up_ = true;
  log::warning("group_not_joined", "jobs are put without their group",
               {{"producer", producer_}, {"group", name_}, {"reason", reason}});
}

}  // namespace millrace::workload
