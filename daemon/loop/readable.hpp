#pragma once

namespace millrace::loop {

/// Whether a read of `descriptor` would return at once: with bytes, with the end of the stream or with an error. A
/// pidfd is readable when its process has ended. False if the descriptor is not open.
///
/// Callers check it after each `async_wait` of Asio, which may complete early. The cause: Asio's reactor keeps a state
/// for each descriptor. A descriptor may be closed while its event is not yet handled, and another descriptor may take
/// over its state. Then the event completes the operation of the other one. `async_read_some` tries the read and waits
/// again, but `async_wait` tries nothing and ends.
[[nodiscard]] bool is_readable(int descriptor) noexcept;

}  // namespace millrace::loop
