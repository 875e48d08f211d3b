// SPDX-License-Identifier: Apache-2.0
#include "bootstrap/bootstrap_record.hpp"

#include "host/files.hpp"

namespace castra {
namespace {
constexpr std::size_t record_bytes_max = 1 << 20;

std::filesystem::path path_of(const Layout& layout, const std::string& vm) {
    return layout.vm_dir(vm) / "bootstrap.json";
}
} // namespace

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(StepRecord, name, hash, is_done)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(BootstrapRecord, incarnation, run_id, stamp, script_hash, payload_hash,
                                                env_hash, is_complete, steps)

std::optional<BootstrapRecord> load_bootstrap_record(const Layout& layout, const std::string& vm,
                                                     const std::string& incarnation) {
    const auto text = files::read(path_of(layout, vm), record_bytes_max);
    if (!text) return std::nullopt;
    try {
        auto record = nlohmann::json::parse(*text).get<BootstrapRecord>();
        if (record.incarnation == incarnation && !incarnation.empty()) return record;
    } catch (const nlohmann::json::exception&) { // as if it were not there
    }
    return std::nullopt;
}

Result<> save_bootstrap_record(const Layout& layout, const std::string& vm, const BootstrapRecord& record) {
    return files::replace(path_of(layout, vm), nlohmann::json(record).dump(1), false);
}

} // namespace castra
