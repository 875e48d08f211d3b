// SPDX-License-Identifier: Apache-2.0
// What a step prints, kept in a file without the secrets in it: also one that arrives in two pieces. Remembers the last
// bytes for error messages.
// Limits: file_bytes_max, then one line that says so; secrets shorter than secret_bytes_min cannot be told from other
// text and are not masked.
#pragma once
#include "castra/sdk/json.hpp"
#include "ssh/child.hpp"

namespace castra::ssh {

class MaskedLog {
public:
    static constexpr std::size_t file_bytes_max = 8 << 20;
    static constexpr std::size_t tail_bytes_max = 1500;
    static constexpr std::size_t secret_bytes_min = 4;

    // `path` empty: no file. `env`: {name: secret}.
    MaskedLog(const std::string& path, const sdk::Json& env);
    ~MaskedLog() { flush(); }
    MaskedLog(const MaskedLog&) = delete;
    MaskedLog& operator=(const MaskedLog&) = delete;

    void add(std::string_view piece);
    void flush(); // what was held back because a secret could begin there
    const std::string& tail() const { return tail_; }

private:
    void take(bool is_all);
    bool may_be_longer(std::string_view text) const;
    void write(std::string_view text);

    std::vector<std::string> secrets_; // longest first
    std::size_t held_max_ = 0;
    std::string held_, tail_;
    Fd file_;
    std::size_t written_ = 0;
    bool is_full_ = false;
};

} // namespace castra::ssh
