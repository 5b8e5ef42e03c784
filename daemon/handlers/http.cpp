#include "handlers/http.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <millrace/base/quantity.hpp>

#include "base/utf8.hpp"
#include "handlers/retry_after.hpp"

namespace millrace::handlers {

namespace {

constexpr duration time_min = milliseconds{1};
constexpr duration time_max = hours{24};

/// RFC 9110, section 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  const auto is_allowed = [&](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
           marks.find(letter) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_allowed);
}

std::string lower(std::string_view text) {
  std::string all{text};
  for (char& letter : all) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return all;
}

/// The client decides how a message is framed. Another `Host` than that of the URL would go past the certificate.
bool belongs_to_client(std::string_view name) {
  constexpr std::array<std::string_view, 9> names{
      "connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"};
  return std::find(names.begin(), names.end(), lower(name)) != names.end();
}

/// A control character would end the header, and what follows would be another one.
bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char letter) {
    return (static_cast<unsigned char>(letter) < ' ' && letter != '\t') || letter == '\x7f';
  });
}

/// A text without placeholders must be a URL; one that begins with a placeholder can be any.
result<job_template> parse_url_template(std::string_view text) {
  auto parsed = job_template::parse(text);
  if (!parsed) return parsed;
  if (parsed->is_constant()) {
    if (const auto checked = network::parse_url(parsed->fill({}).value()); !checked) return checked.error();
    return parsed;
  }
  if (!text.starts_with("${") && !text.starts_with("http://") && !text.starts_with("https://"))
    return invalid("does not begin with http:// or https://");
  return parsed;
}

/// The beginning of a response for an error message: one line.
std::string shown(std::string_view text) {
  std::string line{utf8_prefix(text, http::shown_max)};
  for (char& letter : line) {
    if (has_control({&letter, 1}) || letter == '\t') letter = ' ';
  }
  if (!is_utf8(line)) {
    for (char& letter : line) {
      if (static_cast<unsigned char>(letter) >= 0x80) letter = '?';
    }
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

}  // namespace

result<header_template> header_template::parse(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || !is_token(text.substr(0, colon)))
    return invalid("is no header like `Content-Type: application/json`");
  const auto name = text.substr(0, colon);
  if (belongs_to_client(name)) return invalid("`" + std::string{name} + "` is set by the handler itself");
  auto value = text.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  if (has_control(value)) return invalid("has a line break or another control character");
  auto parsed = job_template::parse(value);
  if (!parsed) return parsed.error();
  return header_template{std::string{name}, std::move(*parsed)};
}

std::string header_template::write(header_template header) {
  return std::move(header.name) + ": " + job_template::write(header.value);
}

