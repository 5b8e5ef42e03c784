#include "engine/group_outcome.hpp"

#include <array>
#include <cassert>
#include <charconv>
#include <new>
#include <string_view>

#include "base/json_string.hpp"
#include "engine/group_table.hpp"

namespace millrace::engine {

namespace {

/// For `],"members_left_out":4294967295}`.
constexpr std::size_t tail_bytes = 40;

std::string_view why_ended(const group_facts& facts) noexcept {
  if (facts.ends_with == group_end::first && facts.succeeded > 0) return "first";
  if (facts.ends_with == group_end::first_failure && facts.ended > facts.succeeded) return "first_failure";
  return "all";
}

void append_member(std::string& to, const group::member& member, bool with_text) {
  const group_member& end = member.end;
  std::array<char, 20> number;  // NOLINT(cppcoreguidelines-pro-type-member-init): `to_chars` fills it
  const auto number_end = std::to_chars(number.data(), number.data() + number.size(), end.job.value()).ptr;
  (to += R"({"id":)").append(number.data(), number_end);
  (to += R"(,"outcome":")") += member.has_ended && !member.is_late ? name_of(end.result) : "pending";
  to += '"';
  if (with_text && !end.text.empty()) {
    to += end.result == outcome::ok ? R"(,"text":)" : R"(,"error":)";
    append_json_string(to, end.text);
  }
  if (end.is_cut || (!with_text && !end.text.empty())) to += R"(,"cut":true)";
  to += '}';
}

}  // namespace

group_outcome::group_outcome(const group& ended, std::size_t bytes_max)
    : bytes_max_{bytes_max}, members_{static_cast<std::uint32_t>(ended.members.size())} {
  const group_facts& facts = ended.facts;
  std::string& text = pieces_.emplace_back();
  text = R"({"group":)";
  append_json_string(text, facts.name);
  text += R"(,"id":)" + std::to_string(ended.id.value());
  (text += R"(,"ended":")") += why_ended(facts);
  text += R"(","jobs":)" + std::to_string(facts.members) + R"(,"ok":)" + std::to_string(facts.succeeded);
  text += R"(,"members":[)";
  bytes_ = text.size();
  fits_ = bytes_ + tail_bytes <= bytes_max_;
}

bool group_outcome::advance(group& ended) {
  assert(fits_);
  if (place_ < members_) write_members(ended);
  if (place_ < members_) return false;
  if (!is_text_complete_) {
    end_text();
    // The first piece of most outcomes is the only one, and is moved at once.
    if (pieces_.size() > 1) return false;
  }
  std::string_view piece = pieces_[next_piece_];
  whole_.take(piece);
  pieces_[next_piece_++] = {};
  return next_piece_ == pieces_.size();
}

void group_outcome::write_members(group& ended) {
  if (place_ > 0) pieces_.emplace_back();
  std::string& piece = pieces_.back();
  const std::size_t begin = piece.size();
  std::size_t read_bytes = 0;
  for (std::size_t n = 0; n < outcome_step_members && read_bytes < outcome_step_bytes && place_ < members_; ++n) {
    group::member& member = ended.members[place_++];
    const std::size_t length = piece.size();
    const auto append = [&](bool with_text) {
      if (written_ > 0) piece += ',';
      append_member(piece, member, with_text);
      // A comma before the member counts with the next one.
      const std::size_t comma = written_ > 0 ? 1 : 0;
      if (bytes_ + piece.size() - begin - comma + tail_bytes < bytes_max_) return true;
      piece.resize(length);
      return false;
    };
    full_ = full_ || (!append(true) && !append(false));
    if (!full_) ++written_;
    read_bytes += member.end.text.size();
    ended.text_bytes -= member.end.text.size();
    member.end.text = {};
  }
  bytes_ += piece.size() - begin;
}

void group_outcome::end_text() {
  std::string& piece = pieces_.back();
  const std::size_t begin = piece.size();
  piece += ']';
  if (members_ > written_) piece += R"(,"members_left_out":)" + std::to_string(members_ - written_);
  piece += '}';
  bytes_ += piece.size() - begin;
  is_text_complete_ = true;
  if (!whole_.begin(bytes_)) throw std::bad_alloc{};
}

}  // namespace millrace::engine
