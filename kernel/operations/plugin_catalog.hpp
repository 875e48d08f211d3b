// SPDX-License-Identifier: Apache-2.0
// What plugins there are, from their files alone: none of their code runs, none of them is loaded.
// Order:  those that castra.toml names by path, those of plugins.search, the installed ones; by name within each.
// Errors: a file that is no good plugin is an entry that says why.
#pragma once
#include "operations/project.hpp"
#include "plugin/isolation.hpp"
#include "plugin/manifest.hpp"
#include "plugin/quarantine.hpp"

#include <optional>

namespace castra {

struct CatalogEntry {
    std::filesystem::path file;
    std::string source; // castra.toml, search, installed, file
    std::string sha256; // empty when it cannot be read
    std::optional<Manifest> manifest;
    Isolation isolation = Isolation::process; // how it would run
    std::string state = "ok";                 // ok, refused, quarantined
    std::string why, cure;                    // unless ok
};

// `config`: may be null.
std::vector<CatalogEntry> list_plugins(const Installation& installation, const ProjectConfig* config);
// One of them: a path, or a name as in castra.toml or an id. Errors: not_found.
Result<CatalogEntry> inspect_plugin(const Installation& installation, const ProjectConfig* config,
                                    const std::string& file_or_name);
// Everybody who is locked up, also those whose file is gone or was rebuilt.
std::vector<QuarantinedPlugin> quarantined_plugins(const Installation& installation);

} // namespace castra
