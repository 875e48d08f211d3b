// SPDX-License-Identifier: Apache-2.0
#include "state/vm_record.hpp"

#include "host/files.hpp"

#include <algorithm>

namespace castra {
namespace {
constexpr std::size_t record_bytes_max = 1 << 20;
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(VmRecord, name, incarnation, uuid, launcher, phase, boot_id, pid,
                                                start_ticks, overlay, ssh_key, launched_unix_us, ready_unix_us,
                                                restart_unix_us, restart_attempt, spec, plan)

Result<> save_record(const Layout& layout, const VmRecord& record) {
    // Not synced: a record has to survive our death, not the machine's, for no VM survives that either.
    return files::replace(layout.vm_record(record.name), nlohmann::json(record).dump(1), false);
}

Result<VmRecord> load_record(const Layout& layout, const std::string& vm) {
    const auto path = layout.vm_record(vm);
    CASTRA_TRY(text, files::read(path, record_bytes_max));
    try {
        auto record = nlohmann::json::parse(text).get<VmRecord>();
        if (record.name != vm)
            return fail(ErrorCode::io, "record " + path.string() + " names another VM: " + record.name);
        return record;
    } catch (const nlohmann::json::exception& error) {
        return fail(ErrorCode::io, "record " + path.string() + " is damaged: " + error.what());
    }
}

std::vector<std::string> recorded_vms(const Layout& layout) {
    std::vector<std::string> names;
    std::error_code error;
    for (auto at = std::filesystem::directory_iterator(layout.vms_dir(), error);
         !error && at != std::filesystem::end(at); at.increment(error))
        if (at->is_directory(error) && std::filesystem::exists(at->path() / "record.json", error))
            names.push_back(at->path().filename());
    std::ranges::sort(names);
    return names;
}

} // namespace castra
