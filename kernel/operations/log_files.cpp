// SPDX-License-Identifier: Apache-2.0
#include "operations/log_files.hpp"

#include <algorithm>

namespace castra {

namespace fs = std::filesystem;

bool is_of_project(std::string_view kind) {
    return kind == "broker" || kind == "supervisor";
}

fs::path log_directory(const Layout& layout, const std::string& vm, std::string_view kind) {
    if (kind == "bootstrap") return layout.state_dir() / "bootstrap" / vm;
    if (kind == "broker") return layout.state_dir() / "broker";
    if (kind == "supervisor") return layout.supervisor_log().parent_path();
    return layout.vm_dir(vm);
}

Result<std::vector<LogFile>> log_files(const Layout& layout, const std::string& vm, std::string_view kind) {
    const auto directory = log_directory(layout, vm, kind);
    std::vector<LogFile> out;
    if (kind == "supervisor") out.push_back({"", "supervisor", layout.supervisor_log()});
    if (kind == "serial" || kind == "process")
        out.push_back({vm, std::string(kind), directory / (std::string(kind) + ".log")});
    if (!out.empty()) return out;
    std::error_code error;
    for (auto entry = fs::directory_iterator(directory, error); !error && entry != fs::directory_iterator();
         entry.increment(error))
        if (entry->path().extension() == ".log")
            out.push_back(
                {vm, std::string(kind), entry->path(), kind == "bootstrap" ? entry->path().stem().string() : ""});
    if (error && error != std::errc::no_such_file_or_directory)
        return fail(ErrorCode::io, "list the logs in " + directory.string() + ": " + error.message());
    std::ranges::sort(out, {}, &LogFile::path);
    return out;
}

} // namespace castra
