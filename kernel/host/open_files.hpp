// SPDX-License-Identifier: Apache-2.0
// Which processes use files below a directory, from /proc: evidence that something lives although no record names it.
// Sees processes of this user only (all of them as root); other castra processes are not counted. A listening unix
// socket counts too, whoever holds it.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace castra {

class OpenFiles {
public:
    // One look at all processes; `root`: nothing above or beside it will be asked for.
    static OpenFiles below(const std::filesystem::path& root);
    // A process whose working directory or one of whose open files is `directory` or in it; 0: one that listens there.
    std::optional<int> user_of(const std::filesystem::path& directory) const;

private:
    void look_at_processes(const std::string& root);
    void look_at_sockets(const std::string& root);
    struct Use {
        std::string path;
        int pid = 0;
    };
    std::vector<Use> uses_;
};

} // namespace castra