const options_of<http_options>& http_option_table() {
  static const auto table =
      options_of<http_options>{}
          .parsed(
              "url", &http_options::url,
              "URL that each job asks for. Values of placeholders are percent-encoded, but not one at the beginning.",
              parse_url_template, job_template::write,
              "a URL of http or https, or " + std::string{job_template::expected})
          .required()
          .example("\"https://example.com/items/${json:/id}\"")
          .choice<std::string>("method", &http_options::method,
                               {{"GET", "GET"},
                                {"HEAD", "HEAD"},
                                {"POST", "POST"},
                                {"PUT", "PUT"},
                                {"PATCH", "PATCH"},
                                {"DELETE", "DELETE"},
                                {"OPTIONS", "OPTIONS"}},
                               "Method of the requests.")
          .parsed_list<header_template>(
              "headers", &http_options::headers, "Headers of each request; the values may have placeholders.",
              header_template::parse, header_template::write, "a list of headers like `Content-Type: application/json`")
          .example("[\"Content-Type: application/json\", \"Authorization: Bearer ${env:TOKEN}\"]")
          .parsed("content", &http_options::content,
                  "Body of each request; without it, POST, PUT and PATCH send the job's body, the others none.",
                  job_template::parse, job_template::write, std::string{job_template::expected})
          .example("\"${body}\"")
          .duration("later_after", &http_options::later_after, {.least = time_min, .most = time_max},
                    "Wait of a job after 429 or 503 without Retry-After.")
          .duration("later_max", &http_options::later_max, {.least = time_min, .most = time_max},
                    "Longest wait that a Retry-After may ask for.")
          .count("redirects", &http_options::redirects_max, {.least = 0, .most = 20},
                 "Redirects that are followed; one more, or one from https to http, fails the job for good.")
          .size("response_max", &http_options::response_max, {.least = 1, .most = std::uint64_t{1} << 30},
                "Largest body of a response; a longer one fails the job for good.")
          .count("connections_per_host", &http_options::connections_per_host, {.least = 1, .most = 10'000},
                 "Connections to one host and port; further jobs wait for one of them.")
          .duration("idle_time", &http_options::idle_time, {.least = time_min, .most = time_max},
                    "Time that a connection is kept for the next job.")
          .duration("connect_timeout", &http_options::connect_timeout, {.least = time_min, .most = time_max},
                    "Time to find the address of a host, to connect and to agree on TLS.")
          .duration("request_timeout", &http_options::request_timeout, {.least = time_min, .most = time_max},
                    "Time of a request with all its redirects, up to the last byte of the response.")
          .text("ca_file", &http_options::ca_file,
                "Certificates of authorities that are trusted, in PEM; without it, those of the system.")
          .example("/etc/millrace/ca.pem")
          .text("certificate_file", &http_options::certificate_file,
                "Certificate that the daemon shows to servers that ask for one, in PEM.")
          .example("/etc/millrace/client.pem")
          .text("key_file", &http_options::key_file,
                "Key of that certificate, in PEM; without it, it is in the same file.")
          .example("/etc/millrace/client.key");
  return table;
}

kind http_kind() {
  return {"http", "sends a request for each job; the response is the result", &http_option_table(), false,
          [](const void* owner, const handler_context& context) -> result<handler> {
            auto made = http::make(*static_cast<const http_options*>(owner), context);
            if (!made) return made.error();
            return handler{std::unique_ptr<waiting_handler>{std::move(*made)}};
          }};
}

result<std::unique_ptr<http>> http::make(const http_options& options, const handler_context& context) {
  network::http_client_options limits;
  limits.tls = {options.ca_file, options.certificate_file, options.key_file};
  // Only a redirect can lead from there to TLS.
  limits.expects_tls = !job_template::write(*options.url).starts_with("http://");
  limits.connections_per_host = options.connections_per_host;
  limits.idle_time = options.idle_time;
  limits.connect_timeout = options.connect_timeout;
  limits.request_timeout = options.request_timeout;
  limits.redirects_max = options.redirects_max;
  limits.body_bytes_max = options.response_max;
  auto client = network::http_client::make(context.loop, limits, *context.http_clients);
  if (!client) return client.error();
  return std::unique_ptr<http>{new http{options, std::move(*client)}};
}

http::http(const http_options& options, std::unique_ptr<network::http_client> client)
    : options_{options}, client_{std::move(client)} {}

loop::awaitable<answer> http::handle(job work) {
  const auto filled = options_.url->fill(work, network::percent_encoded);
  if (!filled) co_return filled.error();
  const auto destination = network::parse_url(*filled);
  if (!destination) co_return rejected("the URL " + destination.error().text + ": " + shown(*filled));
  auto request = request_for(work);
  if (!request) co_return request.error();
  auto fetching = client_->fetch(*destination, std::move(*request));
  auto response = co_await std::move(fetching);
  if (!response) co_return response.error();
  co_return judge(*destination, std::move(*response));
}

result<network::http_request> http::request_for(const job& work) const {
  network::http_request request;
  request.method = options_.method;
  bool has_agent = false;
  for (const auto& [name, value] : options_.headers) {
    auto filled = value.fill(work);
    if (!filled) return filled.error();
    if (has_control(*filled))
      return rejected("the header `" + name + "` has a line break or another control character");
    has_agent = has_agent || lower(name) == "user-agent";
    request.headers.push_back({name, std::move(*filled)});
  }
  if (!has_agent) request.headers.push_back({"User-Agent", "millrace"});
  if (options_.content) {
    const auto filled = options_.content->fill(work);
    if (!filled) return filled.error();
    request.content = body{*filled};
  } else if (request.method == "POST" || request.method == "PUT" || request.method == "PATCH") {
    request.content = work.content;
  }
  return request;
}

answer http::judge(const network::url& destination, network::http_answer&& response) const {
  const auto status = response.status;
  if (status >= 200 && status < 300) return std::move(response.body);
  if (status == 429 || status == 503) {
    const auto wait = parse_retry_after(response.header("Retry-After"), response.header("Date"));
    return answer::later(std::min(wait.value_or(options_.later_after), options_.later_max));
  }
  std::string text = options_.method + " " + network::write_without_query(destination) + ": " + std::to_string(status);
  if (const auto line = shown(response.body); !line.empty()) text += ": " + line;
  if (status < 500) return rejected(std::move(text));
  return error{errc::io, std::move(text)};
}

}  // namespace millrace::handlers
