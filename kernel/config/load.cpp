// SPDX-License-Identifier: Apache-2.0
#include "config/load_noted.hpp"

#include "base/utf8.hpp"
#include "config/document.hpp"
#include "config/limits.hpp"
#include "config/project.hpp"

#include <array>
#include <cstdlib>
#include <fstream>

namespace castra {
namespace {

namespace fs = std::filesystem;

// `shown_as` names the file in errors, `file` is where it is.
tl::expected<ProjectConfig, ConfigErrors> parse(std::string text, const fs::path& file, const std::string& shown_as,
                                                const ConfigEnvironment& environment, KeyBook* book) {
    Problems problems(shown_as);
    const auto directory = file.parent_path().string();
    if (text.size() > limits::file_bytes_max) problems.add({}, "", "is larger than 1 MiB", "is it the right file?");
    if (!problems.empty()) return tl::unexpected(problems.take());
    const auto document = parse_document(text, problems);
    if (!document) return tl::unexpected(problems.take());
    ReadContext context{problems, {directory, environment.home}, true, book};
    auto project = read_project(*document, context);
    if (!problems.empty()) return tl::unexpected(problems.take());
    project.path = file.string();
    project.directory = directory;
    project.text = std::move(text);
    return project;
}

LoadFailure failure(ErrorCode code, const std::string& file, std::string text, std::string hint) {
    return {code, {{file, 0, 0, "", std::move(text), std::move(hint)}}};
}

constexpr auto cure_not_found = "castra init writes one; or pass --config FILE";

// The nearest castra.toml at or above the working directory.
tl::expected<fs::path, LoadFailure> find_file() {
    std::error_code error;
    const auto start = fs::current_path(error);
    if (error)
        return tl::unexpected(failure(ErrorCode::config_not_found, "castra.toml",
                                      "the working directory is gone: " + error.message(), "go to another one"));
    for (auto directory = start;; directory = directory.parent_path()) {
        if (const auto file = directory / "castra.toml"; fs::is_regular_file(file, error)) return file;
        if (directory == directory.root_path()) break;
    }
    return tl::unexpected(failure(ErrorCode::config_not_found, "castra.toml",
                                  "not found in " + start.string() + " nor in any directory above it", cure_not_found));
}

tl::expected<std::string, LoadFailure> read_file(const fs::path& file, const std::string& shown_as) {
    const auto refuse = [&](ErrorCode code, std::string text, std::string hint) {
        return tl::unexpected(failure(code, shown_as, std::move(text), std::move(hint)));
    };
    std::error_code error;
    const auto status = fs::status(file, error);
    if (status.type() == fs::file_type::not_found)
        return refuse(ErrorCode::config_not_found, "no such file", cure_not_found);
    if (status.type() == fs::file_type::directory)
        return refuse(ErrorCode::config_invalid, "is a directory", "name the file in it");
    if (error) return refuse(ErrorCode::config_invalid, error.message(), "may you read it?");
    if (status.type() != fs::file_type::regular)
        return refuse(ErrorCode::config_invalid, "is no regular file", "put the text into a file");
    std::ifstream stream(file, std::ios::binary);
    if (!stream) return refuse(ErrorCode::config_invalid, "cannot be opened", "may you read it?");
    std::string text;
    std::array<char, 8192> block;                   // NOLINT(*-member-init): filled before it is read
    while (text.size() <= limits::file_bytes_max) { // more than allowed: parse() sees that it is too much
        stream.read(block.data(), block.size());
        text.append(block.data(), static_cast<std::size_t>(stream.gcount()));
        if (stream.bad()) return refuse(ErrorCode::config_invalid, "cannot be read", "may you read it?");
        if (!stream) break;
    }
    return text;
}

} // namespace

tl::expected<ProjectConfig, ConfigErrors> parse_project(std::string text, fs::path file) {
    return parse_project(std::move(text), std::move(file), {});
}

tl::expected<ProjectConfig, ConfigErrors> parse_project(std::string text, fs::path file,
                                                        const ConfigEnvironment& environment) {
    return parse_project(std::move(text), std::move(file), environment, nullptr);
}

tl::expected<ProjectConfig, ConfigErrors> parse_project(std::string text, fs::path file,
                                                        const ConfigEnvironment& environment, KeyBook* book) {
    const auto shown_as = file.string();
    if (!file.is_absolute()) file = fs::absolute(file);
    return parse(std::move(text), file.lexically_normal(), shown_as, environment, book);
}

tl::expected<ProjectConfig, LoadFailure> load_project(const fs::path& file_or_empty) {
    return load_project(file_or_empty, nullptr);
}

tl::expected<ProjectConfig, LoadFailure> load_project(const fs::path& file_or_empty, KeyBook* book) {
    auto file = file_or_empty;
    if (file.empty()) {
        auto found = find_file();
        if (!found) return tl::unexpected(std::move(found).error());
        file = *std::move(found);
    }
    const std::string shown_as = file.string();
    std::error_code error;
    const auto full = fs::canonical(file, error);
    if (!error && !is_utf8(full.native())) // events, records and the register name it
        return tl::unexpected(failure(ErrorCode::config_invalid, shown_as, "its path is not UTF-8",
                                      "rename the directory, or move the file to one whose path is"));
    auto text = read_file(file, shown_as);
    if (!text) return tl::unexpected(std::move(text).error());
    if (error)
        return tl::unexpected(failure(ErrorCode::config_invalid, shown_as, error.message(), "was it just removed?"));
    const char* home = std::getenv("HOME"); // NOLINT(concurrency-mt-unsafe): one thread reads the config
    auto project = parse(*std::move(text), full, shown_as, {home != nullptr ? home : ""}, book);
    if (!project) return tl::unexpected(LoadFailure{ErrorCode::config_invalid, std::move(project).error()});
    return *std::move(project);
}

} // namespace castra
