// SPDX-License-Identifier: Apache-2.0
// The one list of the keys of castra.toml, a row per TOML table: what is not here is refused. The reader, the guess at
// mistyped keys and the tests of docs/CONFIG.md and configs/default.toml all use it.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace castra {

struct KnownTable {
    std::string_view path;   // "vms.bootstrap"; empty: the top of the file
    std::string_view header; // "[vms.bootstrap]", for people
    std::span<const std::string_view> keys;

    bool has(std::string_view key) const;
};

namespace known {
extern const KnownTable root;
extern const KnownTable project;
extern const KnownTable broker;
extern const KnownTable lifecycle;
extern const KnownTable journal;
extern const KnownTable bootstrap;
extern const KnownTable plugin; // [plugins.NAME]; [plugins] itself knows "search" and takes any name
extern const KnownTable reporter;
extern const KnownTable secret;
extern const KnownTable vm;
extern const KnownTable boot;
extern const KnownTable port_forward;
extern const KnownTable vm_lifecycle;
extern const KnownTable vm_bootstrap;
extern const KnownTable instance;
extern const KnownTable bootstrap_step;
// Of bootstrap.toml, which is no part of castra.toml.
extern const KnownTable bootstrap_file;
extern const KnownTable bootstrap_file_verify;
extern const KnownTable bootstrap_file_ssh;
} // namespace known

// Of castra.toml.
std::span<const KnownTable* const> known_tables();

// Why `key` stands in no row of `table` and what to do: it belongs elsewhere, was retired, is mistyped.
std::string cure_for_unknown(const KnownTable& table, std::string_view key);

} // namespace castra
