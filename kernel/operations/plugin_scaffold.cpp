// SPDX-License-Identifier: Apache-2.0
#include "operations/plugin_scaffold.hpp"

#include "config/names.hpp"
#include "host/files.hpp"

#include <algorithm>
#include <fstream>

namespace castra {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t template_bytes_max = 1 << 20;

std::string camel_case(const std::string& id) {
    std::string out;
    bool begins = true;
    for (const char c : id) {
        if (c == '-') {
            begins = true;
            continue;
        }
        out += begins && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        begins = false;
    }
    return out;
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
        text.replace(at, what.size(), with);
}

} // namespace

Result<MadePlugin> make_plugin_folder(const Installation& installation, const NewPlugin& wanted) {
    const auto templates = installation.share_dir / "templates";
    std::error_code problem;
    const auto from = templates / wanted.kind;
    if (!fs::is_directory(from, problem))
        return fail(ErrorCode::io, "no template " + from.string(), "install castra's SDK");
    const std::string prefix = wanted.kind == "broker-launcher" ? "broker" : wanted.kind;
    MadePlugin made;
    made.id = wanted.name.starts_with(prefix + "-") ? wanted.name : prefix + "-" + wanted.name;
    if (!is_name(wanted.name) || made.id.size() > 63)
        return fail(ErrorCode::usage, "\"" + wanted.name + "\" is no name of a plugin",
                    "a name is of a-z, 0-9 and inner hyphens");
    made.folder = (fs::absolute(wanted.parent, problem) / made.id).lexically_normal();
    if (files::exists(made.folder))
        return fail(ErrorCode::usage, made.folder.string() + " exists already", "take another name, or move it away");
    fs::create_directories(made.folder, problem);
    if (problem) return fail(ErrorCode::io, "make " + made.folder.string() + ": " + problem.message());
    std::vector<fs::path> sources;
    for (const auto& entry : fs::directory_iterator(from, problem))
        sources.push_back(entry.path());
    std::ranges::sort(sources);
    for (const auto& source : sources) {
        CASTRA_TRY(text, files::read(source, template_bytes_max));
        replace_all(text, "%ID%", made.id);
        replace_all(text, "%CLASS%", camel_case(made.id));
        replace_all(text, "%NAME%", made.id.substr(prefix.size() + 1));
        const auto file = made.folder / source.filename();
        std::ofstream out(file, std::ios::binary);
        out << text;
        if (!out.flush()) return fail(ErrorCode::io, "write " + file.string());
        made.files.push_back(file);
    }
    return made;
}

} // namespace castra
