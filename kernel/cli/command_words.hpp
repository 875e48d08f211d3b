// SPDX-License-Identifier: Apache-2.0
// The words of one command: options, arguments and flags, each bound to a value that outlives the grammar. CLI11 reads
// them; its headers stay in the few files that need all of it (grammar, command_line, command_words, examples,
// reference), for every file that includes them costs the compiler many seconds.
// Handles: copied freely, owned by the Grammar.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
} // namespace CLI

namespace castra {

class OptionWords {
public:
    OptionWords(CLI::App* command, CLI::Option* option) : command_(command), option_(option) {}

    OptionWords& required();
    OptionWords& type_name(const char* name); // what --help calls its value: "FILE"
    OptionWords& one_of(std::vector<std::string> words);
    OptionWords& range(std::int64_t min, std::int64_t max);
    OptionWords& real_range(double min, double max);
    OptionWords& positive();
    OptionWords& separated_by_commas();
    OptionWords& expected_once(); // of a list: exactly one value
    OptionWords& one_at_a_time(); // of a list: one value each time that it is written
    OptionWords& excludes(const char* other);
    OptionWords& or_variable(const char* name); // of the environment, when it is not written
    // Of each value, as it is read. What it answers is what is wrong with that.
    OptionWords& each(std::function<std::optional<std::string>(const std::string&)> take);

private:
    CLI::App* command_;
    CLI::Option* option_;
};

class CommandWords {
public:
    explicit CommandWords(CLI::App* command) : command_(command) {}
    CLI::App* get() const { return command_; }

    // `names`: "-n,--lines"; a word without dashes is an argument.
    OptionWords option(const char* names, std::string& into, const char* help = "");
    OptionWords option(const char* names, std::vector<std::string>& into, const char* help = "");
    OptionWords option(const char* names, int& into, const char* help = "");
    OptionWords option(const char* names, std::int64_t& into, const char* help = "");
    OptionWords option(const char* names, std::optional<std::int64_t>& into, const char* help = "");
    OptionWords option(const char* names, std::uint16_t& into, const char* help = "");
    OptionWords option(const char* names, double& into, const char* help = "");
    OptionWords flag(const char* names, bool& into, const char* help);

    void footer(const std::string& text);                // of --help
    void describe(const char* option, const char* help); // in other words than it was added with
    void alias(const char* name);
    void may_have_command(); // below it, or do its own work
    void hide();             // from --help: castra starts it itself
    void when_parsed(std::function<void()> act);

private:
    CLI::App* command_;
};

} // namespace castra
