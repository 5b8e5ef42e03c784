#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <millrace/base/result.hpp>

#include "network/beanstalk_client.hpp"
#include "wire/beanstalk_reply.hpp"

namespace millrace::tools {

/// A command of the load got a reply that the load cannot use.
[[nodiscard]] inline error refused(std::string_view command, wire::beanstalk_word answer) {
  return {errc::refused, std::string{command} + " was answered by " + std::string{network::in_words(answer)}};
}

[[nodiscard]] inline error foreign_job(std::uint64_t id) {
  return {errc::refused,
          "job " + std::to_string(id) + " in the queue was not put by this run: somebody else works there"};
}

[[nodiscard]] inline error not_the_protocol() {
  return {errc::invalid, "what it answers is not the beanstalk protocol"};
}

}  // namespace millrace::tools
