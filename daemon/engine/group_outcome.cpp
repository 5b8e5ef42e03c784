#include "engine/group_outcome.hpp"

#include <algorithm>
#include <string_view>

#include "base/json_string.hpp"

namespace millrace::engine {

namespace {

/// For `],"members_left_out":4294967295}`.
constexpr std::size_t tail_bytes = 40;

std::string_view why_ended(const group_facts& facts) noexcept {
  if (facts.ends_with == group_end::first && facts.succeeded > 0) return "first";
  if (facts.ends_with == group_end::first_failure && facts.ended > facts.succeeded) return "first_failure";
  return "all";
}

std::string text_of_member(const group::member& member, bool with_text) {
  const group_member& end = member.end;
  std::string text = R"({"id":)" + std::to_string(end.job.value()) + R"(,"outcome":)";
  append_json_string(text, member.has_ended ? name_of(end.result) : "pending");
  if (with_text && !end.text.empty()) {
    text += end.result == outcome::ok ? R"(,"text":)" : R"(,"error":)";
    append_json_string(text, end.text);
  }
  if (end.is_cut || (!with_text && !end.text.empty())) text += R"(,"cut":true)";
  return text + "}";
}

}  // namespace

std::string text_of_outcome(const group& ended, std::size_t bytes_max) {
  const group_facts& facts = ended.facts;
  std::string text = R"({"group":)";
  append_json_string(text, facts.name);
  text += R"(,"id":)" + std::to_string(ended.id.value());
  (text += R"(,"ended":")") += why_ended(facts);
  text += R"(","jobs":)" + std::to_string(facts.members) + R"(,"ok":)" + std::to_string(facts.succeeded);
  text += R"(,"members":[)";
  if (text.size() + tail_bytes > bytes_max) return {};
  std::size_t place = 0;
  for (; place < ended.members.size(); ++place) {
    const auto fits = [&](const std::string& added) { return text.size() + added.size() + tail_bytes < bytes_max; };
    std::string added = text_of_member(ended.members[place], true);
    if (!fits(added)) added = text_of_member(ended.members[place], false);
    if (!fits(added)) break;
    if (place > 0) text += ',';
    text += added;
  }
  text += ']';
  if (const auto left_out = ended.members.size() - place; left_out > 0) {
    text += R"(,"members_left_out":)" + std::to_string(left_out);
  }
  return text + "}";
}

}  // namespace millrace::engine
