#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "wire/beanstalk_reply.hpp"

namespace millrace::wire {

/// The first word of the line, in the order of `beanstalk_word`.
inline constexpr auto reply_words = std::to_array<std::string_view>(
    {"DELETED",         "RELEASED",      "BURIED",         "TOUCHED",  "KICKED",      "PAUSED",        "NOT_FOUND",
     "NOT_IGNORED",     "DEADLINE_SOON", "TIMED_OUT",      "DRAINING", "JOB_TOO_BIG", "EXPECTED_CRLF", "BAD_FORMAT",
     "UNKNOWN_COMMAND", "OUT_OF_MEMORY", "INTERNAL_ERROR", "INSERTED", "BURIED",      "KICKED",        "WATCHING",
     "USING",           "RESERVED",      "FOUND",          "OK"});
static_assert(reply_words.size() == static_cast<std::size_t>(beanstalk_word::ok) + 1);
static_assert(reply_words[static_cast<std::size_t>(beanstalk_word::ok)] == "OK");

constexpr std::string_view text_of(beanstalk_word word) noexcept { return reply_words[static_cast<std::size_t>(word)]; }
constexpr bool stands_alone(beanstalk_word word) noexcept { return word < beanstalk_word::inserted; }

}  // namespace millrace::wire
