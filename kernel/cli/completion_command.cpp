// SPDX-License-Identifier: Apache-2.0
// castra completion; and reference and complete-vms, which are for the docs and for the scripts that it prints.
#include "cli/app.hpp"
#include "cli/everyday_commands.hpp"
#include "cli/grammar.hpp"
#include "cli/live_status.hpp"
#include "cli/reference.hpp"
#include "operations/exit_code.hpp"

namespace castra {
namespace {

Task<int> say(std::string text) {
    print(text);
    co_return exit_code::succeeded;
}

Task<int> complete_vms(App& app, const CommandLine& line) {
    const auto status = co_await live_status(app, line);
    if (!status) co_return exit_code::of(status.error().code); // nobody reads a complaint while completing
    for (const auto& vm : status->vms)
        print(vm.name + "\n");
    co_return exit_code::succeeded;
}

} // namespace

void add_completion(Grammar& grammar) {
    const auto shell = Grammar::options<std::string>();
    auto completion =
        grammar.add("completion", "Print the completion script for a shell, made from this very grammar",
                    [shell](App& app, const CommandLine&) {
                        return say(completion_script(make_grammar(app.installation().version)->app(), *shell));
                    });
    completion.option("shell", *shell, "bash, zsh or fish")
        .required()
        .one_of({"bash", "zsh", "fish"})
        .type_name("SHELL");
    completion.footer("\nCommands, options, their values and the names of VMs are completed.\n"
                      "Examples:\n"
                      "  source <(castra completion bash)\n"
                      "  castra completion fish > ~/.config/fish/completions/castra.fish");
    auto reference = grammar.add("reference", "Print docs/CLI.md", [](App& app, const CommandLine&) {
        return say(cli_page(make_grammar(app.installation().version)->app()));
    });
    reference.hide();
    auto vms = grammar.add("complete-vms", "Names of VMs, a line each",
                           [](App& app, const CommandLine& line) { return complete_vms(app, line); });
    vms.hide();
    grammar.add_file(vms);
}

} // namespace castra
