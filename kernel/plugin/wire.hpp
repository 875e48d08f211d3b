// SPDX-License-Identifier: Apache-2.0
// What castra and castra-plugin-host say to each other over a stream socket: messages of one or more frames, each with
// its length in front. Both ends are of the same build and the same machine; what comes from the plugin's side is
// nevertheless not believed, because the plugin can write into the socket too.
// Shape:  a 32-byte head, then `size` bytes; all frames of a message but the last have `more`.
// Units:  bytes. A frame announces its size, so that too much is refused before a byte of it is read.
// Thread: WireReader belongs to one thread; write_message is for one thread at a time per descriptor.
#pragma once
#include "base/result.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace castra {

inline constexpr std::size_t wire_frame_bytes_max = 4 * 1024 * 1024;
inline constexpr std::size_t wire_request_bytes_max = 64 * 1024 * 1024;

inline constexpr std::uint16_t wire_secrets = 0x100; // where the slots of castra.secrets/1 begin in a host_call

enum class WireKind : std::uint8_t {
    load = 1,    // {file, manifest_sha256, contract}      -> answer {interfaces}
    create,      // interface id, NUL, config              -> answer
    call,        // slot, deadline_ns, request             -> answer
    destroy,     //                                        -> answer
    cancel,      // id of the call: its cancel_fd becomes readable
    answer,      // id, status, reply or error
    host_call,   // by the plugin: slot of castra.host/1, or wire_secrets plus slot of castra.secrets/1, request
    host_answer, // id, status, reply or error
};

struct WireMessage {
    WireKind kind = WireKind::answer;
    std::uint16_t slot = 0;
    std::int32_t status = 0;
    std::uint64_t id = 0;
    std::int64_t deadline_ns = 0;
    bool is_over = false; // answer: the reply was larger than allowed and is left out
    std::string body;
};

// Puts messages together from bytes as they come.
class WireReader {
public:
    explicit WireReader(std::size_t message_bytes_max) : message_bytes_max_(message_bytes_max) {}

    void add(std::string_view bytes) { bytes_.append(bytes); }
    // The next whole message, or nothing yet. Errors: protocol, saying which rule was broken; then stop reading.
    Result<std::optional<WireMessage>> next();

private:
    std::size_t message_bytes_max_;
    std::string bytes_;
    std::size_t taken_ = 0; // of bytes_
    std::optional<WireMessage> partial_;
};

// Until it is sent or the deadline has passed. Errors: timeout, io. Never raises SIGPIPE.
Result<> write_message(int fd, const WireMessage& message, std::chrono::steady_clock::time_point deadline);

} // namespace castra
