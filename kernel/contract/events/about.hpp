// SPDX-License-Identifier: Apache-2.0
// What each type of event says about itself, beside the fields that it describes.
#pragma once
#include "contract/envelope.hpp"

namespace castra::contract {

// Optional fields of the envelope that a type requires.
struct Also {
    std::array<std::string_view, 3> names{};
    std::size_t count = 0;
    constexpr Also() = default;
    constexpr Also(std::initializer_list<std::string_view> required) { // NOLINT(google-explicit-constructor)
        for (const auto name : required)
            names[count++] = name;
    }
    constexpr auto begin() const { return names.begin(); }
    constexpr auto end() const { return names.begin() + count; }
    constexpr bool empty() const { return count == 0; }
};

// What a type says about itself.
struct About {
    std::string_view type;
    Family family;
    Severity severity; // when the emitter names none
    Also also;
    std::string_view meaning;
    std::string_view since = "1.0";
};

} // namespace castra::contract
