// SPDX-License-Identifier: Apache-2.0
#include "operations/secret_store.hpp"

#include "contract/text.hpp"
#include "host/files.hpp"

#include <algorithm>

namespace castra {
namespace {

Result<Secret> read_file(const SecretConfig& config) {
    auto text = files::read(config.file, SecretStore::bytes_max);
    if (!text) return Failure(text.error().within("secret \"" + config.name + "\""));
    if (text->ends_with('\n')) text->pop_back();
    if (text->ends_with('\r')) text->pop_back();
    if (contract::clean_text(*text, SecretStore::bytes_max, false) != *text)
        return fail(ErrorCode::usage, "secret \"" + config.name + "\" (" + config.file + ") is no plain text",
                    "keep it as UTF-8 without control characters but line ends");
    return Secret(std::move(*text));
}

} // namespace

void SecretStore::offer(const std::vector<SecretConfig>& secrets) {
    const std::scoped_lock lock(mutex_);
    secrets_ = secrets;
}

void SecretStore::attach(EventBus* bus) {
    const std::scoped_lock lock(mutex_);
    bus_ = bus;
    if (bus_)
        for (const auto& secret : told_)
            (void)bus_->hide(secret);
}

Result<Secret> SecretStore::read(std::string_view plugin, const std::string& name) {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find(secrets_, name, &SecretConfig::name);
    if (found == secrets_.end())
        return fail(ErrorCode::not_found, "castra.toml has no secret \"" + name + "\"",
                    "add [[secrets]] with name = \"" + name + "\", file and plugins = [\"" + std::string(plugin) +
                        "\"]");
    if (std::ranges::find(found->plugins, plugin) == found->plugins.end())
        return fail(ErrorCode::not_found, "secret \"" + name + "\" is not for plugin " + std::string(plugin),
                    "add it to plugins of that [[secrets]] (castra.toml:" + std::to_string(found->line) +
                        ") if it may have it");
    CASTRA_TRY(secret, read_file(*found));
    if (auto kept = book_.add(secret); !kept) return Failure(kept.error().within("secret \"" + name + "\""));
    if (bus_) CASTRA_CHECK(bus_->hide(secret));
    if (std::ranges::find(told_, secret.reveal(), &Secret::reveal) == told_.end()) told_.push_back(secret);
    return secret;
}

std::string SecretStore::masked(std::string_view text) const {
    const std::scoped_lock lock(mutex_);
    return book_.masked(text);
}

} // namespace castra
