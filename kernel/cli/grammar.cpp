// SPDX-License-Identifier: Apache-2.0
#include "cli/grammar.hpp"

#include <CLI/CLI.hpp>

namespace castra {

Grammar::Grammar(std::string version, const char* about, const char* footer)
    : app_(std::make_unique<CLI::App>(about, "castra")) {
    app_->set_version_flag("--version,-V", "castra " + std::move(version), "Print version and commit");
    app_->footer(footer);
    app_->require_subcommand(1);
    app_->fallthrough();
}

Grammar::~Grammar() = default;

EventFormat Grammar::events() const {
    if (events_ == "ndjson") return EventFormat::ndjson;
    return events_ == "none" ? EventFormat::none : EventFormat::console;
}

CommandWords Grammar::add(const char* name, const char* help, Act act, std::optional<CommandWords> group) {
    auto* app = (group ? group->get() : app_.get())->add_subcommand(name, help);
    // CLI11 calls the outermost callback last: a command with commands below it must not take their place.
    app->callback([this, app, act = std::move(act)] {
        if (app->get_subcommands().empty()) line_.act = act;
    });
    CommandWords command(app);
    command.flag("-q,--quiet", line_.quiet, "Say nothing but answers, warnings and errors");
    return command;
}

CommandWords Grammar::add_group(const char* name, const char* help, std::optional<CommandWords> group) {
    auto* made = (group ? group->get() : app_.get())->add_subcommand(name, help);
    made->require_subcommand(1);
    return CommandWords(made);
}

void Grammar::add_file(CommandWords command) {
    command.option("-c,--config", line_.request.config, "The TOML file; default: castra.toml here or above")
        .type_name("FILE");
}

void Grammar::add_look(CommandWords command) {
    command.option("--color", line_.color, "auto, always, never").one_of({"auto", "always", "never"});
    command.flag("-v,--verbose", line_.verbose, "Show every event, also the small ones").excludes("--quiet");
}

void Grammar::add_output(CommandWords command) {
    command.option("--events", events_, "How events are shown: console, ndjson (on stdout, nothing else), none")
        .one_of({"console", "ndjson", "none"})
        .type_name("FORMAT");
    command
        .flag("--grease", line_.request.grease,
              "Add fields and events that no reader knows, to try a reader of the stream")
        .or_variable("CASTRA_GREASE");
    add_look(command);
}

void Grammar::add_json(CommandWords command) {
    command.flag("--json", line_.json, "Answer with one JSON document on stdout");
}

void Grammar::add_run(CommandWords command, Operation operation) {
    add_file(command);
    add_output(command);
    command.option("vms", line_.request.vms, "VMs; default: all").type_name("VM");
    command.flag("--strict", line_.request.strict, "A contract violation fails the run (exit code 7)");
    command.when_parsed([this, operation] { line_.request.operation = operation; });
}

} // namespace castra
