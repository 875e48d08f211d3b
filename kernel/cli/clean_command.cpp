// SPDX-License-Identifier: Apache-2.0
// castra clean: which projects, their locks, one run over all of them.
#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/grammar.hpp"
#include "operations/clean.hpp"
#include "operations/exit_code.hpp"
#include "state/project_register.hpp"

#include <algorithm>

namespace castra {
namespace {

struct CleanOptions {
    bool all = false; // every project of this user on this machine
    bool dry_run = false;
    std::vector<std::string> kinds; // --only
};

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

Result<std::vector<CleanTarget>> every_project(const Installation& installation) {
    std::vector<CleanTarget> targets;
    CASTRA_TRY(registered, registered_projects(installation.environment));
    for (const auto& entry : registered)
        targets.push_back({entry.layout(installation.environment), entry.config_path, entry.problem});
    return targets;
}

Task<int> clean(App& app, const CommandLine& line, CleanOptions options) {
    const auto& installation = app.installation();
    const bool only_images = options.kinds == std::vector<std::string>{"images"};
    std::vector<CleanTarget> targets;
    std::string name;
    if (options.all || only_images) {
        if (!line.request.vms.empty())
            co_return app.reject(line, "", {{ErrorCode::usage, "VMs are named within one project", "leave out --all"}});
        auto every = every_project(installation);
        if (!every) co_return app.reject(line, "", {every.error()});
        targets = std::move(*every);
    } else {
        auto project = load_project(installation, line.request.config);
        auto located = project ? Result<Located>(Located{project->layout, project->config.path})
                               : locate_project(installation, line.request.config);
        if (!located) co_return app.reject(line, "", project.error());
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
        if (options.dry_run) {
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
    if (!options.all && !busy.empty()) co_return app.reject(line, name, {busy.front().second});

    Run run(app.host().clock(), line.request, name, installation.version);
    std::error_code error;
    const auto machine_dir = machine_journal_dir(installation.environment);
    if (options.all || only_images) {
        RunFiles files{machine_dir / (run.id() + ".ndjson"),
                       machine_dir.parent_path() / "quarantine" / (run.id() + ".ndjson"),
                       {}};
        for (const auto& target : targets)
            files.reserves.push_back(target.layout.journal_dir());
        if (!options.dry_run && std::filesystem::exists(machine_dir.parent_path(), error))
            if (auto opened = run.open(files); !opened) co_return app.reject(line, name, {opened.error()});
    } else if (const auto& layout = targets.front().layout;
               !options.dry_run && std::filesystem::exists(layout.state_dir(), error)) {
        if (auto opened = run.open({layout.journal(run.id()), layout.quarantine(run.id()), {}}); !opened)
            co_return app.reject(line, name, {opened.error()});
    }
    if (auto sink = app.sink_for(line, run.id())) run.bus().add_sink(std::move(sink));
    contract::CommandAccepted accepted;
    if (!options.all && !only_images) accepted.config_path = targets.front().config_path;
    run.accept(std::move(accepted));

    Cleaner cleaner(app.workshop(), run.bus(), run.id() + ".ndjson",
                    {line.request.vms, options.kinds, options.dry_run});
    for (const auto& [path, why] : busy)
        cleaner.keep(path, why);
    if (!only_images)
        for (const auto& target : targets)
            cleaner.project(target);
    if (options.all) cleaner.machine_journals();
    if (const auto every = every_project(installation))
        cleaner.images(*every);
    else if (options.all || only_images)
        cleaner.keep(projects_dir(installation.environment), every.error());

    auto& result = cleaner.result();
    contract::Summary summary;
    if (!options.all) summary.vms = result.vms;
    summary.reclaimed_bytes = options.dry_run ? 0 : result.reclaimed_bytes;
    summary.leftovers = result.leftovers;
    const auto text = outcome_text(result, options.dry_run);
    if (!result.failed) co_return run.finish(std::move(summary), text).exit_code;
    const bool some = result.removed > 0;
    summary.outcome = some ? contract::Outcome::partial : contract::Outcome::failed;
    summary.exit_code = some ? exit_code::partial : exit_code::failed;
    co_return run.finish(std::move(summary), text + "; " + std::to_string(result.leftovers.size()) + " could not be")
        .exit_code;
}

} // namespace

void add_clean(Grammar& grammar) {
    const auto options = Grammar::options<CleanOptions>();
    auto clean =
        grammar.add("clean", "Remove what castra left behind; spares VMs that live",
                    [options](App& app, const CommandLine& line) { return castra::clean(app, line, *options); });
    grammar.add_run(clean, Operation::clean);
    clean.option("--only", options->kinds, "Categories, separated by commas; default: all but images")
        .separated_by_commas()
        .one_of({cleanup_kinds.begin(), cleanup_kinds.end()})
        .type_name("KIND");
    clean.flag("--dry-run", options->dry_run, "Only tell what would go; writes nothing");
    clean.flag("--all", options->all, "Every project of this user on this machine");
    clean.footer("\nEach removal is announced in the journal before it happens. Kinds: overlay, keys, files, runtime,\n"
                 "record, handshakes, logs, images (the image store, for all projects).\n"
                 "Example: castra clean --all --dry-run");
}

} // namespace castra
