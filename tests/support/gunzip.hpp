#pragma once

#include <array>
#include <stdexcept>
#include <string>

#include <zlib.h>

namespace millrace::testing {

/// The text of one gzip member. Throws if it is damaged, cut, or followed by other bytes.
inline std::string gunzip(std::string packed) {
  z_stream stream{};
  if (inflateInit2(&stream, MAX_WBITS + 16) != Z_OK) throw std::runtime_error{"inflateInit2"};
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string text;
  std::array<char, 16384> piece;
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = piece.size();
    status = inflate(&stream, Z_NO_FLUSH);
    text.append(piece.data(), piece.size() - stream.avail_out);
  }
  const bool whole = status == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  if (!whole) throw std::runtime_error{"not one whole gzip member"};
  return text;
}

}  // namespace millrace::testing
