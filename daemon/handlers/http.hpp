#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/job_template.hpp>
#include <millrace/handlers/registry.hpp>

#include "network/http_client.hpp"
#include "network/url.hpp"

namespace millrace::handlers {

/// `Name: value` of a request; the value is a template.
struct header_template {
  std::string name;
  job_template value;

  /// Refuses names that are no token, and those of headers that the client makes itself.
  [[nodiscard]] static result<header_template> parse(std::string_view text);
  [[nodiscard]] static std::string write(header_template header);
};

struct http_options {
  std::string method{"GET"};
  std::optional<job_template> url;
  std::vector<header_template> headers;
  std::optional<job_template> content;
  duration later_after{seconds{10}};  ///< after 429 and 503, where the answer names no time
  duration later_max{hours{1}};
  std::uint32_t redirects_max{5};
  std::uint64_t response_max{std::uint64_t{1} << 20};
  std::uint32_t connections_per_host{100};
  duration idle_time{seconds{30}};
  duration connect_timeout{seconds{10}};
  duration request_timeout{minutes{1}};
  std::optional<std::string> ca_file;
  std::optional<std::string> certificate_file;
  std::optional<std::string> key_file;
};
[[nodiscard]] const options_of<http_options>& http_option_table();

/// Sends one request for each job. The body of a 2xx response is the result. 429 and 503: the job comes again later,
/// after the time of `Retry-After`. All other 3xx and 4xx: failed for good. 5xx and failures of the network: failed.
///
/// Connections are kept for all slots of the consumer together. A cancelled job ends at its await, and its connection
/// is closed. Loop thread only.
class http : public waiting_handler {
 public:
  /// Characters of a response that the error of a job shows.
  static constexpr std::size_t shown_max = 200;

  /// Errors: of the files of TLS.
  [[nodiscard]] static result<std::unique_ptr<http>> make(const http_options& options, const handler_context& context);
  loop::awaitable<answer> handle(job work) override;

  /// The answer for a response to a request for `destination`.
  [[nodiscard]] answer judge(const network::url& destination, network::http_answer&& response) const;

 private:
  http(const http_options& options, std::unique_ptr<network::http_client> client);
  [[nodiscard]] result<network::http_request> request_for(const job& work) const;

  http_options options_;
  std::unique_ptr<network::http_client> client_;
};

[[nodiscard]] kind http_kind();

}  // namespace millrace::handlers
