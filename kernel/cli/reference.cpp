// SPDX-License-Identifier: Apache-2.0
#include "cli/reference.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <sstream>

namespace castra {
namespace {

struct Command {
    std::string path; // "castra events verify"
    CLI::App* app;
};

std::vector<CLI::App*> children_of(CLI::App& app) {
    std::vector<CLI::App*> out;
    for (auto* child : app.get_subcommands([](CLI::App*) { return true; }))
        if (!child->get_group().empty()) out.push_back(child); // those without a group castra starts itself
    return out;
}

void collect(CLI::App& app, const std::string& path, std::vector<Command>& into) {
    into.push_back({path, &app});
    for (auto* child : children_of(app))
        collect(*child, path + " " + child->get_name(), into);
}

std::vector<Command> commands_of(CLI::App& app) {
    std::vector<Command> out;
    collect(app, "castra", out);
    return out;
}

std::string in_table(std::string text) {
    std::string out;
    for (const char c : text) {
        if (c == '\n')
            out += ' ';
        else
            out += c == '|' ? std::string("\\|") : std::string(1, c);
    }
    return out;
}

std::vector<const CLI::Option*> options_of(const CLI::App& app) {
    std::vector<const CLI::Option*> out;
    for (const auto* option : app.get_options())
        if (!option->get_group().empty() && option != app.get_help_all_ptr()) out.push_back(option);
    return out;
}

std::string words_of(const CLI::Option& option) {
    std::string out;
    for (const auto& name : option.get_snames())
        out += (out.empty() ? "-" : ", -") + name;
    for (const auto& name : option.get_lnames())
        out += (out.empty() ? "--" : ", --") + name;
    if (option.get_positional() && out.empty()) return option.get_type_name();
    if (option.get_items_expected_max() > 0 && option.get_type_size() > 0) out += " " + option.get_type_name();
    return out;
}

std::string usage_of(const Command& command) {
    std::string out = command.path;
    if (!children_of(*command.app).empty()) return out + " COMMAND";
    out += " [OPTIONS]";
    for (const auto* option : options_of(*command.app)) {
        if (!option->get_positional()) continue;
        const auto name = option->get_type_name() + (option->get_items_expected_max() > 1 ? "..." : "");
        out += option->get_required() ? " " + name : " [" + name + "]";
    }
    return out;
}

// The part of a footer from "Examples:" on goes into a block of its own.
void add_footer(std::string footer, std::string& out) {
    while (!footer.empty() && footer.front() == '\n')
        footer.erase(0, 1);
    if (footer.empty()) return;
    const auto at = footer.find("Examples:\n");
    const auto prose = footer.substr(0, at);
    if (!prose.empty()) out += "\n" + prose + (prose.ends_with('\n') ? "" : "\n");
    if (at == std::string::npos) return;
    std::istringstream lines(footer.substr(at + 10));
    std::string line;
    out += "\n```\n";
    while (std::getline(lines, line)) {
        if (line.empty()) break;
        out += line.starts_with("  ") ? line.substr(2) + "\n" : line + "\n";
    }
    out += "```\n";
}

std::string spaced(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& word : words)
        out += (out.empty() ? "" : " ") + word;
    return out;
}

std::vector<std::string> words_to_complete(CLI::App& app) {
    std::vector<std::string> out;
    for (auto* child : children_of(app))
        out.push_back(child->get_name());
    for (const auto* option : options_of(app))
        for (const auto& name : option->get_lnames())
            out.push_back("--" + name);
    return out;
}

// What may stand behind an option or as a word of its own: "VM", "FILE", or the members of a choice.
std::string values_of(const CLI::Option& option) {
    const auto type = option.get_type_name();
    const auto open = type.find('{'), close = type.rfind('}'); // CLI11 writes a choice as FORMAT:{a,b}
    if (open == std::string::npos || close == std::string::npos) return {};
    auto out = type.substr(open + 1, close - open - 1);
    std::ranges::replace(out, ',', ' ');
    return out;
}

bool takes_vms(const CLI::App& app) {
    return std::ranges::any_of(options_of(app), [](const auto* option) {
        return option->get_positional() && option->get_type_name().starts_with("VM");
    });
}

std::string single_quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text)
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

// One function for bash and zsh: which command the words name, then what may follow.
std::string words_table(CLI::App& app) {
    std::string out;
    for (const auto& command : commands_of(app)) {
        auto key = command.path == "castra" ? std::string() : command.path.substr(7);
        out += "        " + single_quoted(key) + ") words=" + single_quoted(spaced(words_to_complete(*command.app))) +
               " vms=" + (takes_vms(*command.app) ? "yes" : "no") + " ;;\n";
    }
    return out;
}

std::string values_table(CLI::App& app) {
    std::map<std::string, std::string> values;
    for (const auto& command : commands_of(app))
        for (const auto* option : options_of(*command.app))
            if (const auto words = values_of(*option); !words.empty())
                for (const auto& name : option->get_lnames())
                    values["--" + name] = words;
    std::string out;
    for (const auto& [option, words] : values)
        out += "        " + option + ") values=" + single_quoted(words) + " ;;\n";
    return out;
}

