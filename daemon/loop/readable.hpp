#pragma once

namespace millrace::loop {

/// Whether a read of `descriptor` would end at once: there are bytes, the end, or an error. A pidfd is readable when
/// its process has ended. False if the descriptor is not open.
///
/// To be asked after each wait of Asio for nothing but readiness, which may complete early. The cause: Asio's reactor
/// keeps a state for each descriptor. When one is closed while its event is still to be handled, and another one takes
/// over its state, then the event completes the wait of the other one. A read or a write is tried then, and goes on
/// waiting; a plain wait ends.
[[nodiscard]] bool is_readable(int descriptor) noexcept;

}  // namespace millrace::loop
