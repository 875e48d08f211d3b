// SPDX-License-Identifier: Apache-2.0
// Manifest: what a plugin says about itself, known without running any of its code.
// Shape:  sdk/schema/manifest.json; this is its hand-written twin, and a test holds the two together.
// Thread: a value.
#pragma once
#include "base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace castra {

// Of the event contract: "1.0".
struct ContractVersion {
    std::uint16_t major = 1, minor = 0;
    friend auto operator<=>(const ContractVersion&, const ContractVersion&) = default;
};
std::string to_string(ContractVersion version);

struct Manifest {
    std::string id, version, description;
    std::vector<std::string> kinds; // interface ids: "castra.reporter/1"
    std::uint16_t abi_major = 0, abi_minor_min = 0;
    ContractVersion contract_min;
    std::uint16_t contract_max_major = 0;
    nlohmann::json config_schema;
    std::vector<std::string> emits;     // event types
    std::vector<std::string> isolation; // "in-process", "process"
    std::string sha256;                 // of the note's bytes

    bool provides(std::string_view kind) const;
    bool accepts_isolation(std::string_view how) const;
};

// Errors: which field breaks which rule.
Result<Manifest> parse_manifest(std::string_view text);
// The manifest of a file, by its ELF note. Runs no code of it.
Result<Manifest> read_manifest(const std::filesystem::path& file);

} // namespace castra
