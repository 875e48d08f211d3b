// SPDX-License-Identifier: Apache-2.0
// What the commands' files write their words with. A command adds itself with add(), binds its options to values of its
// own (shared with its act, for they are bound by reference) and the ones that many have by the add_... below.
#pragma once
#include "cli/command_line.hpp"
#include "cli/command_words.hpp"

#include <memory>

namespace castra {

using Act = std::function<Task<int>(App&, const CommandLine&)>;

class Grammar {
public:
    Grammar(std::string version, const char* about, const char* footer);
    Grammar(const Grammar&) = delete; // the options refer to line()
    Grammar& operator=(const Grammar&) = delete;
    ~Grammar();

    CLI::App& app() { return *app_; }
    CommandLine& line() { return line_; }
    // After parsing.
    EventFormat events() const;

    // A command, with --quiet; below `group`, or of castra itself. `act` is taken when it is the innermost one that was
    // typed.
    CommandWords add(const char* name, const char* help, Act act, std::optional<CommandWords> group = {});
    CommandWords add_group(const char* name, const char* help, std::optional<CommandWords> group = {});

    void add_file(CommandWords command);                     // --config
    void add_look(CommandWords command);                     // --color, --verbose
    void add_output(CommandWords command);                   // --events and the look
    void add_json(CommandWords command);                     // --json
    void add_run(CommandWords command, Operation operation); // all of these but --json, VMs, --strict: it makes a run
    // What its options are bound to, made here and kept by its act.
    template <class Options>
    static std::shared_ptr<Options> options() {
        return std::make_shared<Options>();
    }

private:
    std::unique_ptr<CLI::App> app_;
    CommandLine line_;
    std::string events_ = "console";
};

} // namespace castra
