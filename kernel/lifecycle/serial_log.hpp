// SPDX-License-Identifier: Apache-2.0
// Keeps what a guest prints: bounded on disk (the current file and one older), a short tail in memory, and a gate that
// opens when a line begins with the ready marker. Hostile output is normal: endless, binary, without line feeds.
// Owner: its Machine; read() holds a share of it, so it may outlive the machine by one turn of the loop.
#pragma once
#include "host/host.hpp"

#include <filesystem>

namespace castra {

class SerialLog {
public:
    static constexpr std::size_t file_bytes_max = 4 << 20; // then renamed to .1
    static constexpr std::size_t tail_bytes_max = 4096;
    static constexpr std::size_t line_bytes_max = 4096; // a marker beyond that is not looked for

    // `marker` empty: no line is ever ready.
    SerialLog(const Executor& executor, std::filesystem::path path, std::string marker);

    // Reads until the stream ends.
    static Task<> read(std::shared_ptr<SerialLog> log, Stream stream);

    void take(std::string_view chunk); // what read() does with each chunk
    Gate& marker_seen() { return marker_seen_; }
    const std::string& marker_line() const { return line_; } // once the marker was seen
    const std::string& tail() const { return tail_; }

private:
    void write(std::string_view chunk);
    void scan(std::string_view chunk);

    std::filesystem::path path_;
    std::string marker_, line_, tail_;
    Gate marker_seen_;
    UniqueFd file_;
    std::size_t file_bytes_ = 0;
};

} // namespace castra
