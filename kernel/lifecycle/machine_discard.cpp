// SPDX-License-Identifier: Apache-2.0
// Machine::discard: what is left of a VM goes, each part announced before. A disk that nobody could announce stays, and
// the record with it, so that the next down finds it; records, keys and sockets are nobody's data and go in any case.
#include "contract/text.hpp"
#include "host/files.hpp"
#include "lifecycle/machine.hpp"
#include "state/overlay_note.hpp"
#include "state/vm_folder.hpp"

namespace castra {

using contract::draft;

namespace {

// Returns when what was published is on disk. Errors: io, it never will be.
Result<> announced(EventBus& bus, const std::string& what) {
    bus.flush();
    if (!bus.journal_failed()) return {};
    return fail(ErrorCode::io, "remove " + what + ": the journal cannot announce it, so it stays",
                "free some space on the disk that holds castra's state, then castra down");
}

Result<std::int64_t> discard_overlay(EventBus& bus, const Layout& layout, const VmRecord& record,
                                     contract::DiscardReason reason) {
    const auto& path = record.overlay;
    if (path.empty() || !files::exists(path)) return 0;
    CASTRA_TRY(is_ours, is_our_overlay(layout, record.name, path));
    if (!is_ours) {
        const auto text =
            "the record of " + record.name + " names the overlay " + path + ", and castra did not make that file";
        bus.publish(contract::message(contract::Severity::warn, contract::clean_text(text, 2048, true), "not_ours")
                        .on(record.name)
                        .cure("it stays; remove it yourself if nothing else needs it"));
        return 0;
    }
    CASTRA_CHECK(announced(bus, path)); // what came before it: a journal that fails already can announce nothing
    contract::VmOverlayDiscarded event;
    event.overlay_path = path;
    event.reclaimed_bytes = files::allocated_bytes(path);
    event.reason = reason;
    bus.publish(draft(event, record.name + ": overlay discarded").on(record.name));
    CASTRA_CHECK(announced(bus, path));
    CASTRA_CHECK(files::remove(path));
    return event.reclaimed_bytes;
}

// Errors: io, one is there that only the record could tell of. It stays, and so does the record: it may be read the
// next time.
Result<> find_no_stranger(const Layout& layout, const std::string& vm, const std::string& damage) {
    std::error_code error;
    for (std::filesystem::directory_iterator at(layout.vm_dir(vm), error), end; !error && at != end;
         at.increment(error))
        if (const auto name = at->path().filename().string(); !is_made_by_castra(name))
            return fail(ErrorCode::io,
                        "remove what is left of " + vm + ": nobody can say whether castra made " + at->path().string() +
                            ": " + damage,
                        "see what that file is, and remove it yourself");
    if (error) return fail(ErrorCode::io, "list " + layout.vm_dir(vm).string() + ": " + error.message());
    return {};
}

} // namespace

Result<std::int64_t> Machine::discard(EventBus& bus, contract::DiscardReason reason) {
    const auto vm_dir = layout_.vm_dir(name_);
    if (!damage_.empty()) {
        CASTRA_CHECK(find_no_stranger(layout_, name_, damage_));
        CASTRA_TRY(noted, noted_overlay(layout_, name_));
        record_.overlay = noted.empty() ? (vm_dir / "overlay.qcow2").string() : noted;
        const auto text = name_ + " is cleared away unread, for nothing uses its directory: " + damage_;
        publish(bus,
                contract::message(contract::Severity::warn, contract::clean_text(text, 2048, true), "record_damaged"));
    }
    CASTRA_TRY(reclaimed, discard_overlay(bus, layout_, record_, reason));
    contract::CleanupProgress cleanup;
    cleanup.path = layout_.vm_record(name_);
    cleanup.kind = "record";
    cleanup.bytes = files::allocated_bytes(cleanup.path) + files::allocated_bytes(vm_dir / "ssh");
    publish(bus, draft(cleanup, name_ + ": record, keys and sockets removed"));
    reclaimed += cleanup.bytes;
    CASTRA_CHECK(files::remove_tree(layout_.vm_runtime_dir(name_)));
    CASTRA_CHECK(files::remove_tree(vm_dir / "ssh"));
    close_door();
    CASTRA_CHECK(files::remove(door_file()));
    for (const auto& file : plan_.files)
        if (std::filesystem::path(file.path).parent_path() == vm_dir) CASTRA_CHECK(files::remove(file.path));
    CASTRA_CHECK(files::remove(overlay_note(layout_, name_)));
    CASTRA_CHECK(files::remove(layout_.vm_record(name_))); // last: until now the next supervisor would find the rest
    if (state_ != VmState::absent) CASTRA_CHECK(step(VmStep::discarded));
    process_.reset();
    plan_ = {};
    record_ = {};
    record_.name = name_;
    damage_.clear();
    return reclaimed;
}

} // namespace castra