// clang-format takes the scripts for C++.
// clang-format off
std::string bash_script(CLI::App& app) {
    return R"sh(# bash completion of castra, made by: castra completion bash
_castra() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command='' next='' words='' vms=no values='' i
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == -- ]] && return
        [[ ${COMP_WORDS[i]} == -* ]] && continue
        next=${command:+$command }${COMP_WORDS[i]}
        _castra_words "$next" && command=$next
    done
    _castra_words "$command"
    case $before in
)sh" + values_table(app) +
           R"sh(        -c|--config|--junit) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    esac
    if [[ -n $values ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word")
        return
    fi
    [[ $vms == yes && $word != -* ]] && words="$words $("${COMP_WORDS[0]}" complete-vms 2>/dev/null)"
    [[ $word == -* ]] || words=$(tr ' ' '\n' <<<"$words" | grep -v '^-')
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    [[ ${#COMPREPLY[@]} -gt 0 || $word == -* ]] || mapfile -t COMPREPLY < <(compgen -f -- "$word")
}
# Sets words and vms for a command; fails if there is none of this name.
_castra_words() {
    case $1 in
)sh" + words_table(app) +
           R"sh(        *) return 1 ;;
    esac
}
complete -F _castra castra
)sh";
}

std::string zsh_script(CLI::App& app) {
    return R"sh(#compdef castra
# zsh completion of castra, made by: castra completion zsh
_castra_words() {
    case $1 in
)sh" + words_table(app) +
           R"sh(        *) return 1 ;;
    esac
}
_castra() {
    local word=${words[CURRENT]} before=${words[CURRENT-1]} command='' next='' vms=no values='' i
    local -a typed=("${words[@]}")
    local words=''
    for ((i = 2; i < CURRENT; i++)); do
        [[ ${typed[i]} == -- ]] && { _files; return }
        [[ ${typed[i]} == -* ]] && continue
        next=${command:+$command }${typed[i]}
        _castra_words "$next" && command=$next
    done
    _castra_words "$command"
    case $before in
)sh" + values_table(app) +
           R"sh(        -c|--config|--junit) _files; return ;;
    esac
    if [[ -n $values ]]; then compadd -- ${=values}; return; fi
    [[ $vms == yes && $word != -* ]] && words="$words $(castra complete-vms 2>/dev/null)"
    [[ $word == -* ]] || words=${(j: :)${(M)${=words}:#[^-]*}}
    compadd -- ${=words} || _files
}
if [[ ${funcstack[1]} == _castra ]]; then _castra "$@"; else compdef _castra castra; fi
)sh";
}
// clang-format on

std::string fish_script(CLI::App& app) {
    std::string out = "# fish completion of castra, made by: castra completion fish\ncomplete -c castra -f\n";
    for (const auto& command : commands_of(app)) {
        std::string condition = "__fish_use_subcommand";
        std::string seen;
        if (command.path != "castra") {
            std::istringstream words(command.path.substr(7));
            std::string word;
            while (words >> word)
                seen += (seen.empty() ? "" : "; and ") + std::string("__fish_seen_subcommand_from ") + word;
            condition = seen;
        }
        for (auto* child : children_of(*command.app))
            out += "complete -c castra -n " + single_quoted(condition) + " -a " + child->get_name() + " -d " +
                   single_quoted(first_line(child->get_description())) + "\n";
        if (command.path == "castra") continue;
        for (const auto* option : options_of(*command.app))
            for (const auto& name : option->get_lnames()) {
                const auto values = values_of(*option);
                out += "complete -c castra -n " + single_quoted(condition) + " -l " + name + " -d " +
                       single_quoted(first_line(option->get_description()));
                if (!values.empty()) out += " -x -a " + single_quoted(values);
                if (option->get_type_name() == "FILE") out += " -r -F";
                out += "\n";
            }
        if (takes_vms(*command.app))
            out += "complete -c castra -n " + single_quoted(condition) + " -a '(castra complete-vms 2>/dev/null)'\n";
    }
    return out;
}

} // namespace

std::string cli_page(CLI::App& app) {
    std::string out =
        "# The command line\nMade from castra's grammar by `castra reference`; a test compares. Exit codes: "
        "[ERRORS](ERRORS.md).\n";
    for (const auto& command : commands_of(app)) {
        const auto& description = command.app->get_description();
        out += "\n## `" + command.path + "`\n" + description + (description.ends_with('.') ? "\n" : ".\n");
        out += "\n```\n" + usage_of(command) + "\n```\n";
        const auto options = options_of(*command.app);
        std::string rows;
        for (const auto* option : options)
            if (option != command.app->get_help_ptr())
                rows += "| `" + in_table(words_of(*option)) + "` | " + in_table(option->get_description()) + " |\n";
        if (!rows.empty()) out += "\n| option | meaning |\n|---|---|\n" + rows;
        add_footer(command.app->get_footer(), out);
    }
    return out;
}

std::string completion_script(CLI::App& app, const std::string& shell) {
    if (shell == "zsh") return zsh_script(app);
    if (shell == "fish") return fish_script(app);
    return bash_script(app);
}

} // namespace castra
