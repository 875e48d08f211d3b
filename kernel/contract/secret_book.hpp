// SPDX-License-Identifier: Apache-2.0
// The secrets of a run, so that none leaves it. mask() replaces them in the free text of an event before it is encoded
// and lists the fields in `redacted`; reveals() is rule 19: whether the encoded line still shows one.
#pragma once
#include "base/result.hpp"
#include "base/secret.hpp"
#include "contract/event.hpp"

namespace castra::contract {

class SecretBook {
public:
    static constexpr std::size_t bytes_min = 4; // shorter ones would mask half of every text
    static constexpr std::size_t secrets_max = 1024;

    // Errors: usage, a secret too short to be told from other text or one too many; it is not remembered then.
    Result<> add(const Secret& secret);
    bool is_empty() const { return secrets_.empty(); }
    void mask(Event& event) const;
    // `text` with every secret replaced.
    std::string masked(std::string_view text) const;
    bool reveals(std::string_view line) const;

private:
    std::vector<std::string> secrets_; // longest first
    std::vector<std::string> escaped_; // the same as JSON text
};

} // namespace castra::contract
