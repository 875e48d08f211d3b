// SPDX-License-Identifier: Apache-2.0
#include "cli/grammar.hpp"

namespace castra {

Grammar::Grammar(std::string version, const char* about, const char* footer) : app_(about, "castra") {
    app_.set_version_flag("--version,-V", "castra " + std::move(version), "Print version and commit");
    app_.footer(footer);
    app_.require_subcommand(1);
    app_.fallthrough();
}

EventFormat Grammar::events() const {
    if (events_ == "ndjson") return EventFormat::ndjson;
    return events_ == "none" ? EventFormat::none : EventFormat::console;
}

CLI::App* Grammar::add(const char* name, const char* help, Act act, CLI::App* group) {
    auto* command = (group ? group : &app_)->add_subcommand(name, help);
    // CLI11 calls the outermost callback last: a command with commands below it must not take their place.
    command->callback([this, command, act = std::move(act)] {
        if (command->get_subcommands().empty()) line_.act = act;
    });
    command->add_flag("-q,--quiet", line_.quiet, "Say nothing but answers, warnings and errors");
    return command;
}

CLI::App* Grammar::add_group(const char* name, const char* help, CLI::App* group) {
    auto* made = (group ? group : &app_)->add_subcommand(name, help);
    made->require_subcommand(1);
    return made;
}

void Grammar::add_file(CLI::App* command) {
    command->add_option("-c,--config", line_.request.config, "The TOML file; default: castra.toml here or above")
        ->type_name("FILE");
}

void Grammar::add_look(CLI::App* command) {
    command->add_option("--color", line_.color, "auto, always, never")
        ->check(CLI::IsMember({"auto", "always", "never"}));
    command->add_flag("-v,--verbose", line_.verbose, "Show every event, also the small ones")
        ->excludes(command->get_option("--quiet"));
}

void Grammar::add_output(CLI::App* command) {
    command->add_option("--events", events_, "How events are shown: console, ndjson (on stdout, nothing else), none")
        ->check(CLI::IsMember({"console", "ndjson", "none"}))
        ->type_name("FORMAT");
    command
        ->add_flag("--grease", line_.request.grease,
                   "Add fields and events that no reader knows, to try a reader of the stream")
        ->envname("CASTRA_GREASE");
    add_look(command);
}

void Grammar::add_json(CLI::App* command) {
    command->add_flag("--json", line_.json, "Answer with one JSON document on stdout");
}

void Grammar::add_run(CLI::App* command, Operation operation) {
    add_file(command);
    add_output(command);
    command->add_option("vms", line_.request.vms, "VMs; default: all")->type_name("VM");
    command->add_flag("--strict", line_.request.strict, "A contract violation fails the run (exit code 7)");
    command->parse_complete_callback([this, operation] { line_.request.operation = operation; });
}

} // namespace castra
