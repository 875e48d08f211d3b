// SPDX-License-Identifier: Apache-2.0
#define BOOST_DLL_USE_STD_FS
#include "plugin/library.hpp"

#include "castra/abi/bootstrap_step.h"
#include "castra/abi/broker_launcher.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"
#include "plugin/json_text.hpp"
#include "plugin/process_state.hpp"

#include <boost/dll/shared_library.hpp>
#include <dlfcn.h>

namespace castra {
namespace {

std::string number(std::uint64_t value) {
    return std::to_string(value);
}

// The loader's own sentence. Boost wraps it: "...(dlerror system message: <it>): Bad file descriptor".
std::string loader_message(const std::string& what) {
    const std::string_view head = "dlerror system message: ";
    const auto begin = what.find(head);
    const auto end = what.rfind("):");
    if (begin == std::string::npos || end == std::string::npos || end < begin + head.size()) return what;
    return what.substr(begin + head.size(), end - begin - head.size());
}

// The entry function. The library is pinned: closing the handle at the end of this function unloads nothing.
Result<castra_plugin_entry> open_entry(const std::filesystem::path& file) {
    using boost::dll::load_mode::type;
    const auto mode =
        static_cast<type>(boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local | RTLD_NODELETE);
    try { // the overload with error_code loses the loader's message
        const boost::dll::shared_library library(file, mode);
        if (!library.has(CASTRA_PLUGIN_ENTRY_SYMBOL))
            return fail(ErrorCode::plugin, "exports no " CASTRA_PLUGIN_ENTRY_SYMBOL,
                        "end the plugin's source with CASTRA_PLUGIN(YourClass)");
        return library.get<const castra_plugin*()>(CASTRA_PLUGIN_ENTRY_SYMBOL);
    } catch (const std::exception& error) {
        return fail(ErrorCode::plugin, "the loader refused it: " + loader_message(error.what()));
    }
}

Result<> check_abi(std::uint64_t major, std::uint64_t minor_min) {
    if (major != CASTRA_ABI_MAJOR)
        return fail(ErrorCode::plugin,
                    "is built for plugin ABI major " + number(major) + ", this castra speaks major " +
                        number(CASTRA_ABI_MAJOR),
                    major > CASTRA_ABI_MAJOR ? "update castra, or rebuild the plugin with this castra's SDK"
                                             : "rebuild the plugin with this castra's SDK");
    if (minor_min > CASTRA_ABI_MINOR)
        return fail(ErrorCode::plugin,
                    "needs plugin ABI " + number(major) + "." + number(minor_min) + " or later, this castra speaks " +
                        number(CASTRA_ABI_MAJOR) + "." + number(CASTRA_ABI_MINOR),
                    "update castra");
    return {};
}

// How many slots a published interface has. 0: not one of ours.
std::uint32_t slots_of(std::string_view kind) {
    if (kind == CASTRA_LAUNCHER_V1) return CASTRA_LAUNCHER_SLOTS;
    if (kind == CASTRA_BROKER_LAUNCHER_V1) return CASTRA_BROKER_LAUNCHER_SLOTS;
    if (kind == CASTRA_BOOTSTRAP_STEP_V1) return CASTRA_BOOTSTRAP_STEP_SLOTS;
    if (kind == CASTRA_REPORTER_V1) return CASTRA_REPORTER_SLOTS;
    return 0;
}

} // namespace

Result<> check_compatible(const Manifest& manifest, ContractVersion contract, Isolation how) {
    CASTRA_CHECK(check_abi(manifest.abi_major, manifest.abi_minor_min));
    if (contract < manifest.contract_min)
        return fail(ErrorCode::plugin,
                    "needs event contract " + to_string(manifest.contract_min) + " or later, this castra speaks " +
                        to_string(contract),
                    "update castra");
    if (contract.major > manifest.contract_max_major)
        return fail(ErrorCode::plugin,
                    "knows event contracts up to major " + number(manifest.contract_max_major) +
                        ", this castra speaks " + to_string(contract),
                    "update the plugin");
    for (const auto& kind : manifest.kinds)
        if (slots_of(kind) == 0)
            return fail(ErrorCode::plugin, "provides " + kind + ", which this castra does not know", "update castra");
    if (!manifest.accepts_isolation(to_string(how)))
        return fail(ErrorCode::plugin,
                    how == Isolation::process ? "does not accept to run in a process of its own"
                                              : "does not accept to run in-process",
                    std::string("set isolation = \"") + (how == Isolation::process ? "in-process" : "process") +
                        "\" in [plugins] of castra.toml");
    return {};
}

PluginLibrary::PluginLibrary(std::filesystem::path file, Manifest manifest, HostServices& services)
    : file_(std::move(file)), manifest_(std::move(manifest)), host_(services, manifest_.id) {}

Result<> PluginLibrary::load(ContractVersion contract, Isolation how) {
    auto outcome = check_compatible(manifest_, contract, how);
    if (outcome) outcome = enter();
    if (outcome) return {};
    return Failure(outcome.error().within("plugin " + manifest_.id + " (" + file_.string() + ")"));
}

// Runs code of the plugin for the first time: constructors, entry, init.
Result<> PluginLibrary::enter() {
    const auto before = ProcessState::capture();
    auto outcome = [&]() -> Result<> {
        CASTRA_TRY(entry, open_entry(file_));
        table_ = entry();
        CASTRA_CHECK(check_table());
        if (const auto status = table_->init(host_.c_table()); status != CASTRA_OK)
            return fail(ErrorCode::plugin, "its init answered " + std::to_string(status));
        return check_kinds();
    }();
    std::string changed;
    for (const auto& what : before.differences(ProcessState::capture()))
        changed += (changed.empty() ? "" : ", ") + what;
    if (changed.empty()) return outcome;
    before.restore();
    return fail(ErrorCode::plugin, "changed " + changed + " while it was loaded",
                "plugins share the process: this is a bug of the plugin");
}

Result<> PluginLibrary::check_table() const {
    if (table_ == nullptr) return fail(ErrorCode::plugin, "its entry function answered no table");
    if (table_->magic != CASTRA_ABI_MAGIC)
        return fail(ErrorCode::plugin, "its table has the wrong magic number", "build it with castra_add_plugin()");
    CASTRA_CHECK(check_abi(table_->abi_major, table_->abi_minor_min));
    if (table_->size < sizeof(castra_plugin))
        return fail(ErrorCode::plugin,
                    "its table has " + number(table_->size) + " bytes, this castra needs " +
                        number(sizeof(castra_plugin)),
                    "rebuild the plugin with this castra's SDK");
    if (table_->abi_major != manifest_.abi_major)
        return fail(ErrorCode::plugin, "its table and its manifest name different ABIs", "rebuild the plugin");
    const std::string_view hash(table_->manifest_sha256, sizeof(table_->manifest_sha256) - 1);
    if (hash != manifest_.sha256)
        return fail(ErrorCode::plugin,
                    "its manifest has sha256 " + manifest_.sha256 + ", its table says \"" + clipped(hash, 64) + "\"",
                    "manifest and code come from different builds: rebuild the plugin");
    if (!table_->init || !table_->create || !table_->destroy || !table_->find_interface)
        return fail(ErrorCode::plugin, "its table lacks a function");
    return {};
}

Result<> PluginLibrary::check_kinds() const {
    for (const auto& kind : manifest_.kinds) {
        const auto* interface = table_->find_interface(kind.c_str());
        if (interface == nullptr || interface->size < sizeof(castra_interface) || interface->slots == nullptr)
            return fail(ErrorCode::plugin, "its manifest declares " + kind + ", but its code does not provide it",
                        "register a class of this kind with CASTRA_PLUGIN(), or remove it from the manifest");
        if (interface->slot_count != slots_of(kind))
            return fail(ErrorCode::plugin,
                        "its " + kind + " has " + number(interface->slot_count) + " slots, the published one has " +
                            number(slots_of(kind)),
                        "rebuild the plugin with this castra's SDK");
    }
    return {};
}

const castra_interface* PluginLibrary::find_interface(const std::string& kind) const {
    return manifest_.provides(kind) ? table_->find_interface(kind.c_str()) : nullptr;
}

std::int32_t PluginLibrary::create(const std::string& kind, castra_bytes config, const castra_sink* error,
                                   void** instance) const {
    return table_->create(kind.c_str(), config, error, instance);
}

void PluginLibrary::destroy(void* instance) const {
    table_->destroy(instance);
}

} // namespace castra
