#include "engine/job_table.hpp"

#include <algorithm>
#include <cassert>

namespace millrace::engine {

namespace {

constexpr unsigned block_bits = 9;

[[nodiscard]] std::uint64_t hash(job_id id) noexcept {
  const auto number = id.value();
  const auto block = number >> block_bits;
  return number ^ ((block * 0x9E37'79B9'7F4A'7C15u) >> (64 - block_bits));
}

}  // namespace

job_table::job_table() { buckets_.grow(); }

std::size_t job_table::bucket_of(job_id id) const noexcept {
  const auto number = hash(id);
  const auto bucket = number & (whole_ - 1);
  return bucket < split_ ? number & (2 * whole_ - 1) : bucket;
}

slot job_table::find(job_id id) const noexcept {
  if (id.value() > highest_id_) return no_slot;
  slot at = buckets_[bucket_of(id)];
  while (at != no_slot && records_[at].id != id) at = records_[at].same_bucket;
  return at;
}

slot job_table::add(job_id id) {
  assert(id && find(id) == no_slot);
  highest_id_ = std::max(highest_id_, id.value());
  const slot at = records_.acquire();
  records_[at].id = id;
  if (records_.size() > whole_ + split_) split();
  slot& bucket = buckets_[bucket_of(id)];
  records_[at].same_bucket = bucket;
  bucket = at;
  return at;
}

void job_table::remove(slot at) noexcept {
  slot* link = &buckets_[bucket_of(records_[at].id)];
  while (*link != at) link = &records_[*link].same_bucket;
  *link = records_[at].same_bucket;

  if (const slot history = records_[at].history; history != no_slot) {
    histories_[history].reset();
    histories_.release(history);
  }
  records_[at] = {};
  records_.release(at);
}

job_history& job_table::history_of(slot at) {
  slot& history = records_[at].history;
  if (history == no_slot) history = histories_.acquire();
  return histories_[history];
}

void job_table::split() {
  std::size_t const fresh = whole_ + split_;
  if (fresh == buckets_.capacity()) buckets_.grow();
  slot at = buckets_[split_];
  slot* stay = &buckets_[split_];
  slot* move = &buckets_[fresh];
  while (at != no_slot) {
    slot*& end = (hash(records_[at].id) & (2 * whole_ - 1)) == fresh ? move : stay;
    *end = at;
    end = &records_[at].same_bucket;
    at = *end;
  }
  *stay = no_slot;
  *move = no_slot;
  if (++split_ == whole_) {
    whole_ *= 2;
    split_ = 0;
  }
}

}  // namespace millrace::engine
