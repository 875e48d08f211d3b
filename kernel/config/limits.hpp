// SPDX-License-Identifier: Apache-2.0
// Every limit castra.toml is held to. Each stands in docs/CONFIG.md and configs/default.toml, and has a test.
#pragma once
#include <cstddef>
#include <cstdint>

namespace castra::limits {

inline constexpr std::size_t file_bytes_max = 1 << 20;
inline constexpr std::size_t errors_max = 50;
inline constexpr std::size_t key_depth_max = 32; // dots in one key: a deeper one overflows the stack of toml++
inline constexpr std::size_t nesting_max = 16;   // free tables: options, config
inline constexpr std::size_t text_bytes_max = 4096;
inline constexpr std::size_t script_bytes_max = 65536; // verify_command, values of env
inline constexpr std::size_t name_letters_max = 63;

inline constexpr std::int64_t vms_max = 1000; // after expansion
inline constexpr std::int64_t forwards_per_vm_max = 256;
inline constexpr std::int64_t port_max = 65535;
inline constexpr std::int64_t cpus_max = 512;
inline constexpr std::uint64_t memory_bytes_min = 16ULL << 20;
inline constexpr std::uint64_t memory_bytes_max = 16ULL << 40;
inline constexpr std::size_t env_entries_max = 256; // of one VM, [bootstrap.env] included
inline constexpr std::int64_t seconds_max = 86400;
inline constexpr std::int64_t boot_window_max = 1000;
inline constexpr std::int64_t journal_runs_max = 100000; // that [journal] runs_max may ask for
inline constexpr std::int64_t journal_bytes_min = 1 << 20;
inline constexpr std::int64_t journal_bytes_max = 1LL << 40;
inline constexpr std::int64_t broker_sessions_max = 10000; // that [broker] may ask for, and so on
inline constexpr std::int64_t broker_frames_per_second_max = 1000000;
inline constexpr std::int64_t broker_queue_bytes_min = 128 << 10; // two frames of the longest kind
inline constexpr std::int64_t broker_queue_bytes_max = 64 << 20;
inline constexpr std::int64_t broker_topic_bytes_min = 256 << 10;
inline constexpr std::int64_t broker_topic_bytes_max = 1LL << 30;
inline constexpr std::int64_t broker_topics_max = 4096;
inline constexpr std::int64_t restarts_max = 1000;
inline constexpr std::int64_t restart_backoff_seconds_max = 300; // doubling ends here
inline constexpr std::int64_t restart_row_seconds = 600;         // a VM that was up for so long begins a new row
inline constexpr std::int64_t bootstrap_parallel_max = 1000;
inline constexpr std::size_t bootstrap_steps_max = 32; // of one VM
inline constexpr std::size_t ssh_options_max = 64;
inline constexpr std::size_t plugins_max = 64;
inline constexpr std::size_t plugin_search_max = 16;
inline constexpr std::size_t reporters_max = 16;
inline constexpr std::size_t secrets_max = 64;
inline constexpr std::size_t secret_plugins_max = 16;

} // namespace castra::limits
