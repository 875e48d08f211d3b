// SPDX-License-Identifier: Apache-2.0
#include "cli/command_words.hpp"

#include <CLI/CLI.hpp>
#include <cmath>

namespace castra {

OptionWords& OptionWords::required() {
    option_->required();
    return *this;
}

OptionWords& OptionWords::type_name(const char* name) {
    option_->type_name(name);
    return *this;
}

OptionWords& OptionWords::one_of(std::vector<std::string> words) {
    option_->check(CLI::IsMember(std::move(words)));
    return *this;
}

OptionWords& OptionWords::range(std::int64_t min, std::int64_t max) {
    option_->check(CLI::Range(min, max));
    return *this;
}

OptionWords& OptionWords::real_range(double min, double max) {
    // CLI11 compares, and "nan" is neither below nor above anything.
    const auto is_number = [range = CLI::Range(min, max)](const std::string& text) {
        if (double value = 0; CLI::detail::lexical_cast(text, value) && std::isnan(value))
            return "\"" + text + "\" is no number";
        return range(text);
    };
    option_->check(is_number, CLI::Range(min, max).get_description());
    return *this;
}

OptionWords& OptionWords::positive() {
    option_->check(CLI::PositiveNumber);
    return *this;
}

OptionWords& OptionWords::separated_by_commas() {
    option_->delimiter(',');
    return *this;
}

OptionWords& OptionWords::expected_once() {
    option_->expected(1);
    return *this;
}

OptionWords& OptionWords::one_at_a_time() {
    option_->allow_extra_args(false);
    return *this;
}

OptionWords& OptionWords::excludes(const char* other) {
    option_->excludes(command_->get_option(other));
    return *this;
}

OptionWords& OptionWords::or_variable(const char* name) {
    option_->envname(name);
    return *this;
}

OptionWords& OptionWords::each(std::function<std::optional<std::string>(const std::string&)> take) {
    option_->each([take = std::move(take)](const std::string& value) {
        if (const auto wrong = take(value)) throw CLI::ValidationError(*wrong);
    });
    return *this;
}

OptionWords CommandWords::option(const char* names, std::string& into, const char* help) {
    return {command_, command_->add_option(names, into, help)};
}

OptionWords CommandWords::option(const char* names, std::vector<std::string>& into, const char* help) {
    return {command_, command_->add_option(names, into, help)};
}

OptionWords CommandWords::option(const char* names, int& into, const char* help) {
    return {command_, command_->add_option(names, into, help)};
}

OptionWords CommandWords::option(const char* names, std::int64_t& into, const char* help) {
    return {command_, command_->add_option(names, into, help)};
}

OptionWords CommandWords::option(const char* names, std::optional<std::int64_t>& into, const char* help) {
    return {command_, command_->add_option(names, into, help)};
}

OptionWords CommandWords::option(const char* names, std::uint16_t& into, const char* help) {
    return {command_, command_->add_option(names, into, help)};
}

OptionWords CommandWords::option(const char* names, double& into, const char* help) {
    return {command_, command_->add_option(names, into, help)};
}

OptionWords CommandWords::flag(const char* names, bool& into, const char* help) {
    return {command_, command_->add_flag(names, into, help)};
}

void CommandWords::footer(const std::string& text) {
    command_->footer(text);
}

void CommandWords::describe(const char* option, const char* help) {
    command_->get_option(option)->description(help);
}

void CommandWords::alias(const char* name) {
    command_->alias(name);
}

void CommandWords::may_have_command() {
    command_->require_subcommand(0, 1);
}

void CommandWords::hide() {
    command_->group("");
}

void CommandWords::when_parsed(std::function<void()> act) {
    command_->parse_complete_callback(std::move(act));
}

} // namespace castra
