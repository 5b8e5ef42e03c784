#include "http/request_head.hpp"

#include <algorithm>

#include "http/header_text.hpp"

namespace millrace::http {

namespace {

/// A longer number is beyond every limit, and could overflow in another recipient.
constexpr std::size_t length_digits_max = 18;

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

constexpr bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

/// Characters of a host with a port: a name, an IPv4 address, or an IPv6 address in brackets.
bool is_host_character(char c) noexcept {
  return is_digit(c) || is_letter(c) || std::string_view{"-._~%:[]"}.find(c) != std::string_view::npos;
}

}  // namespace

request_head::verdict request_head::check(std::string_view bytes) {
  if (status_ != 0) return verdict::refused;
  for (;;) {
    const auto end = bytes.find_first_of("\r\n", searched_);
    if (end == std::string_view::npos) {
      searched_ = bytes.size();
      // A client of another protocol may never send a line end: refuse it by its first byte.
      if (lines_ == 0 && !bytes.empty() && !is_token_character(bytes.front())) refuse("It begins with no method.");
      return status_ != 0 ? verdict::refused : verdict::incomplete;
    }
    searched_ = end;
    if (bytes[end] == '\r' && end + 1 == bytes.size()) return verdict::incomplete;
    if (bytes[end] == '\n' || bytes[end + 1] != '\n') {
      refuse("A line does not end in CR LF.");
      return verdict::refused;
    }
    const auto line = bytes.substr(line_begin_, end - line_begin_);
    line_begin_ = searched_ = end + 2;
    if (line.empty() && lines_ > 0) return check_end() ? verdict::complete : verdict::refused;
    if (!check_line(line)) return verdict::refused;
    ++lines_;
  }
}

bool request_head::check_line(std::string_view line) {
  if (std::ranges::any_of(line, [](char c) { return is_control(c) && c != '\t'; }))
    return refuse("A line holds a control character.");
  if (lines_ > 0) return check_field(line);
  if (line.empty() || !is_token_character(line.front())) return refuse("It begins with no method.");
  http_1_0_ = line.ends_with(" HTTP/1.0");
  return true;
}

bool request_head::check_field(std::string_view line) {
  if (is_blank(line.front())) return refuse("A header is folded or begins with a blank.");
  const auto colon = std::min(line.find(':'), line.size());
  const auto name = line.substr(0, colon);
  if (colon == line.size() || name.empty() || !std::ranges::all_of(name, is_token_character))
    return refuse("A header has no name, or a character in it that no name has.");
  const auto value = trimmed(line.substr(colon + 1));

  if (equal_ignoring_case(name, "host")) {
    if (++hosts_ > 1) return refuse("It names two hosts.");
    if (!std::ranges::all_of(value, is_host_character)) return refuse("Its Host is not a host.");
  } else if (equal_ignoring_case(name, "content-length")) {
    if (++lengths_ > 1) return refuse("It has two lengths.");
    if (value.empty() || value.size() > length_digits_max || !std::ranges::all_of(value, is_digit))
      return refuse("Its Content-Length is not a length.");
  } else if (equal_ignoring_case(name, "transfer-encoding")) {
    if (++encodings_ > 1) return refuse("It has two transfer encodings.");
    return check_transfer_encoding(value);
  }
  return true;
}

bool request_head::check_transfer_encoding(std::string_view value) {
  if (equal_ignoring_case(value, "chunked")) return true;
  bool chunked = false;
  std::string_view last;
  for (auto rest = value; !rest.empty();) {
    last = take_element(rest);
    chunked = chunked || equal_ignoring_case(last, "chunked");
  }
  // Without `chunked` as the last encoding, the end of the body is unknown.
  if (chunked && !equal_ignoring_case(last, "chunked")) return refuse("Its last transfer encoding is not chunked.");
  return refuse("The only transfer encoding here is chunked.", 501);
}

bool request_head::check_end() {
  if (hosts_ == 0 && !http_1_0_) return refuse("A request in HTTP/1.1 names its host.");
  if (lengths_ > 0 && encodings_ > 0) return refuse("It has a length and a transfer encoding.");
  if (encodings_ > 0 && http_1_0_) return refuse("HTTP/1.0 has no transfer encodings.");
  return true;
}

bool request_head::refuse(std::string_view reason, unsigned status) noexcept {
  status_ = status;
  reason_ = reason;
  return false;
}

bool is_safe_chunk_extension(std::string_view text) noexcept {
  return std::ranges::none_of(text, [](char c) { return is_control(c) && c != '\t'; });
}

}  // namespace millrace::http
