// SPDX-License-Identifier: Apache-2.0
// PluginQuarantine: files that crashed, hung or broke the protocol, by the digest of their content, each with its
// reason. A rebuilt plugin has another digest and is free again; removing the file lifts it as well.
// Shape:  <dir>/<sha256>.json {plugin, file, sha256, reason, at_unix_us}.
// Thread: any. Errors of writing are told and cost nothing else: then the plugin is tried again next time.
#pragma once
#include "base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace castra {

struct QuarantinedPlugin {
    std::string plugin, file, sha256, reason;
    std::int64_t at_unix_us = 0;
};

class PluginQuarantine {
public:
    // Empty: holds nobody. Makes the directory only when somebody is put there.
    explicit PluginQuarantine(std::filesystem::path dir) : dir_(std::move(dir)) {}

    bool is_empty() const; // cheap: so that nobody's file is hashed for nothing
    std::optional<QuarantinedPlugin> find(const std::string& sha256) const;
    std::vector<QuarantinedPlugin> list() const;
    Result<> put(const QuarantinedPlugin& plugin) const;
    std::filesystem::path file_of(const std::string& sha256) const { return dir_ / (sha256 + ".json"); }

private:
    std::filesystem::path dir_;
};

} // namespace castra
