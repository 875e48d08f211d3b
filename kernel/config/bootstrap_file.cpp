// SPDX-License-Identifier: Apache-2.0
#include "config/bootstrap_file.hpp"

#include "config/bootstrap_table.hpp"
#include "config/document.hpp"
#include "config/limits.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace castra {
namespace {

namespace fs = std::filesystem;

// What castra decides about the connection: the host key is always checked, the connection is shared and never asks.
constexpr std::string_view own_options[] = {"batchmode",
                                            "controlmaster",
                                            "controlpath",
                                            "controlpersist",
                                            "stricthostkeychecking",
                                            "userknownhostsfile",
                                            "identityfile",
                                            "port",
                                            "user",
                                            "globalknownhostsfile",
                                            "hostname",
                                            "connecttimeout",
                                            "requesttty",
                                            "nohostauthenticationforlocalhost"};

// "Compression=yes" or "Compression yes".
bool is_option(std::string_view word) {
    const auto end =
        std::ranges::find_if_not(word, [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; });
    return end != word.begin() && end != word.end() && (*end == '=' || *end == ' ');
}

std::string name_of(std::string_view option) {
    std::string name(option.substr(0, option.find_first_of("= ")));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return name;
}

void read_options(const Reader& reader, const toml::table& ssh, std::vector<std::string>& into) {
    if (!reader.has("options")) return;
    const auto* list = ssh["options"].as_array();
    if (list == nullptr || list->size() > limits::ssh_options_max) {
        reader.refuse("options", "wants at most " + std::to_string(limits::ssh_options_max) + " strings",
                      "write options = [\"Compression=yes\"], say");
        return;
    }
    std::vector<std::string> options;
    for (const auto& value : *list) {
        const auto* text = value.as_string();
        if (text == nullptr || !is_option(text->get()) || !complaint_about(text->get(), false).empty()) {
            reader.refuse("options", "wants words for ssh's -o", "write options = [\"Compression=yes\"], say");
            return;
        }
        if (std::ranges::find(own_options, name_of(text->get())) != std::end(own_options)) {
            reader.refuse("options", in_quotes(text->get()) + " is castra's to say",
                          "remove it; user, host, port and identity are keys of [ssh]");
            return;
        }
        options.push_back(text->get());
    }
    into = std::move(options);
}

void read_ssh(const Reader& root, const toml::table& document, BootstrapSshConfig& ssh) {
    const auto reader = root.table("ssh", known::bootstrap_file_ssh);
    if (!reader) return;
    reader->read_line("user", ssh.user);
    reader->read_line("host", ssh.host);
    for (const auto* key : {"user", "host"})
        if (const auto& value = std::string_view(key) == "user" ? ssh.user : ssh.host; value.starts_with('-'))
            reader->refuse(key, in_quotes(value) + " begins with a hyphen", "write a name");
    reader->read_port("port", 1, ssh.port);
    reader->read_path("identity", ssh.identity);
    read_options(*reader, *document["ssh"].as_table(), ssh.options);
}

// One byte more than is allowed shows that there is more.
std::string content_of(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::string text(limits::file_bytes_max + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    return text;
}

} // namespace

tl::expected<void, ConfigErrors> lay_over(BootstrapConfig& bootstrap, std::string_view text, const fs::path& file,
                                          const ConfigEnvironment& environment) {
    Problems problems(file.string());
    if (text.size() > limits::file_bytes_max) problems.add({}, "", "is larger than 1 MiB", "is it the right file?");
    if (!problems.empty()) return tl::unexpected(problems.take());
    const auto document = parse_document(text, problems);
    if (!document) return tl::unexpected(problems.take());
    ReadContext context{problems, {file.parent_path().string(), environment.home}};
    const Reader root(*document, known::bootstrap_file, "", context);
    root.read_line("handshake_identity", bootstrap.handshake_identity);
    Milliseconds timeout{};
    if (root.read_seconds("handshake_timeout_secs", 1, timeout)) bootstrap.handshake_timeout = timeout;
    read_remote_dir(root, bootstrap.remote_dir);
    root.read_env("env", bootstrap.env);
    if (const auto verify = root.table("verify", known::bootstrap_file_verify)) {
        verify->read_script("command", bootstrap.verify_command);
        verify->read_line("path", bootstrap.verify_path);
    }
    read_ssh(root, *document, bootstrap.ssh);
    if (!problems.empty()) return tl::unexpected(problems.take());
    bootstrap.metadata = file.string();
    return {};
}

tl::expected<void, LoadFailure> read_bootstrap_files(ProjectConfig& project) {
    const char* home = std::getenv("HOME"); // NOLINT(concurrency-mt-unsafe): one thread reads the config
    for (auto& vm : project.vms) {
        if (vm.bootstrap.script.empty()) continue;
        const auto file = fs::path(vm.bootstrap.script).parent_path() / "bootstrap.toml";
        std::error_code error;
        if (!fs::is_regular_file(file, error)) continue;
        auto read = lay_over(vm.bootstrap, content_of(file), file, {home != nullptr ? home : ""});
        if (!read) return tl::unexpected(LoadFailure{ErrorCode::config_invalid, std::move(read).error()});
    }
    return {};
}

} // namespace castra
