// SPDX-License-Identifier: Apache-2.0
// App::clean: which projects, their locks, one run over all of them.
#include "operations/clean.hpp"
#include "cli/app.hpp"
#include "operations/exit_code.hpp"
#include "state/project_register.hpp"

#include <algorithm>

namespace castra {
namespace {

std::string size_text(std::int64_t bytes) {
    constexpr std::array<const char*, 5> units{" bytes", " KiB", " MiB", " GiB", " TiB"};
    std::size_t unit = 0;
    auto size = static_cast<double>(bytes);
    for (; size >= 1024 && unit + 1 < units.size(); ++unit)
        size /= 1024;
    auto text = std::to_string(size);
    text.resize(text.find('.') + (unit == 0 ? 0 : 2));
    return text + units[unit];
}

std::string outcome_text(const CleanResult& result, bool dry_run) {
    if (result.removed == 0) return "nothing to clean";
    return std::string(dry_run ? "would remove " : "removed ") + std::to_string(result.removed) +
           (result.removed == 1 ? " item, " : " items, ") + size_text(result.reclaimed_bytes);
}

std::vector<CleanTarget> every_project(const Installation& installation) {
    std::vector<CleanTarget> targets;
    for (const auto& entry : registered_projects(installation.environment))
        targets.push_back({entry.layout(installation.environment), entry.config_path, entry.problem});
    return targets;
}

} // namespace

int App::clean(const CommandLine& line) {
    const auto& installation = workshop_.installation();
    const bool only_images = line.kinds == std::vector<std::string>{"images"};
    std::vector<CleanTarget> targets;
    std::string name;
    if (line.all || only_images) {
        if (!line.request.vms.empty())
            return reject(line, "", {{ErrorCode::usage, "VMs are named within one project", "leave out --all"}});
        targets = every_project(installation);
    } else {
        auto project = load_project(installation, line.request.config);
        auto located = project ? Result<Located>(Located{project->layout, project->config.path})
                               : locate_project(installation, line.request.config);
        if (!located) return reject(line, "", project.error());
        if (project) name = project->config.name;
        targets.push_back({located->layout, located->config_path, ""});
    }

    // Nothing changes a project while it is cleaned, in whatever process.
    std::vector<FileLock> locks;
    std::vector<std::pair<std::string, Error>> busy;
    const auto holder = "castra clean (process " + std::to_string(::getpid()) + ")";
    std::erase_if(targets, [&](const CleanTarget& target) {
        std::error_code error;
        if (only_images || !std::filesystem::exists(target.layout.state_dir(), error)) return false;
        if (line.dry_run) {
            const auto free = FileLock::probe(target.layout.operation_lock());
            if (!free) busy.emplace_back(target.layout.state_dir(), free.error());
            return !free;
        }
        auto lock = FileLock::try_lock(target.layout.operation_lock(), holder);
        if (lock)
            locks.push_back(std::move(*lock));
        else
            busy.emplace_back(target.layout.state_dir(), lock.error());
        return !lock;
    });
    if (!line.all && !busy.empty()) return reject(line, name, {busy.front().second});

    Run run(workshop_.host().clock(), line.request, name, installation.version);
    std::error_code error;
    const auto machine_dir = machine_journal_dir(installation.environment);
    if (line.all || only_images) {
        if (!line.dry_run && std::filesystem::exists(machine_dir.parent_path(), error))
            if (auto opened = run.open({machine_dir / (run.id() + ".ndjson"),
                                        machine_dir.parent_path() / "quarantine" / (run.id() + ".ndjson")});
                !opened)
                return reject(line, name, {opened.error()});
    } else if (const auto& layout = targets.front().layout;
               !line.dry_run && std::filesystem::exists(layout.state_dir(), error)) {
        if (auto opened = run.open({layout.journal(run.id()), layout.quarantine(run.id())}); !opened)
            return reject(line, name, {opened.error()});
    }
    if (auto sink = sink_for(line, run.id())) run.bus().add_sink(std::move(sink));
    contract::CommandAccepted accepted;
    if (!line.all && !only_images) accepted.config_path = targets.front().config_path;
    run.accept(std::move(accepted));

    Cleaner cleaner(workshop_, run.bus(), run.id() + ".ndjson", {line.request.vms, line.kinds, line.dry_run});
    for (const auto& [path, why] : busy)
        cleaner.keep(path, why);
    if (!only_images)
        for (const auto& target : targets)
            cleaner.project(target);
    if (line.all) cleaner.machine_journals();
    cleaner.images(every_project(installation));

    auto& result = cleaner.result();
    contract::Summary summary;
    if (!line.all) summary.vms = result.vms;
    summary.reclaimed_bytes = line.dry_run ? 0 : result.reclaimed_bytes;
    summary.leftovers = result.leftovers;
    const auto text = outcome_text(result, line.dry_run);
    if (!result.failed) return run.finish(std::move(summary), text).exit_code;
    const bool some = result.removed > 0;
    summary.outcome = some ? contract::Outcome::partial : contract::Outcome::failed;
    summary.exit_code = some ? exit_code::partial : exit_code::failed;
    return run.finish(std::move(summary), text + "; " + std::to_string(result.leftovers.size()) + " could not be")
        .exit_code;
}

} // namespace castra
