// SPDX-License-Identifier: Apache-2.0
#include "state/vm_record.hpp"

#include "host/files.hpp"

#include <algorithm>

namespace castra {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(VmRecord, name, incarnation, uuid, launcher, phase, boot_id, pid,
                                                start_ticks, overlay, ssh_key, launched_unix_us, ready_unix_us,
                                                restart_unix_us, restart_attempt, spec, plan)

namespace {

// Plan and spec come last, after what the head repeats of them: see record_head.hpp.
std::string text_of(const VmRecord& record) {
    auto head = nlohmann::json(record);
    head.erase("plan");
    head.erase("spec");
    head["accelerator"] = record.plan.value("accelerator", "");
    head["asks_state"] = has_state_query(record.plan);
    head["port_forwards"] = record.spec.value("port_forwards", nlohmann::json::array());
    auto text = head.dump(1);
    text.resize(text.size() - 2); // "\n}"
    return text + "," + nlohmann::json{{"plan", record.plan}, {"spec", record.spec}}.dump(1).substr(1);
}

Result<VmRecord> record_in(const std::string& text, const std::filesystem::path& path, const std::string& vm) {
    try {
        auto record = nlohmann::json::parse(text).get<VmRecord>();
        if (record.name != vm)
            return fail(ErrorCode::io, "record " + path.string() + " names another VM: " + record.name);
        if (!record.plan.is_object() || !record.spec.is_object())
            return fail(ErrorCode::io, "record " + path.string() + " is damaged: its plan or its spec is no object");
        return record;
    } catch (const nlohmann::json::exception& error) {
        return fail(ErrorCode::io, "record " + path.string() + " is damaged: " + error.what());
    }
}

} // namespace

bool has_state_query(const nlohmann::json& plan) {
    const auto query = plan.find("state");
    return query != plan.end() && !query->is_null();
}

Result<> save_record(const Layout& layout, const VmRecord& record) {
    // Not synced: a record has to survive our death, not the machine's, for no VM survives that either.
    return files::replace(layout.vm_record(record.name), text_of(record), false);
}

Result<VmRecord> load_record(const Layout& layout, const std::string& vm) {
    const auto path = layout.vm_record(vm);
    CASTRA_TRY(text, files::read(path, vm_record_bytes_max));
    return record_in(text, path, vm);
}

Result<std::vector<std::string>> vm_directories(const Layout& layout) {
    std::vector<std::string> names;
    const auto dir = layout.vm_dir(""); // ends in /
    std::error_code error;
    auto at = std::filesystem::directory_iterator(dir, error);
    for (; !error && at != std::filesystem::end(at); at.increment(error)) {
        std::error_code unknown;
        if (at->is_directory(unknown)) names.push_back(at->path().native().substr(dir.native().size()));
    }
    if (error && error != std::errc::no_such_file_or_directory)
        return fail(ErrorCode::io, "list the VMs in " + layout.vms_dir().string() + ": " + error.message(),
                    error == std::errc::not_a_directory ? "move what is in its place away, then try again"
                                                        : "see to it that the directory can be read, then try again");
    std::ranges::sort(names);
    return names;
}

Result<std::vector<std::string>> recorded_vms(const Layout& layout) {
    CASTRA_TRY(names, vm_directories(layout));
    std::erase_if(names, [&](const std::string& name) {
        std::error_code unknown;
        return !std::filesystem::exists(layout.vm_record(name), unknown) && !unknown;
    });
    return names;
}

} // namespace castra
