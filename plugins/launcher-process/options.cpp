// SPDX-License-Identifier: Apache-2.0
#include "launcher-process/options.hpp"

#include "castra/sdk/nearest.hpp"
#include "castra/sdk/refusal.hpp"

#include <algorithm>

namespace castra::launcher_process {
namespace {

using sdk::Json;

constexpr std::int64_t ready_timeout_secs_max = 86400;

[[noreturn]] void refuse(const std::string& key, const std::string& title, const std::string& hint) {
    throw sdk::Refusal({.code = "invalid_option", .title = title, .field_path = "/vm/options/" + key, .hint = hint});
}

// An argument and a variable end at their first NUL: what follows would be lost in silence.
std::string text_in(const Json& value, const std::string& key) {
    if (!value.is_string()) refuse(key, "option " + key + " must be a text", "it is " + value.dump());
    auto text = value.get<std::string>();
    if (text.find('\0') != std::string::npos) refuse(key, "option " + key + " contains a NUL", "remove it");
    return text;
}

std::vector<std::string> command_in(const Json& options) {
    const auto* const example = "command = [\"/usr/bin/python3\", \"-m\", \"http.server\"]";
    const auto found = options.find("command");
    if (found == options.end()) refuse("command", "the launcher process needs a command", example);
    if (!found->is_array() || found->empty())
        refuse("command", "option command must be a list: the program, then its arguments", example);
    std::vector<std::string> command;
    for (const auto& item : *found)
        command.push_back(text_in(item, "command/" + std::to_string(command.size())));
    if (command.front().empty()) refuse("command/0", "the program has no name", example);
    if (command.front().front() != '/' && command.front().find('/') != std::string::npos)
        refuse("command/0", "\"" + command.front() + "\" is a relative path",
               "an absolute path, or a name that is looked up in PATH");
    return command;
}

bool is_variable_name(const std::string& name) {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    return !name.empty() && is_letter(name.front()) &&
           std::ranges::all_of(name, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

std::map<std::string, std::string> env_in(const Json& value) {
    if (!value.is_object()) refuse("env", "option env must be a table", "env = { MODE = \"test\" }");
    std::map<std::string, std::string> env;
    for (const auto& [name, text] : value.items()) {
        if (!is_variable_name(name))
            refuse("env/" + name, "\"" + name + "\" is no name of a variable", "letters, digits and _, no digit first");
        if (name.starts_with("CASTRA_")) refuse("env/" + name, "CASTRA_... is set by castra", "choose another name");
        env[name] = text_in(text, "env/" + name);
    }
    return env;
}

} // namespace

Options decode_options(const Json& options) {
    if (!options.is_object()) refuse("", "options must be a table", "it is " + options.dump());
    Options out;
    out.command = command_in(options);
    for (const auto& [key, value] : options.items()) {
        if (key == "command") {
        } else if (key == "env") {
            out.env = env_in(value);
        } else if (key == "working_dir") {
            out.working_dir = text_in(value, key);
            if (!out.working_dir.starts_with('/'))
                refuse(key, "working_dir \"" + out.working_dir + "\" is not absolute",
                       "leave it out for the VM's own directory");
        } else if (key == "ready") {
            const auto word = text_in(value, key);
            if (word != "started" && word != "notify")
                refuse(key, "option ready = \"" + word + "\" is unknown", "started, notify");
            out.notifies = word == "notify";
        } else if (key == "ready_timeout_secs") {
            if (!value.is_number_integer() || value < 1 || value > ready_timeout_secs_max)
                refuse(key, "option ready_timeout_secs must be a whole number, 1..86400", "it is " + value.dump());
            out.ready_timeout_secs = value.get<std::int64_t>();
        } else {
            refuse(key, "the launcher process has no option \"" + key + "\"",
                   sdk::options_hint(key, {"command", "env", "working_dir", "ready", "ready_timeout_secs"}));
        }
    }
    return out;
}

} // namespace castra::launcher_process
