// SPDX-License-Identifier: Apache-2.0
#include "operations/journal_prune.hpp"

#include "contract/text.hpp"
#include "host/files.hpp"

namespace castra {

void prune_journals(const Layout& layout, const Retention& retention, EventBus& bus) {
    const JournalStore store(layout.journal_dir());
    const auto victims = beyond_retention(store, retention, bus.identity().run_id);
    if (const auto buried = bury(store, victims); !buried) {
        bus.publish(contract::message(contract::Severity::warn,
                                      contract::clean_text("old journals stay: " + buried.error().text, 1024, true),
                                      "journals_not_pruned")
                        .cure(contract::clean_text(buried.error().hint, 1024, true)));
        return;
    }
    for (const auto& run : victims) {
        contract::CleanupProgress event;
        event.path = run.file.path;
        event.kind = "logs";
        event.bytes = run.file.bytes;
        bus.publish(contract::draft(event, "journal of run " + run.file.run_id + " (" + run.operation + ") pruned"));
        if (bus.journal_failed()) return;   // not announced durably
        (void)files::remove(run.file.path); // what cannot be removed is chosen again by the next operation
        const auto refused = layout.quarantine(run.file.run_id);
        (void)files::remove(refused);
        (void)files::remove(std::filesystem::path(refused).replace_extension(".uncut.ndjson"));
        (void)files::remove(layout.torn(run.file.run_id));
    }
}

} // namespace castra
