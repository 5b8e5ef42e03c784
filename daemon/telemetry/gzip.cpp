#include "telemetry/gzip.hpp"

#include <algorithm>
#include <limits>
#include <new>

#include <zlib.h>

namespace millrace::telemetry {

namespace {

constexpr int gzip_window = MAX_WBITS + 16;  // zlib writes the header and the checksum of gzip when 16 is added
constexpr int memory_level = 8;              // the default of zlib: 256 KiB for each compressor

/// Owns a compressor.
class compressor {
 public:
  compressor() {
    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, gzip_window, memory_level, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc{};
  }
  ~compressor() { deflateEnd(&stream); }
  compressor(const compressor&) = delete;
  compressor& operator=(const compressor&) = delete;

  z_stream stream{};
};

/// Takes as much from `left` as zlib counts in one call.
uInt take(std::size_t& left) {
  const auto taken = std::min<std::size_t>(left, std::numeric_limits<uInt>::max());
  left -= taken;
  return static_cast<uInt>(taken);
}

}  // namespace

std::string gzip(std::string_view text) {
  compressor made;
  auto& stream = made.stream;
  std::string packed(deflateBound(&stream, text.size()), '\0');
  // zlib does not write through `next_in`; its type is not const for historical reasons.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // NOLINT
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  auto unread = text.size();
  auto unwritten = packed.size();
  for (int status = Z_OK; status != Z_STREAM_END;) {
    if (stream.avail_in == 0) stream.avail_in = take(unread);
    if (stream.avail_out == 0) stream.avail_out = take(unwritten);
    status = deflate(&stream, unread == 0 ? Z_FINISH : Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END) throw std::bad_alloc{};  // the bound above excludes other causes
  }
  packed.resize(stream.total_out);
  packed.shrink_to_fit();  // pages wait for slow clients, and the bound is as large as the text
  return packed;
}

}  // namespace millrace::telemetry
