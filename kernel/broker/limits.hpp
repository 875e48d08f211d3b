// SPDX-License-Identifier: Apache-2.0
// Every limit of the broker. The first group comes from [broker] of castra.toml; the rest is fixed, stands in
// docs/BROKER.md, and has a test.
#pragma once
#include <cstddef>
#include <cstdint>

namespace castra::broker {

struct Settings {
    std::int64_t sessions_max = 1024;
    std::int64_t frames_per_second_max = 1000; // of one guest
    std::int64_t queue_bytes_max = 1 << 20;    // waiting for one reader
    std::int64_t topic_bytes_max = 8 << 20;    // on disk, of one durable topic
    std::int64_t topics_max = 256;             // durable
};

namespace limits {

inline constexpr std::size_t frame_bytes_max = 65536;
inline constexpr std::size_t nesting_max = 32;            // of JSON in a frame
inline constexpr std::size_t opening_bytes_max = 1 << 18; // skipped while a line that opens a session is looked for
inline constexpr std::size_t name_bytes_max = 64;         // of a capability
inline constexpr std::size_t capabilities_max = 16;
inline constexpr std::size_t facts_bytes_max = 4096; // of ready
inline constexpr std::size_t topic_letters_max = 128;
inline constexpr std::size_t hellos_per_second_max = 10; // of one VM: each is two events
inline constexpr std::size_t subscriptions_max = 64;     // of one session
inline constexpr std::size_t topics_of_guest_max = 8;    // durable ones that one VM may make
inline constexpr std::size_t publishes_open_max = 256;   // of one session, not yet acknowledged
inline constexpr std::size_t strangers_max = 128;        // connections without a session, over TCP; as many of the host
inline constexpr std::size_t old_secrets_max = 1024;     // remembered so that a replay is called one
inline constexpr std::size_t decisions_per_second_max = 20; // refusals told one by one; the rest is counted
inline constexpr std::size_t replay_chunk_bytes = 1 << 16;
inline constexpr std::int64_t handshake_ms_max = 5000;
inline constexpr std::int64_t heartbeat_ms = 5000;
inline constexpr std::int64_t silence_ms_max = 15000;

} // namespace limits
} // namespace castra::broker
