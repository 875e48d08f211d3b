// SPDX-License-Identifier: Apache-2.0
// castra cp: files and folders between this machine and a VM.
#include "cli/app.hpp"
#include "cli/everyday_commands.hpp"
#include "cli/grammar.hpp"
#include "cli/live_status.hpp"
#include "operations/exit_code.hpp"
#include "operations/guest_copy.hpp"

#include <cstdio>

namespace castra {
namespace {

struct CopyOptions {
    std::vector<std::string> places; // sources, then the destination
};

// What the words mean: one side is a VM, the other this machine.
struct CopyPlan {
    std::string vm;
    std::vector<std::string> from;
    std::string to;
    bool is_inward = false;
};

Result<CopyPlan> plan_of(const std::vector<std::string>& places) {
    const auto refuse = [](std::string text) {
        return fail(ErrorCode::usage, std::move(text),
                    "castra cp file.txt web-0:/tmp/, or castra cp web-0:/etc/hostname .");
    };
    if (places.size() < 2) return refuse("castra cp needs a source and a destination");
    CopyPlan plan;
    const auto to = parse_copy_place(places.back());
    plan.to = to.path;
    plan.vm = to.vm;
    plan.is_inward = !to.vm.empty();
    for (std::size_t i = 0; i + 1 < places.size(); ++i) {
        const auto from = parse_copy_place(places[i]);
        if (plan.is_inward && !from.vm.empty())
            return refuse("castra cp copies between this machine and one VM, not between VMs");
        if (!plan.is_inward && from.vm.empty())
            return refuse("neither side is a VM: \"" + places[i] + "\", \"" + places.back() + "\"");
        if (!plan.is_inward && !plan.vm.empty() && plan.vm != from.vm)
            return refuse("castra cp copies from one VM at a time");
        if (!plan.is_inward) plan.vm = from.vm;
        plan.from.push_back(from.path);
    }
    return plan;
}

Task<int> cp(App& app, const CommandLine& line, CopyOptions options) {
    const auto plan = plan_of(options.places);
    if (!plan) co_return complain(plan.error());
    const auto status = co_await live_status(app, line);
    if (!status) co_return complain(status.error());
    const auto guest = guest_ssh(*status, plan->vm);
    if (!guest) co_return complain(guest.error());
    const auto cancel = app.cancelled_by_signal();
    CopyCounts copied;
    if (plan->is_inward) {
        const auto done =
            co_await copy_in(app.host(), *guest, {plan->from.begin(), plan->from.end()}, plan->to, cancel);
        if (!done) co_return complain(done.error());
        copied = *done;
    } else {
        for (const auto& from : plan->from) {
            const auto done = co_await copy_out(app.host(), *guest, from, plan->to, cancel);
            if (!done) co_return complain(done.error());
            copied.entries += done->entries;
        }
    }
    if (line.json)
        print(nlohmann::ordered_json{{"ok", true},
                                     {"vm", plan->vm},
                                     {"direction", plan->is_inward ? "in" : "out"},
                                     {"entries", copied.entries}}
                  .dump(2) +
              "\n");
    else if (line.verbose)
        std::fprintf(stderr, "copied %lld files and folders\n", static_cast<long long>(copied.entries));
    co_return exit_code::succeeded;
}

} // namespace

void add_cp(Grammar& grammar) {
    const auto options = Grammar::options<CopyOptions>();
    auto cp = grammar.add("cp", "Copy files and folders into a VM or out of it",
                          [options](App& app, const CommandLine& line) { return castra::cp(app, line, *options); });
    grammar.add_file(cp);
    grammar.add_json(cp);
    cp.flag("-v,--verbose", grammar.line().verbose, "Tell how many").excludes("--quiet");
    cp.option("places", options->places, "Sources, then the destination; in a VM: VM:PATH")
        .required()
        .type_name("PLACE");
    cp.footer(
        "\nAs cp -r does it: onto a directory that is there it goes into it. Needs tar in the guest, no scp and no\n"
        "sftp. A local name with a colon is written ./a:b.\n"
        "Examples:\n"
        "  castra cp app.tar.gz web-0:/tmp/\n"
        "  castra cp site/ web-0:/srv/www\n"
        "  castra cp web-0:/var/log/messages .");
}

} // namespace castra
